"""Scores of a task side by side: where each dot and its whisker stand on a common axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sentir.evaluation.results import ModelScores, Score
from sentir.i18n import localized
from sentir.report.task_sections import TaskSection

_NARROWEST = 0.01  # an axis for scores that are all alike


@dataclass(frozen=True, slots=True)
class Dot:
    """A row's score and its place; places are percent of the axis.

    Attributes:
        low, high: where the whisker ends; both at the dot where a score has no interval.
    """

    row: ModelScores
    score: Score
    place: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Glance:
    """What is drawn.

    Attributes:
        dots: in the order of the test table.
        ticks: text → place.
        baseline: place of the best baseline; ``None`` without one.
    """

    dots: tuple[Dot, ...]
    ticks: dict[str, float]
    baseline: float | None


def glance(section: TaskSection) -> Glance | None:
    """Lay out the test scores in the headline metric; ``None`` if there are fewer than two to compare."""
    from matplotlib.ticker import MaxNLocator

    found = [(row, row.metrics[section.metric]) for row in section.test if section.metric in row.metrics]
    found = [(row, score) for row, score in found if not math.isnan(score.value)]
    if len(found) < 2:
        return None
    ends = [end for _row, score in found for end in _ends(score)]
    spare = max(0.0, _NARROWEST - (max(ends) - min(ends))) / 2
    locator = MaxNLocator(5, steps=[1, 2, 5, 10])
    marks = [float(mark) for mark in locator.tick_values(min(ends) - spare, max(ends) + spare)]

    def place(value: float) -> float:
        return round(100 * (value - marks[0]) / (marks[-1] - marks[0]), 2)

    dots = tuple(Dot(row, score, place(score.value), *map(place, _ends(score))) for row, score in found)
    baselines = [dot.place for dot in dots if dot.row.role == "baseline"]
    return Glance(dots, {localized(f"{mark:.6g}"): place(mark) for mark in marks}, max(baselines, default=None))


def _ends(score: Score) -> tuple[float, float]:
    if score.low is None or score.high is None:
        return score.value, score.value
    return score.low, score.high
