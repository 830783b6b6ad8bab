"""Metrics for single-label, multi-label and regression tasks, computed from additive statistics.

Every metric except the two ranking metrics is a function of sufficient statistics: a row of S numbers that can be
summed over utterances, dialogues or a resample, so that resampling is a matrix product
(`sentir.evaluation.intervals`). A metric is one `Metric` record in the file of its kind, `single_label`,
`multilabel` or `regression`, next to its function, whose docstring states convention and source.

Absent classes follow scikit-learn with ``zero_division=0``, except that macro F1 averages over the labels present
in the truth only. AUC and average precision skip labels of which the truth holds one class only; if no label
remains, the metric is missing from the result.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.metrics import multilabel, regression, single_label
from sentir.evaluation.metrics.label_counts import PRECISION_RECALL_F1
from sentir.evaluation.metrics.metric import AT_HALF_SUFFIX, Array, FloatArray, KindMetrics, LabelScore, Metric
from sentir.evaluation.metrics.soft_labels import SOFT_LABEL_METRICS
from sentir.i18n import _, gettext_noop
from sentir.plugins import current_plugin
from sentir.registry import Registry

METRICS_BY_KIND: Mapping[str, type[KindMetrics]] = {
    "single": single_label.SingleLabelMetrics,
    "multi": multilabel.MultilabelMetrics,
    "regression": regression.RegressionMetrics,
}
METRICS = Registry(
    gettext_noop("metric"),
    PRECISION_RECALL_F1
    | multilabel.LABEL_METRICS
    | multilabel.LABEL_RANKING_METRICS
    | multilabel.RANKING_METRICS
    | multilabel.SAMPLE_METRICS
    | multilabel.COUNT_METRICS
    | regression.LABEL_METRICS
    | regression.METRICS
    | single_label.METRICS
    | SOFT_LABEL_METRICS,
)


def register_metric(name: str, metric: Metric, *, kind: str) -> None:
    """Register a metric that can select and compare models.

    Args:
        name: of the metric, for ``evaluation.metric``.
        metric: the record. Its function gets the counts of `sentir.evaluation.metrics.label_counts`;
            in regression `sentir.evaluation.metrics.regression.RegressionSums`.
        kind: of the label spaces that it is for: ``single``, ``multi`` or ``regression``.

    Raises:
        PluginError: if the name exists.
        KeyError: if there is no such kind.
    """
    tables = METRICS_BY_KIND[kind].selecting_metrics
    METRICS.register(name)(metric)
    for table in tables:
        table[name] = metric
    current_plugin(lambda: [table.pop(name, None) for table in tables])


def get_metric(name: str) -> Metric:
    """Return the metric of that name; the suffix `AT_HALF_SUFFIX` is ignored.

    Raises:
        UnknownNameError: if there is none.
    """
    metric: Metric = METRICS.get(name.removesuffix(AT_HALF_SUFFIX))
    return metric


def metric_short_name(name: str) -> str:
    """Return the name of a metric for narrow columns, in the current language; thresholds are not mentioned.

    Raises:
        UnknownNameError: if there is none of that name.
    """
    metric = get_metric(name)
    return _(metric.short_name or metric.name)


def metric_display_name(name: str) -> str:
    """Return the name of a metric in the current language.

    Raises:
        UnknownNameError: if there is none of that name.
    """
    display_name = _(get_metric(name).name)
    return _("{metric} at 0.5", metric=display_name) if name.endswith(AT_HALF_SUFFIX) else display_name


def metrics_for(space: LabelSpace) -> KindMetrics:
    """Return the metrics of a label space."""
    return METRICS_BY_KIND[space.kind](space)


def count_metrics(space: LabelSpace) -> tuple[str, ...]:
    """Return the names of the metrics that can select and compare models of ``space``."""
    return tuple(metrics_for(space).count_metrics)


def resolve_metric(space: LabelSpace, requested: str | Mapping[str, str] | None = None) -> str:
    """Return the requested metric, a name or a table task → name; by default `KindMetrics.default`.

    Raises:
        UnknownNameError: if it is not one of `count_metrics`; the message suggests the nearest names.
    """
    name = requested.get(space.task) if isinstance(requested, Mapping) else requested
    name = metrics_for(space).default if name is None else name
    Registry(METRICS.kind, metrics_for(space).count_metrics).get(name)
    return name


def compute_statistics(
    space: LabelSpace,
    truth: NDArray,
    probabilities: FloatArray,
    thresholds: FloatArray | None = None,
    groups: NDArray[np.integer] | None = None,
) -> Array:
    """Return the sufficient statistics summed over each group, ``(G, S)``; without groups G is 1.

    Args:
        truth: encoded labels (`LabelSpace.encode`), ``(N,)`` or ``(N, K)``.
        probabilities: ``(N, K)``.
        thresholds: ``(K,)``, for multi-label tasks; none = 0.5.
        groups: ``(N,)`` integers from 0 to G - 1.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    _check_shapes(space, truth, probabilities)
    index = np.zeros(len(truth), dtype=np.int64) if groups is None else groups
    return metrics_for(space).compute_statistics(truth, probabilities, thresholds, index)


