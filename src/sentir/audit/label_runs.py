"""Rows without dialogue ids whose labels come in runs, which suggests unmarked conversations."""

from __future__ import annotations

from sentir.audit.grading import compute_grade
from sentir.audit.results import Finding
from sentir.corpus.corpus import Corpus
from sentir.corpus.neighbor_agreement import measure_neighbor_agreement
from sentir.i18n import _


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
                "Neighboring rows have the same '{task}' in {share} % of cases, by chance in {chance} %: they "
                "may be turns of conversations. Set 'dialogue' (or 'group'), or intervals are too narrow and "
                "splits may share conversations.",
                task=task, share=f"{100 * agreement.observed:.0f}", chance=f"{100 * agreement.expected:.0f}",
            )  # fmt: skip
            count, grade = sum(names is not None for names in labels), compute_grade("labels_in_runs", 1)
            findings.append(Finding("labels_in_runs", "warning", message, count, (), grade))
    return findings
