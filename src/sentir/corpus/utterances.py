"""Clips, utterances and dialogues."""

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
class AudioContent:
    """The bytes of a media file in memory; equal if their ``digest``, a SHA-256, is."""

    data: bytes = field(compare=False, repr=False)
    digest: str


@dataclass(frozen=True, slots=True)
class Clip:
    """A segment of a media file in seconds; ``None`` means the start or the end of the file.

    If the file is in memory, ``content`` has its bytes, and ``path`` is only the name that messages use; see
    `sentir.audio.memory`.
    """

    path: Path
    start: float | None = None
    end: float | None = None
    content: AudioContent | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AudioFeatures:
    """Features extracted from a clip in one decoding.

    Attributes:
        key: hash of the file's content, the segment and the extraction settings; ``""`` without usable audio.
        mel: ``(frames, bands)`` float16 mel spectrogram, usually a memory map; ``None`` without usable audio.
        descriptors: column of `sentir.audio.descriptors` → value; empty without usable audio.
        seconds: duration of the decoded audio.
        problem: why there is no usable audio, one sentence; ``""`` if there is.
        problem_kind: the ``kind`` of the `AudioError`, for counts.
        mel_kind: kind of mel spectrogram, ``mel`` or ``thesis``.
        notes: sentences about what was unusual in decoding.
        note_kinds: the kind of each note, for counts; see `sentir.audio.decoding_notes`.
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
    """One turn of one speaker.

    Attributes:
        id: unique, in the form of a path, ``meld/train/dia0/utt0``.
        split: ``train``, ``dev`` or ``test``; ``""`` outside a corpus.
        dialogue: unique id of the dialogue (or video) that it belongs to; ``""`` if none.
        turn: its position in the dialogue, from 0.
        speaker: ``None`` if unknown.
        text: the transcript as in the corpus, before cleaning; ``None`` if there is none.
        clip: ``None`` if there is none.
        labels: task → label names, or the number of a regression task; tasks that are not annotated are missing.
        scores: label name → annotated intensity, if the corpus has intensities.
        numeric_features: numeric columns of the corpus that are not labels, such as ``duration`` in seconds.
        stacked_probabilities: ``task.label`` → probability from another model; empty before it has predicted.
        audio: features of its clip, attached by `sentir.audio.store.attach_audio`; ``None`` before.
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


def group_dialogues(utterances: Iterable[Utterance]) -> list[Dialogue]:
    """Group utterances by dialogue, each in the order of its turns, dialogues in order of appearance."""
    groups: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        groups.setdefault(utterance.dialogue or utterance.id, []).append(utterance)
    return [Dialogue(key, tuple(sorted(group, key=lambda u: u.turn))) for key, group in groups.items()]


@dataclass(frozen=True, slots=True)
class Issue:
    """A defect or peculiarity of a corpus.

    Attributes:
        kind: a short stable key, such as ``"text_encoding"`` or ``"row_skipped"``.
        severity: ``note`` (handled), ``warning`` (inherent in the corpus) or ``problem`` (data was lost).
        message: what is wrong and what was done, in one sentence.
        where: an utterance id, or a file and row.
    """

    kind: str
    severity: str
    message: str
    where: str
