"""Scores and differences as dots with 95 % intervals: on the page, and as Matplotlib figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentir.display_names import model_display_name
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.evaluation.results import Comparison, ModelScores, Score
from sentir.i18n import _, localize_numbers
from sentir.report.plot_style import COLORS, GRAY, IntervalRow, plot_intervals
from sentir.report.task_sections import TaskSection

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MIN_AXIS_SPAN = 0.01  # of an axis where all scores are alike


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """A score and its position on the axis; positions are percentages of the axis.

    Attributes:
        low_position, high_position: ends of the interval; both at the dot where a score has no interval.
    """

    model_scores: ModelScores
    score: Score
    position: float
    low_position: float
    high_position: float


@dataclass(frozen=True, slots=True)
class ScoreChart:
    """The chart of a task's test scores, as the page draws it.

    Attributes:
        points: in the order of the test table.
        ticks: text → position.
        baseline_position: position of the best baseline; ``None`` without one.
    """

    points: tuple[ScorePoint, ...]
    ticks: dict[str, float]
    baseline_position: float | None


def make_score_chart(section: TaskSection) -> ScoreChart | None:
    """Lay out the test scores in the headline metric; ``None`` if there are fewer than two to compare."""
    from matplotlib.ticker import MaxNLocator

    rows = [(row, row.metrics[section.metric]) for row in section.test_rows if section.metric in row.metrics]
    rows = [(row, score) for row, score in rows if not math.isnan(score.value)]
    if len(rows) < 2:
        return None
    ends = [end for _row, score in rows for end in _interval_ends(score)]
    padding = max(0.0, _MIN_AXIS_SPAN - (max(ends) - min(ends))) / 2
    locator = MaxNLocator(5, steps=[1, 2, 5, 10])
    ticks = [float(tick) for tick in locator.tick_values(min(ends) - padding, max(ends) + padding)]

    def position(value: float) -> float:
        return round(100 * (value - ticks[0]) / (ticks[-1] - ticks[0]), 2)

    points = tuple(
        ScorePoint(row, score, position(score.value), *map(position, _interval_ends(score)))
        for row, score in rows
    )
    baselines = [point.position for point in points if point.model_scores.role == "baseline"]
    return ScoreChart(
        points, {localize_numbers(f"{tick:.6g}"): position(tick) for tick in ticks}, max(baselines, default=None)
    )


def _interval_ends(score: Score) -> tuple[float, float]:
    if score.low is None or score.high is None:
        return score.value, score.value
    return score.low, score.high


def plot_scores(rows: Sequence[ModelScores], metric: str) -> Figure:
    """Draw one metric of several models in the given order; baselines are gray.

    Raises:
        KeyError: if a model has no such metric.
    """
    plot_rows: list[IntervalRow] = []
    for row in rows:
        score, color = row.metrics[metric], GRAY if row.role == "baseline" else COLORS[0]
        plot_rows.append((model_display_name(row.model), score.value, score.low, score.high, color))
    return plot_intervals(plot_rows, metric_display_name(metric))


def plot_differences(comparisons: Sequence[Comparison]) -> Figure:
    """Draw how much the first model of each comparison differs from the second; gray if not significantly.

    Raises:
        ValueError: if there are no comparisons, or they are in different metrics.
    """
    (metric,) = {c.metric for c in comparisons}
    references = {c.b for c in comparisons}
    factor = 100 if get_metric(metric).is_proportion else 1
    plot_rows: list[IntervalRow] = []
    for c in comparisons:
        a, b = model_display_name(c.a), model_display_name(c.b)
        name = a if len(references) == 1 else f"{a} − {b}"
        plot_rows.append((name, c.difference, c.low, c.high, COLORS[0] if c.is_significant else GRAY))
    x_label = metric_display_name(metric)
    x_label = _("points of {metric}", metric=x_label) if factor > 1 else x_label
    return plot_intervals(plot_rows, x_label, factor=factor, zero_line=True)
