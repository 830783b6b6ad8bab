"""Alternative texts of figures, for readers who cannot see them."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.audit.results import Histogram
from sentir.display_names import display_name
from sentir.evaluation.formatting import format_number
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.evaluation.metrics.ranking import RankingCurves
from sentir.evaluation.results import ModelScores
from sentir.i18n import _, format_decimal, localize_numbers
from sentir.report.study_report import CorpusSummary, LearningCurve

_MAX_CONFUSIONS = 5  # that are named


def describe_confusion_matrix(scores: ModelScores) -> str:
    """Return how many utterances of each label are correct, and the most frequent confusions."""
    matrix = scores.confusion_matrix or ()
    names = [display_name(row.label) for row in scores.per_label]
    texts = [
        _("{label}: {correct} of {n} correct", label=names[i], correct=f"{row[i]:.0f}", n=f"{sum(row):.0f}")
        for i, row in enumerate(matrix)
    ]
    confusions = sorted(
        ((count, i, j) for i, row in enumerate(matrix) for j, count in enumerate(row) if i != j and count),
        reverse=True,
    )
    texts += [
        _("{label} predicted as {other} {n} times", label=names[i], other=names[j], n=f"{count:.0f}")
        for count, i, j in confusions[:_MAX_CONFUSIONS]
    ]
    return "; ".join(texts)


def describe_learning_curves(curves: Sequence[LearningCurve], metric: str) -> str:
    """Return the best score of each model, and its epoch."""
    best: dict[str, list[tuple[float, float]]] = {}
    for curve in curves:
        points = [(get_metric(metric).sign * point["score"], point["epoch"]) for point in curve.points]
        best.setdefault(curve.model, []).append(max(points, key=lambda point: point[0]))
    texts = []
    for model, trainings in best.items():
        score, epoch = max(trainings)
        score_text = format_number(get_metric(metric).sign * score)
        texts.append(
            _("{model}: best {score}, in epoch {epoch}", model=model, score=score_text, epoch=f"{epoch:g}")
        )
    return "; ".join(texts)


def describe_label_distribution(corpus: CorpusSummary, task: str) -> str:
    """Return how often each label occurs in each split."""
    return "; ".join(
        f"{display_name(split)}: {', '.join(f'{display_name(name)} {n}' for name, n in counts.items())}"
        for split, counts in corpus.labels[task].items()
    )


def describe_label_curves(label_curves: Sequence[RankingCurves], metric: str) -> str:
    """Return the area under each label's curve; ``metric`` is ``auc`` or ``average_precision``."""
    values = ", ".join(
        f"{display_name(one.label)} {format_decimal(getattr(one, metric), 2)}" for one in label_curves
    )
    return f"{metric_display_name(metric)}: {values}"


def describe_histogram(histogram: Histogram) -> str:
    """Return the median of each split."""
    return "; ".join(
        _("{split}: half of the utterances below {middle} {unit}",
          split=display_name(split), middle=_median_text(histogram, counts), unit=histogram.unit)
        for split, counts in histogram.counts.items()
    )  # fmt: skip


def _median_text(histogram: Histogram, counts: tuple[int, ...]) -> str:
    cumulative = 0
    for edge, count in zip(histogram.edges[1:], counts, strict=True):
        cumulative += count
        if 2 * cumulative >= sum(counts):
            return localize_numbers(f"{edge:.3g}")
    return localize_numbers(f"{histogram.edges[-1]:.3g}")
