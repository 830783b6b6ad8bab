"""Rows without a dialogue that come in runs: conversations that nobody named."""

from __future__ import annotations

from sentir.audit.grading import grade_of
from sentir.audit.results import Finding
from sentir.corpus.corpus import Corpus
from sentir.corpus.neighbor_agreement import runs_of
from sentir.i18n import _


def find_runs(corpus: Corpus) -> list[Finding]:
    """Warn where neighboring utterances have the same labels more often than by chance, and no dialogue is named.

    Only labels of train and dev are looked at.
    """
    if any(len(dialogue.utterances) > 1 for dialogue in corpus.by_dialogue.values()):
        return []
    findings = []
    for task, space in corpus.spaces.items():
        labels = [space.group(u.labels[task]) if task in u.labels else None for u in corpus.utterances]
        if (found := runs_of(labels)) is not None:
            message = _(
                "Neighboring rows have the same '{task}' in {share} % of cases, by chance it would be "
                "{chance} %: they seem to belong together. Name their 'dialogue' (or 'group'), else intervals "
                "are too narrow and splits may share conversations.",
                task=task, share=f"{100 * found.share:.0f}", chance=f"{100 * found.chance:.0f}",
            )  # fmt: skip
            count = len([names for names in labels if names is not None])
            findings.append(Finding("rows_in_runs", "warning", message, count, (), grade_of("rows_in_runs", 1)))
    return findings
