"""`Corpus`: utterances with their label spaces; the labels of test are sealed.

A `Corpus` keeps the labels of its test split in a `SealedLabels`; its test utterances are blind. Only
`sentir.evaluation.locked.ledger.open_annotations` reads these labels, and records each evaluation on test in the
ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property

from sentir.corpus.fingerprints import compute_corpus_fingerprint
from sentir.corpus.labels import LabelSpace
from sentir.corpus.sealed import SealedLabels
from sentir.corpus.utterances import SPLITS, Dialogue, Issue, Utterance, group_dialogues
from sentir.corpus.validation import validate
from sentir.errors import CorpusError, LockedTestError
from sentir.i18n import _
from sentir.repr_mixin import ReprMixin, abbreviate_list

_MAX_LISTED = 4  # ids that an error message lists


@dataclass(frozen=True, repr=False)
class Corpus(ReprMixin):
    """Utterances with their label spaces; immutable. Build it with `Corpus.build`.

    Guarantees: ids are unique, no dialogue is in two splits, test utterances are blind, and dialogues are in the
    order of their turns.

    Attributes:
        utterances: of all splits; those of test have no labels.
        label_spaces: task → its label space.
        issues: what readers found and repaired.
        sealed: the labels of test.
        fingerprint: hash of the content, see `sentir.corpus.fingerprints`.
        groups: kind, such as ``episode`` → utterance id → group; audits check that groups do not cross splits.
        slices: kind, such as ``gender`` → utterance id → value; scores are reported by them.
        folds_of: what several corpora are folds of, as their recipes declare; ``""`` if none.
        folds: utterance id → fold of a cross-validation, see `sentir.corpus.folds`; empty without one.
    """

    name: str
    utterances: tuple[Utterance, ...]
    label_spaces: Mapping[str, LabelSpace]
    issues: tuple[Issue, ...]
    sealed: SealedLabels
    synthetic: bool
    fingerprint: str
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    slices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    folds_of: str = ""
    folds: Mapping[str, str] = field(default_factory=dict)

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
        label_spaces: Iterable[LabelSpace],
        *,
        issues: Iterable[Issue] = (),
        synthetic: bool = False,
        groups: Mapping[str, Mapping[str, str]] | None = None,
        slices: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Corpus:
        """Validate the utterances and seal the test labels; labels of regression tasks come from ``scores``.

        Raises:
            CorpusError: if an id is not unique, a dialogue is in two splits, or a label is not in its space.
        """
        by_task = {space.task: space for space in label_spaces}
        rows = tuple(_with_regression_labels(u, by_task) for u in utterances)
        validate(name, rows, by_task)
        test = [u for u in rows if u.split == "test"]
        return cls(
            name=name,
            utterances=tuple(u.blind() if u.split == "test" else u for u in rows),
            label_spaces=by_task,
            issues=tuple(issues),
            sealed=SealedLabels(test),
            synthetic=synthetic,
            fingerprint=compute_corpus_fingerprint(rows),
            groups=groups or {},
            slices=slices or {},
        )

    @property
    def test_fingerprint(self) -> str:
        """Hash of the texts and annotations of the test split, the ledger's key."""
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

    def label_space(self, task: str) -> LabelSpace:
        """Return the label space of ``task``.

        Raises:
            CorpusError: if the corpus has no such task.
        """
        if task not in self.label_spaces:
            raise CorpusError(
                _(
                    "The corpus '{name}' has no task '{task}'; it has: {tasks}.",
                    name=self.name,
                    task=task,
                    tasks=", ".join(sorted(self.label_spaces)),
                )
            )
        return self.label_spaces[task]

    @cached_property
    def dialogues(self) -> Mapping[str, Dialogue]:
        """Dialogues by id, in corpus order; an utterance without a dialogue is one of its own."""
        return {dialogue.id: dialogue for dialogue in group_dialogues(self.utterances)}

    @cached_property
    def by_speaker(self) -> Mapping[str | None, tuple[Utterance, ...]]:
        """Utterances by speaker, in corpus order; the key is ``None`` where the speaker is unknown."""
        groups: dict[str | None, list[Utterance]] = {}
        for u in self:
            groups.setdefault(u.speaker, []).append(u)
        return {speaker: tuple(group) for speaker, group in groups.items()}

    def by_label(self, task: str, split: str) -> Mapping[str, tuple[Utterance, ...]]:
        """Return the utterances of train or dev for every label of the task, or step of its scale.

        An utterance with several labels is under each of them.

        Raises:
            LockedTestError: for the test split.
            CorpusError: if there is no such task or split.
        """
        space = self.label_space(task)
        if split == "test":
            raise LockedTestError(
                _("The test labels of '{name}' are sealed; group train or dev by label.", name=self.name)
            )
        if split not in SPLITS:
            raise CorpusError(_("There is no split '{split}'; use train or dev.", split=split))
        groups: dict[str, list[Utterance]] = {name: [] for name in space.categories}
        for u in self.split(split):
            for name in space.categorize(u.labels.get(task, ())):
                groups[name].append(u)
        return {name: tuple(group) for name, group in groups.items()}

    def before(self, utterance: Utterance, n: int) -> tuple[Utterance, ...]:
        """Return up to ``n`` utterances immediately before this one in its dialogue, in order."""
        turns, index = self._locate(utterance)
        return turns[max(0, index - n) : index]

    def after(self, utterance: Utterance, n: int) -> tuple[Utterance, ...]:
        """Return up to ``n`` utterances immediately after this one in its dialogue, in order."""
        turns, index = self._locate(utterance)
        return turns[index + 1 : index + 1 + n]

    def _locate(self, utterance: Utterance) -> tuple[tuple[Utterance, ...], int]:
        turns = self.dialogues[utterance.dialogue or utterance.id].utterances
        return turns, [u.id for u in turns].index(utterance.id)

    def find(self, utterance_id: str) -> Utterance:
        """Return the utterance with this id, or the only one whose id ends in it (``dia0/utt0``).

        Raises:
            CorpusError: if there is none, suggesting the nearest ids, or several, listing the first.
        """
        if utterance_id in self.by_id:
            return self.by_id[utterance_id]
        matches = [u for u in self if u.id.endswith(f"/{utterance_id}")]
        if len(matches) > 1:
            raise CorpusError(
                _(
                    "{n} ids of '{name}' end in '{id}': {found}; give a complete id.",
                    n=len(matches),
                    name=self.name,
                    id=utterance_id,
                    found=", ".join(u.id for u in matches[:_MAX_LISTED])
                    + (" …" if len(matches) > _MAX_LISTED else ""),
                )
            )
        if not matches:
            raise CorpusError(_unknown_id_message(self, utterance_id))
        return matches[0]

    def _repr_fields(self) -> dict[str, object]:
        sizes = {name: len(self.split(name)) for name in SPLITS}
        tasks = {"tasks": abbreviate_list(self.label_spaces), "issues": len(self.issues)}
        return {"name": self.name, **sizes, **tasks, **({"synthetic": True} if self.synthetic else {})}

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self.utterances)

    def __len__(self) -> int:
        return len(self.utterances)


def _unknown_id_message(corpus: Corpus, utterance_id: str) -> str:
    depth = utterance_id.count("/") + 1
    suffixes = {"/".join(name.split("/")[-depth:]): name for name in corpus.by_id}
    near = [suffixes[suffix] for suffix in get_close_matches(utterance_id, suffixes, n=2, cutoff=0.5)]
    if not near:
        example = corpus.utterances[0].id if corpus.utterances else "–"
        return _(
            "There is no utterance '{id}' in '{name}'; its ids look like {example}.",
            id=utterance_id,
            name=corpus.name,
            example=example,
        )
    return _(
        "There is no utterance '{id}' in '{name}'; did you mean {near}?",
        id=utterance_id,
        name=corpus.name,
        near=_(" or ").join(near),
    )


def _with_regression_labels(u: Utterance, spaces: Mapping[str, LabelSpace]) -> Utterance:
    numbers = {
        task: label for task, space in spaces.items() if (label := space.labels_from_scores(u.scores)) is not None
    }
    return replace(u, labels={**u.labels, **numbers}) if numbers else u
