"""Findings about the labels of a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sentir.audit.results import Finding, graded_finding
from sentir.audit.tables import LabelsById, count_labels_by_split
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.neighbor_agreement import measure_neighbor_agreement
from sentir.corpus.train_classes import inspect_train_classes
from sentir.corpus.utterances import SPLITS
from sentir.i18n import _

_MIN_TRAIN_UTTERANCES = 10  # of a label; with fewer it cannot be learned

_LabelCounts = Mapping[str, Counter[str | None]]  # split → label → number of utterances


def check_labels(corpus: Corpus, labels_of: LabelsById) -> list[Finding]:
    """Find missing splits, labels that cannot be learned from train, and utterances without a label."""
    findings = []
    for split in SPLITS:
        if not corpus.split(split):
            message = _("There are no {split} utterances.", split=split)
            findings.append(graded_finding("split_missing", "warning", message, 1))
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
        return [graded_finding("one_class", "problem", message, train.total())]
    if not train:
        return []
    unseen = [n for n in classes.absent if space.allows_no_label or counts["dev"][n] or counts["test"][n]]
    rare = [name for name in space.classes if train[name] < _MIN_TRAIN_UTTERANCES and name not in unseen]
    possible = [
        graded_finding(
            "label_absent", "problem",
            _("Labels of '{task}' that no train utterance has, so no model can learn them: {labels}.",
              task=space.task, labels=", ".join(_describe_occurrences(name, counts) for name in unseen)),
            len(unseen),
        ),
        graded_finding(
            "label_everywhere", "problem",
            _("Labels of '{task}' that every train utterance has, so there is nothing to learn: {labels}.",
              task=space.task, labels=", ".join(classes.always_present)),
            len(classes.always_present),
        ),
        graded_finding(
            "label_rare", "warning",
            _("Labels of '{task}' with fewer than {n} train utterances, too few to learn them: {labels}.",
              task=space.task, n=_MIN_TRAIN_UTTERANCES,
              labels=", ".join(f"{name} ({train[name]})" for name in rare)),
            len(rare),
        ),
    ]  # fmt: skip
    return [finding for finding in possible if finding.count]


def _describe_occurrences(name: str, counts: _LabelCounts) -> str:
    """Return a label with its counts in dev and test."""
    occurrences = ", ".join(f"{split} {counts[split][name]}" for split in ("dev", "test") if counts[split][name])
    return f"{name} ({occurrences})" if occurrences else name


def _unlabeled_findings(corpus: Corpus, task: str) -> list[Finding]:
    unlabeled = [u.id for u in (*corpus.train, *corpus.dev) if task not in u.labels]
    if not unlabeled:
        return []
    message = _("Utterances of train and dev without a label of '{task}': {n}.", n=len(unlabeled), task=task)
    share = len(unlabeled) / (len(corpus.train) + len(corpus.dev))
    return [graded_finding("unlabeled", "warning", message, len(unlabeled), share, unlabeled)]


def find_label_runs(corpus: Corpus) -> list[Finding]:
    """Find tasks whose labels agree between neighboring rows more often than by chance, without dialogues.

    Only labels of train and dev are used.
    """
    if any(len(dialogue.utterances) > 1 for dialogue in corpus.dialogues.values()):
        return []
    findings = []
    for task, space in corpus.label_spaces.items():
        labels = [space.categorize(u.labels[task]) if task in u.labels else None for u in corpus.utterances]
        if (agreement := measure_neighbor_agreement(labels)) is not None:
            message = _(
                "Neighboring rows have the same '{task}' in {share}% of cases, by chance in {chance}%: they "
                "may be turns of conversations. Set 'dialogue' (or 'group'), or intervals are too narrow and "
                "splits may share conversations.",
                task=task, share=f"{100 * agreement.observed:.0f}", chance=f"{100 * agreement.expected:.0f}",
            )  # fmt: skip
            count = sum(names is not None for names in labels)
            findings.append(graded_finding("labels_in_runs", "warning", message, count))
    return findings
