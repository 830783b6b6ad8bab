"""The values everything else is about: clips, utterances and dialogues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.corpus.labels import Label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPLITS = ("train", "dev", "test")

Labels = Mapping[str, tuple[Label, ...]]


@dataclass(frozen=True, slots=True)
class Clip:
    """Media on disk, cut by seconds; ``None`` means from the start or to the end of the file."""

    path: Path
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AudioFeatures:
    """What was measured in a clip, by one decoding of it.

    Attributes:
        key: hash of the source's content, the cut, and how it was measured; ``""`` without usable sound.
        mel: ``(frames, bands)`` float16, usually a memory map; ``None`` without usable sound.
        descriptors: column of `sentir.audio.descriptors` → number; empty without usable sound.
        seconds: length of what was decoded.
        problem: why there is no usable sound, one sentence; ``""`` if there is.
        problem_kind: the ``kind`` of the `AudioError`, to count by.
        mel_kind: which mel spectrogram it is, ``mel`` or ``thesis``.
        notes: what a user should know of how it was decoded, a sentence each; empty if all is as it should be.
        note_kinds: the ``kind`` of each, to count by; see `sentir.audio.decoding_notes`.
    """

    key: str = ""
    mel: NDArray[np.float16] | None = None
    descriptors: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str = ""
    problem_kind: str = ""
    mel_kind: str = "mel"
    notes: tuple[str, ...] = ()
    note_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one speaker says in one turn.

    Attributes:
        id: unique and readable as a path, ``meld/train/dia0/utt0``.
        split: ``train``, ``dev`` or ``test``; ``""`` for an utterance from outside a corpus.
        dialogue: unique key of the conversation (or video) it belongs to.
        turn: its position in the dialogue, from 0.
        text: what is said, as the corpus has it; ``None`` if unknown.
        labels: task → label names, or a number where one is recognized; a task that is not there was not
            annotated.
        scores: label name → annotated intensity, where the corpus has intensities.
        numeric_features: numeric facts that come with the corpus and are no labels, such as ``duration`` in seconds.
        stacked_probabilities: probabilities that another model gives it, by ``task.label``; empty before it was asked.
        audio: what its clip sounds like, once `sentir.audio.store.listen` has listened; ``None`` before.
    """

    id: str
    split: str = ""
    dialogue: str = ""
    turn: int = 0
    speaker: str | None = None
    text: str | None = None
    clip: Clip | None = None
    labels: Labels = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    numeric_features: Mapping[str, float] = field(default_factory=dict)
    stacked_probabilities: Mapping[str, float] = field(default_factory=dict, compare=False, repr=False)
    audio: AudioFeatures | None = field(default=None, compare=False, repr=False)

    def blind(self) -> Utterance:
        """Return the same utterance without labels and scores."""
        return replace(self, labels={}, scores={}) if self.labels or self.scores else self


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation: its utterances in order."""

    id: str
    utterances: tuple[Utterance, ...]

    def before(self, utterance: Utterance, n: int) -> tuple[Utterance, ...]:
        """Return up to ``n`` utterances that come right before this one, in order."""
        place = self._index(utterance)
        return self.utterances[max(0, place - n) : place]

    def after(self, utterance: Utterance, n: int) -> tuple[Utterance, ...]:
        """Return up to ``n`` utterances that come right after this one, in order."""
        place = self._index(utterance) + 1
        return self.utterances[place : place + n]

    def _index(self, utterance: Utterance) -> int:
        return [u.id for u in self.utterances].index(utterance.id)


def group_dialogues(utterances: Iterable[Utterance]) -> list[Dialogue]:
    """Group utterances by dialogue, each in the order of its turns, dialogues in order of appearance."""
    groups: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        groups.setdefault(utterance.dialogue or utterance.id, []).append(utterance)
    return [Dialogue(key, tuple(sorted(group, key=lambda u: u.turn))) for key, group in groups.items()]


@dataclass(frozen=True, slots=True)
class Issue:
    """Something about a corpus that a person should know.

    Attributes:
        kind: a short stable key, such as ``"text_repaired"`` or ``"row_unusable"``.
        severity: ``note`` (handled), ``warning`` (inherent, know it) or ``problem`` (something was lost).
        message: one sentence: what is wrong, and what was done.
        where: the utterance id, or file and row.
    """

    kind: str
    severity: str
    message: str
    where: str
