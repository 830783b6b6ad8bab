"""The conclusions of a study in sentences, generated from its numbers."""

from __future__ import annotations

from sentir.report.sentences import task_summary_sentences
from sentir.report.study_report import StudyReport
from sentir.report.task_sections import TaskSection, task_sections


def summarize_study(report: StudyReport) -> tuple[str, ...]:
    """Return for each task the score of the selected model, and how the best models of each family compare.

    They are compared on test, or on dev if test was not evaluated. If all are of one family, the selected model
    is compared with the others.
    """
    return tuple(sentence for section in task_sections(report) for sentence in _summarize_task(section))


def _summarize_task(section: TaskSection) -> tuple[str, ...]:
    split, best = "test" if section.test_rows else "dev", set(section.best_per_family)
    pairs = [(c, {c.a, c.b}) for c in section.comparisons if c.split == split]
    comparisons = [c for c, pair in pairs if (pair <= best if len(best) > 1 else pair & best)]
    return tuple(dict.fromkeys([*task_summary_sentences(section), *(c.sentence() for c in comparisons)]))
