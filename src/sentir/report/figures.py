"""Figures of corpora and results: functions that return Matplotlib figures and do not touch pyplot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from sentir.audit import Histogram
from sentir.display_names import display_name, model_display_name
from sentir.evaluation.formatting import format_score
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.evaluation.metrics.ranking import CURVE_GRID, RankingCurves
from sentir.evaluation.results import Comparison, ModelScores
from sentir.i18n import _, format_count, format_decimal
from sentir.report.plot_style import (
    COLORS,
    FONT_SIZE,
    GRAY,
    SMALL_FONT_SIZE,
    IntervalRow,
    add_legend,
    escape_label,
    line_style,
    make_axes,
    make_curve_axes,
    make_square_axes,
    name_bars,
    plot_intervals,
)
from sentir.report.study_report import CorpusSummary, LearningCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_SCORES_WIDTH = 7.2  # inches, for the numbers beside the intervals


def plot_confusion_matrix(scores: ModelScores) -> Figure:
    """Draw the confusion matrix: counts as text, the shade of a cell its share of the true label's row.

    Raises:
        ValueError: if the scores have no confusion matrix.
    """
    if scores.confusion_matrix is None:
        raise ValueError(f"{scores.model} has no confusion matrix")
    labels = [escape_label(display_name(row.label)) for row in scores.per_label]
    figure, axes = make_axes(height=1.1 + 0.42 * len(labels) + 0.03 * max(map(cell_len, labels)))
    for i, row in enumerate(scores.confusion_matrix):
        total = sum(row)
        for j, count in enumerate(row):
            _draw_cell(axes, i, j, count, count / total if total else 0.0)
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel(_("predicted"), fontsize=FONT_SIZE)
    axes.set_ylabel(_("true"), fontsize=FONT_SIZE)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def _draw_cell(axes: Axes, i: int, j: int, count: float, share: float) -> None:
    """Draw one cell; its color is translucent, which keeps the text readable on light and on dark pages."""
    from matplotlib.patches import Rectangle

    color = COLORS[0] if i == j else COLORS[1]
    axes.add_patch(Rectangle((j - 0.48, i - 0.48), 0.96, 0.96, color=color, alpha=0.06 + 0.6 * share, lw=0))
    axes.text(j, i, f"{count:.0f}", ha="center", va="center", fontsize=FONT_SIZE)


def plot_learning_curves(
    curves: Sequence[LearningCurve],
    metric: str,
    *,
    selected: str | None = None,
    shared_axis_curves: Sequence[LearningCurve] = (),
) -> Figure:
    """Draw the dev score by epoch, a line per training, colored by model; a dot marks the selected epoch.

    Args:
        curves: trainings of one task.
        metric: the headline metric, for the axis.
        selected: the model selected on dev, which is emphasized.
        shared_axis_curves: trainings of other figures, which share the vertical axis.
    """
    from matplotlib.ticker import MaxNLocator

    models = sorted({curve.model: None for curve in curves}, key=lambda model: model != selected)
    y_label = _("{metric} on dev", metric=metric_display_name(metric))
    figure, axes = make_curve_axes(2.9 + 0.19 * len(models), _("epoch"), y_label)
    lines: dict[str, Line2D] = {}
    for curve in curves:
        emphasized = selected in (None, curve.model)
        lines[curve.model] = _draw_curve(axes, curve, models.index(curve.model), emphasized=emphasized)
    if shared_axis_curves:
        scores = [point["score"] for curve in shared_axis_curves for point in curve.points]
        axes.dataLim.update_from_data_y(scores, ignore=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    handles = [lines[model] for model in models]
    names = [escape_label(model) for model in models]
    if selected in models:
        names[0] = _("{model} (best on dev)", model=names[0])
    figure.legend(
        handles, names, loc="outside lower left", frameon=False, fontsize=SMALL_FONT_SIZE, labelspacing=0.3
    )
    return figure


def _draw_curve(axes: Axes, curve: LearningCurve, index: int, *, emphasized: bool) -> Line2D:
    """Draw one training in the color of its model and return the line."""
    points = sorted(curve.points, key=lambda point: point["epoch"])
    alpha, width, size = (0.95, 1.8, 5.5) if emphasized else (0.65, 1.0, 3.5)
    style = line_style(index) | {"alpha": alpha, "zorder": 2 + emphasized, "lw": width}
    epochs, scores = [p["epoch"] for p in points], [p["score"] for p in points]
    (line,) = axes.plot(epochs, scores, **style)
    best = [score for epoch, score in zip(epochs, scores, strict=True) if epoch == curve.best_epoch]
    axes.plot([curve.best_epoch] * len(best), best, marker="o", ms=size, **style | {"lw": 0})
    return line


def plot_label_distribution(corpus: CorpusSummary, task: str) -> Figure:
    """Draw how often each label occurs: bars are shares of a split's utterances, with the counts as text."""
    counts = {split: corpus.labels[task][split] for split in ("train", "dev") if split in corpus.labels[task]}
    totals = {
        split: corpus.splits.get(split, {}).get("utterances", 0) or sum(counts[split].values())
        for split in counts
    }
    return plot_label_bars(counts, totals)


