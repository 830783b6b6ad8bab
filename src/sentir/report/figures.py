"""Figures of results: functions that return Matplotlib figures and leave pyplot alone.

In a report (`sentir.report.svg`) black becomes the page's own text color; every other color is a middle tone that
stands on light and on dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size

from sentir.audit import Histogram
from sentir.evaluation.metrics.ranking import GRID, Ranking
from sentir.evaluation.results import ModelScores
from sentir.i18n import _, decimal, thousands
from sentir.report.study_report import CorpusCard, Curve
from sentir.report.words import word
from sentir.safe_text import on_one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLORS = ("#3d85c6", "#d9822b", "#3aa06a", "#c75470", "#8a6fd1", "#a58a2a", "#2fa3b3", "#8b93a1")
DASHES = ("-", "--", ":", "-.")
_TEXT = 9
_SMALL = 8
_WIDTH = 4.2  # inches; narrow, so that text stays legible on a phone
_LONGEST = (
    28  # terminal cells of a name: longer ones would leave a figure no room to draw; tables tell them whole
)
_LEGEND = 60  # cells of a row of a legend


def confusion_figure(scores: ModelScores) -> Figure:
    """Draw the confusion matrix: counts as text, the shade of a cell its share of the true label's row.

    Raises:
        ValueError: if the scores have no confusion matrix.
    """
    if scores.confusion is None:
        raise ValueError(f"{scores.model} has no confusion matrix")
    names = [word(row.label) for row in scores.per_label]
    figure, axes = _canvas(height=1.1 + 0.42 * len(names) + 0.03 * max(cell_len(_plain(name)) for name in names))
    for i, row in enumerate(scores.confusion):
        total = sum(row)
        for j, count in enumerate(row):
            _cell(axes, i, j, count, count / total if total else 0.0)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xticks(range(len(names)), [_plain(name) for name in names], rotation=40, ha="right")
    axes.set_yticks(range(len(names)), [_plain(name) for name in names])
    axes.set_xlabel(_("predicted"), fontsize=_TEXT)
    axes.set_ylabel(_("true"), fontsize=_TEXT)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def _cell(axes: Axes, i: int, j: int, count: float, share: float) -> None:
    """Draw one cell; translucent color keeps the text readable on light and on dark."""
    from matplotlib.patches import Rectangle

    color = COLORS[0] if i == j else COLORS[1]
    axes.add_patch(Rectangle((j - 0.48, i - 0.48), 0.96, 0.96, color=color, alpha=0.06 + 0.6 * share, lw=0))
    axes.text(j, i, f"{count:.0f}", ha="center", va="center", fontsize=_TEXT)


def curves_figure(
    curves: Sequence[Curve], metric: str, *, selected: str | None = None, beside: Sequence[Curve] = ()
) -> Figure:
    """Draw the dev score by epoch, a line per training, colored by model; a dot marks the epoch that was kept.

    Args:
        curves: trainings of one task.
        metric: the headline metric, for the axis.
        selected: the best model on dev, drawn stronger.
        beside: trainings of other drawings, whose scores share the vertical axis.
    """
    from matplotlib.ticker import MaxNLocator

    models = sorted({curve.model: None for curve in curves}, key=lambda model: model != selected)
    figure, axes = _canvas(height=2.9 + 0.19 * len(models))
    lines: dict[str, Line2D] = {}
    for curve in curves:
        strong = selected in (None, curve.model)
        lines[curve.model] = _line(axes, curve, models.index(curve.model), strong=strong)
    if beside:
        scores = [point["score"] for curve in beside for point in curve.points]
        axes.dataLim.update_from_data_y(scores, ignore=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel(_("epoch"), fontsize=_TEXT)
    axes.set_ylabel(_("{metric} on dev", metric=word(metric)), fontsize=_TEXT)
    axes.grid(color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    handles = [lines[model] for model in models]
    names = [_best(model) if model == selected else _plain(model) for model in models]
    figure.legend(handles, names, loc="outside lower left", frameon=False, fontsize=_SMALL, labelspacing=0.3)
    return figure


def _line(axes: Axes, curve: Curve, place: int, *, strong: bool) -> Line2D:
    """Draw one training in the color of its model and return the line."""
    points = sorted(curve.points, key=lambda point: point["epoch"])
    color, dash = COLORS[place % len(COLORS)], DASHES[place // len(COLORS) % len(DASHES)]
    alpha, width, size = (0.95, 1.8, 5.5) if strong else (0.65, 1.0, 3.5)
    look: dict[str, Any] = {"color": color, "alpha": alpha, "zorder": 2 + strong}
    epochs, scores = [p["epoch"] for p in points], [p["score"] for p in points]
    (line,) = axes.plot(epochs, scores, linestyle=dash, lw=width, **look)
    kept = [score for epoch, score in zip(epochs, scores, strict=True) if epoch == curve.best]
    axes.plot([curve.best] * len(kept), kept, marker="o", ms=size, lw=0, **look)
    return line


def _best(model: str) -> str:
    return _("{model} (best on dev)", model=_plain(model))


def label_figure(card: CorpusCard, task: str) -> Figure:
    """Draw how often each label occurs: bars are shares of a split's utterances, with the counts as text."""
    counts = {split: card.labels[task][split] for split in ("train", "dev") if split in card.labels[task]}
    totals = {
        split: card.splits.get(split, {}).get("utterances", 0) or sum(counts[split].values()) for split in counts
    }
    return label_bars(counts, totals, pitch=0.36, bar=0.32, line=0.42)


