"""Findings about the labels of a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sentir.audit.counts import LabelsById, count_labels_by_split
from sentir.audit.grading import compute_grade
from sentir.audit.results import Finding
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.train_classes import inspect_train_classes
from sentir.corpus.utterances import SPLITS
from sentir.i18n import _

_MIN_TRAIN_UTTERANCES = 10  # of a label; with fewer it cannot be learned
_MAX_EXAMPLES = 5

_LabelCounts = Mapping[str, Counter[str | None]]  # split → label → number of utterances


def check_labels(corpus: Corpus, labels_of: LabelsById) -> list[Finding]:
    """Find missing splits, labels that cannot be learned from train, and utterances without a label."""
    findings = []
    for split in SPLITS:
        if not corpus.split(split):
            message, grade = _("There are no {split} utterances.", split=split), compute_grade("split_missing", 1)
            findings.append(Finding("split_missing", "warning", message, 1, (), grade))
    for space in corpus.label_spaces.values():
        findings += _class_findings(corpus, space, count_labels_by_split(corpus, space, labels_of))
        findings += _unlabeled_findings(corpus, space.task)
    return findings


def _class_findings(corpus: Corpus, space: LabelSpace, counts: _LabelCounts) -> list[Finding]:
    """Find a single class; else labels that occur never, always or rarely in train."""
    classes, train = inspect_train_classes(corpus, space.task), counts["train"]
    if classes.constant:
        message = _(
            "All train utterances have the same label of '{task}' ({label}): there is nothing to learn.",
            task=space.task,
            label=classes.constant,
        )
        return [Finding("one_class", "problem", message, train.total(), (), compute_grade("one_class", 1))]
    if not train:
        return []
    unseen = [n for n in classes.absent if space.allows_no_label or counts["dev"][n] or counts["test"][n]]
    rare = [name for name in space.classes if train[name] < _MIN_TRAIN_UTTERANCES and name not in unseen]
    return [
        *_label_findings(
            "label_absent",
            _("Labels of '{task}' that no train utterance has, so no model can learn them: {labels}.",
              task=space.task, labels=", ".join(_describe_occurrences(name, counts) for name in unseen)),
            len(unseen),
        ),
        *_label_findings(
            "label_everywhere",
            _("Labels of '{task}' that every train utterance has, so there is nothing to learn: {labels}.",
              task=space.task, labels=", ".join(classes.always_present)),
            len(classes.always_present),
        ),
        *_label_findings(
            "label_rare",
            _("Labels of '{task}' with fewer than {n} train utterances, too few to learn them: {labels}.",
              task=space.task, n=_MIN_TRAIN_UTTERANCES,
              labels=", ".join(f"{name} ({train[name]})" for name in rare)),
            len(rare),
        ),
    ]  # fmt: skip


def _describe_occurrences(name: str, counts: _LabelCounts) -> str:
    """Return a label with its counts in dev and test."""
    occurrences = ", ".join(f"{split} {counts[split][name]}" for split in ("dev", "test") if counts[split][name])
    return f"{name} ({occurrences})" if occurrences else name


def _label_findings(kind: str, message: str, n: int) -> list[Finding]:
    if not n:
        return []
    if kind == "label_rare":
        return [Finding(kind, "warning", message, n, (), compute_grade("labels_missing", 1))]
    return [Finding(kind, "problem", message, n, (), compute_grade("labels_absent", 1))]


def _unlabeled_findings(corpus: Corpus, task: str) -> list[Finding]:
    unlabeled = [u.id for u in (*corpus.train, *corpus.dev) if task not in u.labels]
    if not unlabeled:
        return []
    message = _("Utterances of train and dev without a label of '{task}': {n}.", n=len(unlabeled), task=task)
    grade = compute_grade("unlabeled", len(unlabeled) / (len(corpus.train) + len(corpus.dev)))
    return [Finding("unlabeled", "warning", message, len(unlabeled), tuple(unlabeled[:_MAX_EXAMPLES]), grade)]
