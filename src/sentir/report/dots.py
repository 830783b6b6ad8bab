"""Scores and differences side by side, each a dot with its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentir.display_names import model_display_name
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.evaluation.results import Comparison, ModelScores
from sentir.i18n import _
from sentir.report.figures import COLORS, escape_label, make_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FONT_SIZE = 9
_GRAY = COLORS[-1]

PlotRow = tuple[str, float, float | None, float | None, str]  # name, value, interval, color


def plot_scores(rows: Sequence[ModelScores], metric: str) -> Figure:
    """Draw one metric of several models in the order they are given; baselines are gray.

    Raises:
        KeyError: if one of them has no such metric.
    """
    dots: list[PlotRow] = []
    for row in rows:
        score = row.metrics[metric]
        dots.append(
            (
                model_display_name(row.model),
                score.value,
                score.low,
                score.high,
                _GRAY if row.role == "baseline" else COLORS[0],
            )
        )
    figure, axes = _plot_intervals(dots)
    axes.set_xlabel(metric_display_name(metric), fontsize=_FONT_SIZE)
    return figure


def plot_differences(comparisons: Sequence[Comparison]) -> Figure:
    """Draw how much the first model of each comparison differs from the second; gray where nothing is proven.

    Raises:
        ValueError: if there are none, or they are of different metrics.
    """
    (metric,) = {c.metric for c in comparisons}
    second = {c.b for c in comparisons}
    factor = 100 if get_metric(metric).is_proportion else 1
    dots: list[PlotRow] = []
    for c in comparisons:
        a, b = model_display_name(c.a), model_display_name(c.b)
        name = a if len(second) == 1 else f"{a} − {b}"
        low, high = (None if bound is None else factor * bound for bound in (c.low, c.high))
        dots.append((name, factor * c.difference, low, high, COLORS[0] if c.is_significant else _GRAY))
    figure, axes = _plot_intervals(dots)
    axes.axvline(0, color="black", lw=0.8, alpha=0.5, ls="--")
    axes.set_xlabel(
        _("points of {metric}", metric=metric_display_name(metric))
        if factor > 1
        else metric_display_name(metric),
        fontsize=_FONT_SIZE,
    )
    return figure


def _plot_intervals(rows: Sequence[PlotRow]) -> tuple[Figure, Axes]:
    figure, axes = make_axes(height=0.8 + 0.3 * len(rows))
    for n, (_name, value, low, high, color) in enumerate(rows):
        if low is not None and high is not None:
            axes.plot([low, high], [n, n], color=color, lw=2.5, alpha=0.6, solid_capstyle="round")
        axes.plot(value, n, "o", ms=5.5, color=color)
    axes.set_yticks(range(len(rows)), [escape_label(row[0]) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure, axes
