"""What a person should know about the labels of a corpus, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sentir.audit.counts import LabelsOf, label_counts
from sentir.audit.grading import grade_of
from sentir.audit.results import Finding
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.train_classes import train_classes
from sentir.corpus.utterances import SPLITS
from sentir.i18n import _

_RARE = 10  # train utterances below which nothing can be learned of a label
_EXAMPLES = 5

_Counts = Mapping[str, Counter[str | None]]  # split → label → utterances


def check_labels(corpus: Corpus, labels_of: LabelsOf) -> list[Finding]:
    """List splits that are missing, labels that train cannot teach, and utterances without a label."""
    findings = []
    for split in SPLITS:
        if not corpus.split(split):
            message = _("There are no {split} utterances.", split=split)
            findings.append(Finding("split_missing", "warning", message, 1, (), grade_of("split_missing", 1)))
    for space in corpus.spaces.values():
        findings += _about_classes(corpus, space, label_counts(corpus, space, labels_of))
        findings += _about_unlabeled(corpus, space.task)
    return findings


def _about_classes(corpus: Corpus, space: LabelSpace, counts: _Counts) -> list[Finding]:
    """Tell of one label that all have; else of labels that train has never, always or rarely."""
    classes, train = train_classes(corpus, space.task), counts["train"]
    if classes.only:
        message = _(
            "All train utterances have the same label of '{task}' ({label}): there is nothing to learn.",
            task=space.task,
            label=classes.only,
        )
        return [Finding("one_class", "problem", message, train.total(), (), grade_of("one_class", 1))]
    if not train or space.kind == "regression":
        return []
    untaught = [n for n in classes.absent if space.multilabel or counts["dev"][n] or counts["test"][n]]
    rare = [name for name in space.names if train[name] < _RARE and name not in untaught]
    return [
        *_listed(
            "label_absent",
            _("Of '{task}', no train utterance has these labels, so no model can learn them: {labels}.",
              task=space.task, labels=", ".join(_elsewhere(name, counts) for name in untaught)),
            len(untaught),
        ),
        *_listed(
            "label_everywhere",
            _("Of '{task}', every train utterance has these labels; there is nothing to learn of them: {labels}.",
              task=space.task, labels=", ".join(classes.everywhere)),
            len(classes.everywhere),
        ),
        *_listed(
            "label_rare",
            _("Of '{task}', these labels occur less than {n} times in train, too few to learn them: {labels}.",
              task=space.task, labels=", ".join(f"{name} ({train[name]})" for name in rare), n=_RARE),
            len(rare),
        ),
    ]  # fmt: skip


def _elsewhere(name: str, counts: _Counts) -> str:
    """Say where a label that train lacks occurs."""
    found = ", ".join(f"{split} {counts[split][name]}" for split in ("dev", "test") if counts[split][name])
    return f"{name} ({found})" if found else name


def _listed(kind: str, message: str, n: int) -> list[Finding]:
    if not n:
        return []
    if kind == "label_rare":
        return [Finding(kind, "warning", message, n, (), grade_of("labels_missing", 1))]
    return [Finding(kind, "problem", message, n, (), grade_of("labels_absent", 1))]


def _about_unlabeled(corpus: Corpus, task: str) -> list[Finding]:
    unlabeled = [u.id for u in (*corpus.train, *corpus.dev) if task not in u.labels]
    if not unlabeled:
        return []
    message = _("Utterances of train and dev without a label of '{task}': {n}.", n=len(unlabeled), task=task)
    grade = grade_of("unlabeled", len(unlabeled) / (len(corpus.train) + len(corpus.dev)))
    return [Finding("unlabeled", "warning", message, len(unlabeled), tuple(unlabeled[:_EXAMPLES]), grade)]