def plot_label_bars(counts: Mapping[str, Mapping[str, int]], totals: Mapping[str, int]) -> Figure:
    """Draw the ``counts`` of labels by split as shares of ``totals``, side by side.

    Args:
        counts: split → label → utterances.
        totals: split → utterances.
    """
    names = list(dict.fromkeys(name for split_counts in counts.values() for name in split_counts))
    figure, axes = make_axes(height=0.6 + 0.16 * (len(counts) + 0.7) * len(names))
    texts = []
    for n, (split, split_counts) in enumerate(counts.items()):
        label_counts = [split_counts.get(name, 0) for name in names]
        positions = [row + (n - (len(counts) - 1) / 2) * 0.8 / len(counts) for row in range(len(names))]
        shares = [count / max(1, totals[split]) for count in label_counts]
        axes.barh(positions, shares, 0.7 / len(counts), color=COLORS[n], label=display_name(split))
        texts.append([format_count(count) for count in label_counts])
    name_bars(axes, [display_name(name) for name in names], texts)
    figure.legend(loc="outside upper right", ncols=len(counts), frameon=False, fontsize=SMALL_FONT_SIZE)
    return figure


def plot_histogram(histogram: Histogram) -> Figure:
    """Draw the distribution of a measure such as duration: a line per split, in shares of its utterances."""
    figure, axes = make_axes(height=2.6)
    for n, (split, counts) in enumerate(histogram.counts.items()):
        heights = [count / max(1, sum(counts)) for count in counts]
        axes.stairs(heights, histogram.edges, color=COLORS[n], lw=1.6, label=display_name(split))
        axes.stairs(heights, histogram.edges, color=COLORS[n], fill=True, alpha=0.12, lw=0)
    axes.set_xlim(histogram.edges[0], histogram.edges[-1])
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.set_xlabel(histogram.unit, fontsize=FONT_SIZE)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=SMALL_FONT_SIZE)
    return figure


def plot_roc_curves(label_curves: Sequence[RankingCurves]) -> Figure:
    """Draw the ROC curve of each label against all others, with its AUC; the diagonal is chance.

    Raises:
        ValueError: if there are no curves.
    """
    x_label, y_label = _("false positive rate"), _("true positive rate (recall)")
    figure, axes = _make_label_axes(label_curves, x_label, y_label)
    for n, one in enumerate(label_curves):
        name = f"{escape_label(display_name(one.label))} {format_decimal(one.auc, 2)}"
        axes.plot([0.0, *CURVE_GRID], [0.0, *one.true_positive_rates], label=name, **line_style(n))
    return add_legend(figure)


def plot_precision_recall_curves(label_curves: Sequence[RankingCurves]) -> Figure:
    """Draw the precision–recall curve of each label, with its average precision; a mark on the right is chance.

    Chance is the share of utterances that have the label.

    Raises:
        ValueError: if there are no curves.
    """
    figure, axes = _make_label_axes(label_curves, _("recall"), _("precision"), diagonal=False)
    for n, one in enumerate(label_curves):
        name = f"{escape_label(display_name(one.label))} {format_decimal(one.average_precision, 2)}"
        axes.plot(CURVE_GRID, one.precisions, label=name, **line_style(n))
        axes.plot([1, 1.04], [one.support / one.n] * 2, clip_on=False, **line_style(n))
    return add_legend(figure)


def _make_label_axes(
    label_curves: Sequence[RankingCurves], x_label: str, y_label: str, *, diagonal: bool = True
) -> tuple[Figure, Axes]:
    if not label_curves:
        raise ValueError("no label has a curve")
    return make_square_axes(len(label_curves), x_label, y_label, diagonal=diagonal)


def plot_scores(rows: Sequence[ModelScores], metric: str) -> Figure:
    """Draw one metric of several models in the given order; baselines are gray, a dashed line is the best.

    Raises:
        KeyError: if a model has no such metric.
    """
    drawn: list[IntervalRow] = []
    for row in rows:
        score, color = row.metrics[metric], GRAY if row.role == "baseline" else COLORS[0]
        drawn.append((model_display_name(row.model), score.value, score.low, score.high, color))
    figure = plot_intervals(drawn, metric_display_name(metric), width=_SCORES_WIDTH)
    (axes,) = figure.axes
    for n, row in enumerate(rows):
        weight = "bold" if row.role == "selected" else "normal"
        axes.get_yticklabels()[n].set_fontweight(weight)
        axes.text(1.02, n, format_score(row.metrics[metric]), va="center", fontsize=SMALL_FONT_SIZE,
                  fontweight=weight, transform=axes.get_yaxis_transform())  # fmt: skip
    baselines = [row.metrics[metric].value for row in rows if row.role == "baseline"]
    if baselines and len(baselines) < len(rows):
        best = max(baselines, key=lambda value: get_metric(metric).sign * value)
        axes.axvline(best, color=GRAY, lw=1, alpha=0.7, ls="--")
    return figure


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