def label_bars(
    counts: Mapping[str, Mapping[str, int]], totals: Mapping[str, int], *, pitch: float, bar: float, line: float
) -> Figure:
    """Draw the ``counts`` of labels by split as shares of ``totals``, side by side.

    Args:
        counts: split → label → utterances.
        totals: split → utterances.
        pitch, bar: distance and thickness of a label's bars, of the room for a label.
        line: height of the room for a label, in inches.
    """
    names = list(dict.fromkeys(name for of_split in counts.values() for name in of_split))
    figure, axes = _canvas(height=0.6 + line * len(names))
    for n, (split, of_split) in enumerate(counts.items()):
        found = [of_split.get(name, 0) for name in names]
        places = [row + (n - (len(counts) - 1) / 2) * pitch for row in range(len(names))]
        shares = [count / max(1, totals[split]) for count in found]
        bars = axes.barh(places, shares, bar, color=COLORS[n], label=word(split))
        axes.bar_label(bars, [thousands(count) for count in found], padding=3, fontsize=_SMALL)
    axes.set_yticks(range(len(names)), [_plain(word(name)) for name in names])
    axes.set_xticks([])
    axes.margins(x=0.14)
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    figure.legend(loc="outside upper right", ncols=len(counts), frameon=False, fontsize=_SMALL)
    return figure


def spread_figure(histogram: Histogram) -> Figure:
    """Draw how a measure such as length is spread: a line per split, its height the share of its utterances."""
    figure, axes = _canvas(height=2.6)
    for n, (split, counts) in enumerate(histogram.counts.items()):
        heights = [count / max(1, sum(counts)) for count in counts]
        axes.stairs(heights, histogram.edges, color=COLORS[n], lw=1.6, label=word(split))
        axes.stairs(heights, histogram.edges, color=COLORS[n], fill=True, alpha=0.12, lw=0)
    axes.set_xlim(histogram.edges[0], histogram.edges[-1])
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.set_xlabel(histogram.unit, fontsize=_TEXT)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=_SMALL)
    return figure


def roc_figure(rankings: Sequence[Ranking]) -> Figure:
    """Draw the ROC curve of each label against all others, with the area under it; the diagonal is chance.

    Raises:
        ValueError: if there are no curves.
    """
    figure, axes = _square(rankings)
    axes.plot([0, 1], [0, 1], color="black", alpha=0.3, lw=0.8, ls="--")
    for n, one in enumerate(rankings):
        points = [0.0, *one.true_positive_rates]
        axes.plot([0.0, *GRID], points, label=f"{_plain(word(one.label))} {decimal(one.auc, 2)}", **_look(n))
    axes.set_xlabel(_("false positive rate"), fontsize=_TEXT)
    axes.set_ylabel(_("true positive rate (recall)"), fontsize=_TEXT)
    return _with_labels(figure)


def precision_recall_figure(rankings: Sequence[Ranking]) -> Figure:
    """Draw precision against recall of each label, with its average precision; at the right, chance.

    Chance is the share of utterances that carry the label.

    Raises:
        ValueError: if there are no curves.
    """
    figure, axes = _square(rankings)
    for n, one in enumerate(rankings):
        name = f"{_plain(word(one.label))} {decimal(one.average_precision, 2)}"
        axes.plot(GRID, one.precisions, label=name, **_look(n))
        axes.plot([1, 1.04], [one.support / one.n] * 2, clip_on=False, **_look(n))
    axes.set_xlabel(_("recall"), fontsize=_TEXT)
    axes.set_ylabel(_("precision"), fontsize=_TEXT)
    return _with_labels(figure)


def _square(rankings: Sequence[Ranking]) -> tuple[Figure, Axes]:
    if not rankings:
        raise ValueError("no label has a curve")
    figure, axes = _canvas(height=3.9 + 0.17 * -(-len(rankings) // 3))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.01)
    axes.set_aspect("equal")
    axes.grid(color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _with_labels(figure: Figure) -> Figure:
    """Add a legend of three columns, or as many as there is room for."""
    labels = figure.axes[0].get_legend_handles_labels()[1]
    columns = max(1, min(3, _LEGEND // (max(map(cell_len, labels), default=0) + 4)))
    figure.set_figheight(figure.get_figheight() + 0.17 * (-(-len(labels) // columns) - -(-len(labels) // 3)))
    figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize=_SMALL, columnspacing=1.2)
    return figure


def _look(place: int) -> dict[str, Any]:
    return {"color": COLORS[place % len(COLORS)], "ls": DASHES[place // len(COLORS) % len(DASHES)], "lw": 1.5}


def _canvas(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.tick_params(labelsize=_TEXT)
    return figure, axes


def _plain(text: str, most: int = _LONGEST) -> str:
    """Keep Matplotlib from reading dollar signs in a user's name as mathematics, and from what is no text.

    Of a name longer than so many cells of a terminal the beginning and the end stay.
    """
    name = on_one_line(text)
    if cell_len(name) > most:
        end = set_cell_size(name[::-1], most // 3)[::-1].strip()
        name = f"{set_cell_size(name, most - 1 - most // 3).strip()}…{end}"
    return name.replace("$", r"\$")
