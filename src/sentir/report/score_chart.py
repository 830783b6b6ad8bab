"""Scores of a task side by side: where each dot and its whisker stand on a common axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sentir.evaluation.results import ModelScores, Score
from sentir.i18n import localize_numbers
from sentir.report.task_sections import TaskSection

_MIN_AXIS_SPAN = 0.01  # an axis for scores that are all alike


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """A row's score and its place; places are percent of the axis.

    Attributes:
        low_position, high_position: where the whisker ends; both at the dot where a score has no interval.
    """

    model_scores: ModelScores
    score: Score
    position: float
    low_position: float
    high_position: float


@dataclass(frozen=True, slots=True)
class ScoreChart:
    """What is drawn.

    Attributes:
        points: in the order of the test table.
        ticks: text → place.
        baseline_position: place of the best baseline; ``None`` without one.
    """

    points: tuple[ScorePoint, ...]
    ticks: dict[str, float]
    baseline_position: float | None


def make_score_chart(section: TaskSection) -> ScoreChart | None:
    """Lay out the test scores in the headline metric; ``None`` if there are fewer than two to compare."""
    from matplotlib.ticker import MaxNLocator

    found = [(row, row.metrics[section.metric]) for row in section.test_rows if section.metric in row.metrics]
    found = [(row, score) for row, score in found if not math.isnan(score.value)]
    if len(found) < 2:
        return None
    ends = [end for _row, score in found for end in _interval_ends(score)]
    spare = max(0.0, _MIN_AXIS_SPAN - (max(ends) - min(ends))) / 2
    locator = MaxNLocator(5, steps=[1, 2, 5, 10])
    marks = [float(mark) for mark in locator.tick_values(min(ends) - spare, max(ends) + spare)]

    def place(value: float) -> float:
        return round(100 * (value - marks[0]) / (marks[-1] - marks[0]), 2)

    dots = tuple(
        ScorePoint(row, score, place(score.value), *map(place, _interval_ends(score))) for row, score in found
    )
    baselines = [dot.position for dot in dots if dot.model_scores.role == "baseline"]
    return ScoreChart(
        dots, {localize_numbers(f"{mark:.6g}"): place(mark) for mark in marks}, max(baselines, default=None)
    )


def _interval_ends(score: Score) -> tuple[float, float]:
    if score.low is None or score.high is None:
        return score.value, score.value
    return score.low, score.high
