"""What a study comes to in plain sentences, made of its own numbers."""

from __future__ import annotations

from sentir.report.sentences import summary
from sentir.report.study_report import StudyReport
from sentir.report.task_sections import TaskSection, sections


def conclusions(report: StudyReport) -> tuple[str, ...]:
    """Say for each task what the chosen model reaches, and how the best of each family compare.

    They are compared on test; while it is closed, on dev. Where all are of one family, the chosen one is compared
    with the others.
    """
    return tuple(sentence for section in sections(report) for sentence in _of_task(section))


def _of_task(section: TaskSection) -> tuple[str, ...]:
    split, best = "test" if section.test else "dev", set(section.winners)
    compared = [(c, {c.a, c.b}) for c in section.comparisons if c.split == split]
    found = [c for c, pair in compared if (pair <= best if len(best) > 1 else pair & best)]
    return tuple(dict.fromkeys([*summary(section), *(c.sentence() for c in found)]))
