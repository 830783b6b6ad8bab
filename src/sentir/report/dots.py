"""Scores and differences side by side, each a dot with its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentir.evaluation.results import Comparison, ModelScores, is_share
from sentir.i18n import _
from sentir.report.figures import COLORS, _canvas, _plain
from sentir.report.words import model_name, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TEXT = 9
_GRAY = COLORS[-1]

Row = tuple[str, float, float | None, float | None, str]  # name, value, interval, color


def scores_figure(rows: Sequence[ModelScores], metric: str) -> Figure:
    """Draw one metric of several models in the order they are given; baselines are gray.

    Raises:
        KeyError: if one of them has no such metric.
    """
    dots: list[Row] = []
    for row in rows:
        score = row.metrics[metric]
        dots.append(
            (
                model_name(row.model),
                score.value,
                score.low,
                score.high,
                _GRAY if row.role == "baseline" else COLORS[0],
            )
        )
    figure, axes = _dots(dots)
    axes.set_xlabel(word(metric), fontsize=_TEXT)
    return figure


def differences_figure(comparisons: Sequence[Comparison]) -> Figure:
    """Draw how much the first model of each comparison differs from the second; gray where nothing is proven.

    Raises:
        ValueError: if there are none, or they are of different metrics.
    """
    (metric,) = {c.metric for c in comparisons}
    second = {c.b for c in comparisons}
    factor = 100 if is_share(metric) else 1
    dots: list[Row] = []
    for c in comparisons:
        a, b = model_name(c.a), model_name(c.b)
        name = a if len(second) == 1 else f"{a} − {b}"
        low, high = (None if bound is None else factor * bound for bound in (c.low, c.high))
        dots.append((name, factor * c.difference, low, high, COLORS[0] if c.proven else _GRAY))
    figure, axes = _dots(dots)
    axes.axvline(0, color="black", lw=0.8, alpha=0.5, ls="--")
    axes.set_xlabel(_("points of {metric}", metric=word(metric)) if factor > 1 else word(metric), fontsize=_TEXT)
    return figure


def _dots(rows: Sequence[Row]) -> tuple[Figure, Axes]:
    figure, axes = _canvas(height=0.8 + 0.3 * len(rows))
    for n, (_name, value, low, high, color) in enumerate(rows):
        if low is not None and high is not None:
            axes.plot([low, high], [n, n], color=color, lw=2.5, alpha=0.6, solid_capstyle="round")
        axes.plot(value, n, "o", ms=5.5, color=color)
    axes.set_yticks(range(len(rows)), [_plain(row[0]) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure, axes
