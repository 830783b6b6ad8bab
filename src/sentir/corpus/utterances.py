"""The values everything else is about: clips, utterances, dialogues and the corpus.

A `Corpus` keeps the labels of its test split in a `SealedLabels`; every test utterance it hands out is blind.
Their only door is `sentir.evaluation.locked.ledger.open_test`, which counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.corpus import tables
from sentir.corpus.fingerprints import fingerprint
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.sealed import SealedLabels as SealedLabels
from sentir.corpus.validation import SPLITS as SPLITS
from sentir.corpus.validation import check_promises
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.repr_mixin import Brief, few

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from datasets import DatasetDict
    from numpy.typing import NDArray

Labels = Mapping[str, tuple[Label, ...]]


@dataclass(frozen=True, slots=True)
class Clip:
    """Media on disk, cut by seconds; ``None`` means from the start or to the end of the file."""

    path: Path
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """What was measured in a clip, by one decoding of it.

    Attributes:
        key: hash of the source's content, the cut, and how it was measured; ``""`` without usable sound.
        mel: ``(frames, bands)`` float16, usually a memory map; ``None`` without usable sound.
        measures: column of `sentir.audio.descriptors` → number; empty without usable sound.
        seconds: length of what was decoded.
        problem: why there is no usable sound, one sentence; ``""`` if there is.
        problem_kind: the ``kind`` of the `AudioError`, to count by.
        kind: which mel it is, ``mel`` or ``thesis``.
        notes: what a user should know of how it was decoded, a sentence each; empty if all is as it should be.
        note_kinds: the ``kind`` of each, to count by; see `sentir.audio.decoding_notes`.
    """

    key: str = ""
    mel: NDArray[np.float16] | None = None
    measures: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str = ""
    problem_kind: str = ""
    kind: str = "mel"
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
        numbers: numeric facts that come with the corpus and are no labels, such as ``duration`` in seconds.
        stacked: probabilities that another model gives it, by ``task.label``; empty before it was asked.
        sound: what its clip sounds like, once `sentir.audio.store.listen` has listened; ``None`` before.
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
    numbers: Mapping[str, float] = field(default_factory=dict)
    stacked: Mapping[str, float] = field(default_factory=dict, compare=False, repr=False)
    sound: Sound | None = field(default=None, compare=False, repr=False)

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
        place = self._place(utterance)
        return self.utterances[max(0, place - n) : place]

    def after(self, utterance: Utterance, n: int) -> tuple[Utterance, ...]:
        """Return up to ``n`` utterances that come right after this one, in order."""
        place = self._place(utterance) + 1
        return self.utterances[place : place + n]

    def _place(self, utterance: Utterance) -> int:
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


@dataclass(frozen=True, repr=False)
class Corpus(Brief):
    """Utterances with their label spaces; immutable. Build it with `Corpus.build`.

    Promises: ids are unique, no dialogue lies in two splits, test utterances are blind, and order within a
    dialogue is the order of its turns. ``groups``: kind (such as ``episode``) → utterance id → name, for audits.
    ``traits``: the same of what may be alike in every split (such as gender), by which scores are cut.
    ``folds_of``: what several corpora are folds of, as their recipes declare; ``""`` if it is none.
    """

    name: str
    utterances: tuple[Utterance, ...]
    spaces: Mapping[str, LabelSpace]
    issues: tuple[Issue, ...]
    sealed: SealedLabels
    synthetic: bool
    fingerprint: str
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    traits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    folds_of: str = ""

    def __post_init__(self) -> None:
        if {u.id for u in self.utterances if u.split == "test"} != self.sealed.ids:
            raise CorpusError(
                _("The test utterances of '{name}' are not those whose labels are sealed; use Corpus.build.",
                  name=self.name)
            )  # fmt: skip

    @classmethod
    def build(
        cls,
        name: str,
        utterances: Iterable[Utterance],
        spaces: Iterable[LabelSpace],
        *,
        issues: Iterable[Issue] = (),
        synthetic: bool = False,
        groups: Mapping[str, Mapping[str, str]] | None = None,
        traits: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Corpus:
        """Check the promises and seal the test labels. Labels that are numbers come from ``scores``.

        Raises:
            CorpusError: if an id repeats, a dialogue lies in two splits, or a label is not in its space.
        """
        by_task = {space.task: space for space in spaces}
        rows = tuple(_with_numbers(u, by_task) for u in utterances)
        check_promises(name, rows, by_task)
        test = [u for u in rows if u.split == "test"]
        return cls(
            name=name,
            utterances=tuple(u.blind() if u.split == "test" else u for u in rows),
            spaces=by_task,
            issues=tuple(issues),
            sealed=SealedLabels(test),
            synthetic=synthetic,
            fingerprint=fingerprint(rows),
            groups=groups or {},
            traits=traits or {},
        )

    @property
    def test_fingerprint(self) -> str:
        """Hash of what the test split says and how it is annotated, by which the ledger counts."""
        return self.sealed.fingerprint

    @cached_property
    def by_id(self) -> Mapping[str, Utterance]:
        """Utterances by id; those of test are blind."""
        return {u.id: u for u in self.utterances}

    def split(self, name: str) -> tuple[Utterance, ...]:
        """Return the utterances of one split in corpus order; those of test are blind."""
        return tuple(u for u in self.utterances if u.split == name)

    @property
    def train(self) -> tuple[Utterance, ...]:
        """Utterances of the train split, with labels."""
        return self.split("train")

    @property
    def dev(self) -> tuple[Utterance, ...]:
        """Utterances of the dev split, with labels."""
        return self.split("dev")

    @property
    def test(self) -> tuple[Utterance, ...]:
        """Utterances of the test split, blind."""
        return self.split("test")

    def space(self, task: str) -> LabelSpace:
        """Return the label space of ``task``.

        Raises:
            CorpusError: if the corpus has no such task.
        """
        if task not in self.spaces:
            raise CorpusError(
                _(
                    "The corpus '{name}' has no task '{task}'; it has: {tasks}.",
                    name=self.name,
                    task=task,
                    tasks=", ".join(sorted(self.spaces)),
                )
            )
        return self.spaces[task]

    @cached_property
    def by_dialogue(self) -> Mapping[str, Dialogue]:
        """Dialogues by id, in corpus order; an utterance without a dialogue is one of its own."""
        return {dialogue.id: dialogue for dialogue in group_dialogues(self.utterances)}

    @cached_property
    def by_speaker(self) -> Mapping[str | None, tuple[Utterance, ...]]:
        """Utterances by speaker, in corpus order; ``None`` stands for those whose speaker is not known."""
        return tables.by_speaker(self)

    def by_label(self, task: str, split: str) -> Mapping[str, tuple[Utterance, ...]]:
        """Return the utterances of train or dev by label, those of test never; see `views.by_label`."""
        return tables.by_label(self, task, split)

    def before(self, utterance: Utterance, n: int) -> tuple[Utterance, ...]:
        """Return up to ``n`` utterances that come right before this one in its dialogue, in order."""
        return self.by_dialogue[utterance.dialogue or utterance.id].before(utterance, n)

    def after(self, utterance: Utterance, n: int) -> tuple[Utterance, ...]:
        """Return up to ``n`` utterances that come right after this one in its dialogue, in order."""
        return self.by_dialogue[utterance.dialogue or utterance.id].after(utterance, n)

    def find(self, key: str) -> Utterance:
        """Return the utterance with this id or the only one whose id ends in it; see `views.find`."""
        return tables.find(self, key)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per utterance, with labels joined by ``|``; those of test are missing."""
        return tables.to_frame(self)

    def to_datasets(self) -> DatasetDict:
        """Return a Hugging Face data set for each split; labels of test are missing. See `views.to_datasets`."""
        return tables.to_datasets(self)

    def _brief(self) -> dict[str, object]:
        sizes = {name: len(self.split(name)) for name in SPLITS}
        return {"name": self.name, **sizes, "tasks": few(self.spaces), "issues": len(self.issues),
                **({"synthetic": True} if self.synthetic else {})}  # fmt: skip

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self.utterances)

    def __len__(self) -> int:
        return len(self.utterances)


def _with_numbers(u: Utterance, spaces: Mapping[str, LabelSpace]) -> Utterance:
    numbers = {task: label for task, space in spaces.items() if (label := space.scored(u.scores)) is not None}
    return replace(u, labels={**u.labels, **numbers}) if numbers else u