def metrics_from_statistics(space: LabelSpace, statistics: Array) -> dict[str, Array]:
    """Compute the metrics of `count_metrics` from statistics ``(..., S)``, each of shape ``(...)``."""
    return metrics_for(space).compute_metrics(statistics)


def compute_score(
    space: LabelSpace,
    metric: str,
    truth: NDArray,
    probabilities: FloatArray,
    thresholds: FloatArray | None = None,
) -> float:
    """Return one metric of `count_metrics`, without computing the ranking metrics, which take far longer.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    totals = compute_statistics(space, truth, probabilities, thresholds)[0]
    return float(metrics_from_statistics(space, totals)[metric])


def compute_scores(
    space: LabelSpace, truth: NDArray, probabilities: FloatArray, thresholds: FloatArray | None = None
) -> dict[str, float]:
    """Return every count and ranking metric, name → value.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    totals = compute_statistics(space, truth, probabilities, thresholds)[0]
    scores = {name: float(value) for name, value in metrics_from_statistics(space, totals).items()}
    ranking = metrics_for(space).compute_ranking_metrics(truth, probabilities)
    return scores | {f"mean_{name}": float(np.nanmean(v)) for name, v in ranking.items() if not np.isnan(v).all()}


def score_per_label(
    space: LabelSpace, truth: NDArray, probabilities: FloatArray, thresholds: FloatArray | None = None
) -> list[LabelScore]:
    """Return precision, recall and F1 of each label, and more for multi-label tasks.

    ``auc`` and ``average_precision`` are missing for a label of which the truth holds one class only. In
    regression the labels are the steps of the scale (`LabelSpace.categories`), with mean prediction and mean
    absolute error.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    totals = compute_statistics(space, truth, probabilities, thresholds)[0]
    support, columns = metrics_for(space).compute_label_metrics(truth, probabilities, totals)
    return [
        LabelScore(label, int(support[k]), {m: float(v[k]) for m, v in columns.items() if not np.isnan(v[k])})
        for k, label in enumerate(space.categories)
    ]


def compute_confusion_matrix(space: LabelSpace, truth: NDArray, probabilities: FloatArray) -> Array | None:
    """Return ``(K, K)`` counts, truth by row; ``None`` for multi-label tasks and regression.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    return metrics_for(space).compute_confusion_matrix(compute_statistics(space, truth, probabilities)[0])


def _check_shapes(space: LabelSpace, truth: NDArray, probabilities: FloatArray) -> None:
    if len(truth) == 0:
        raise PredictionsError(
            _("There is nothing to score for '{task}': no utterance has labels.", task=space.task)
        )
    expected = (len(truth), *space.encode([]).shape[1:])
    if truth.shape != expected or probabilities.shape != (len(truth), len(space)):
        raise PredictionsError(
            _(
                "Labels of shape {truth} and probabilities of shape {probabilities} do not fit the {k} labels "
                "of '{task}'.",
                truth=truth.shape,
                probabilities=probabilities.shape,
                k=len(space),
                task=space.task,
            )
        )
