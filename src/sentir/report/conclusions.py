"""What a study comes to in plain sentences, made of its own numbers."""

from __future__ import annotations

from sentir.report.sentences import task_summary_sentences
from sentir.report.study_report import StudyReport
from sentir.report.task_sections import TaskSection, task_sections


def summarize_study(report: StudyReport) -> tuple[str, ...]:
    """Say for each task what the chosen model reaches, and how the best of each family compare.

    They are compared on test; while it is closed, on dev. Where all are of one family, the chosen one is compared
    with the others.
    """
    return tuple(sentence for section in task_sections(report) for sentence in _summarize_task(section))


def _summarize_task(section: TaskSection) -> tuple[str, ...]:
    split, best = "test" if section.test_rows else "dev", set(section.best_per_family)
    compared = [(c, {c.a, c.b}) for c in section.comparisons if c.split == split]
    found = [c for c, pair in compared if (pair <= best if len(best) > 1 else pair & best)]
    return tuple(dict.fromkeys([*task_summary_sentences(section), *(c.sentence() for c in found)]))
