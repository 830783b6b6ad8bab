"""Rows without a dialogue that come in runs: conversations that nobody named."""

from __future__ import annotations

from sentir.audit.grading import compute_grade
from sentir.audit.results import Finding
from sentir.corpus.corpus import Corpus
from sentir.corpus.neighbor_agreement import measure_neighbor_agreement
from sentir.i18n import _


def find_label_runs(corpus: Corpus) -> list[Finding]:
    """Warn where neighboring utterances have the same labels more often than by chance, and no dialogue is named.

    Only labels of train and dev are looked at.
    """
    if any(len(dialogue.utterances) > 1 for dialogue in corpus.dialogues.values()):
        return []
    findings = []
    for task, space in corpus.label_spaces.items():
        labels = [space.categorize(u.labels[task]) if task in u.labels else None for u in corpus.utterances]
        if (found := measure_neighbor_agreement(labels)) is not None:
            message = _(
                "Neighboring rows have the same '{task}' in {share} % of cases, by chance it would be "
                "{chance} %: they seem to belong together. Name their 'dialogue' (or 'group'), else intervals "
                "are too narrow and splits may share conversations.",
                task=task, share=f"{100 * found.observed:.0f}", chance=f"{100 * found.expected:.0f}",
            )  # fmt: skip
            count = len([names for names in labels if names is not None])
            findings.append(
                Finding("labels_in_runs", "warning", message, count, (), compute_grade("labels_in_runs", 1))
            )
    return findings
