"""Metrics for one label, several, or a number, computed from counts and sums that add up.

Every metric but the two that rank probabilities is a function of sufficient statistics: a row of S numbers that
can be summed over utterances, dialogues or a resample. So a bootstrap is a matrix product (`intervals`). Each is
defined, with its source, in the file of its kind: `single`, `multi`, `regression`.

Where a class is absent the conventions are scikit-learn's with ``zero_division=0``, but that a macro F1 is over
the labels that the truth holds. AUC and average precision leave out labels of which the truth holds one class
only; where no label is left, the metric is not in the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.metrics import multilabel, regression, single_label
from sentir.evaluation.metrics.label_counts import PRECISION_RECALL_F1
from sentir.evaluation.metrics.metric import AT_HALF_SUFFIX, Array, FloatArray, LabelScore, Metric
from sentir.i18n import _, gettext_noop
from sentir.registry import Registry

DEFAULT_METRIC = {"single": "weighted_f1", "multi": "macro_f1", "regression": "mae"}
COUNT_METRICS = {
    "single": tuple(single_label.METRICS),
    "multi": (*multilabel.COUNT_METRICS, *multilabel.SAMPLE_METRICS),
    "regression": tuple(regression.METRICS),
}
RANKING_METRICS = {"single": (), "multi": tuple(multilabel.RANKING_METRICS), "regression": ()}
_REGISTRY = Registry(
    gettext_noop("metric"),
    PRECISION_RECALL_F1
    | multilabel.LABEL_METRICS
    | multilabel.LABEL_RANKING_METRICS
    | multilabel.RANKING_METRICS
    | multilabel.SAMPLE_METRICS
    | multilabel.COUNT_METRICS
    | regression.LABEL_METRICS
    | regression.METRICS
    | single_label.METRICS,
)


def get_metric(name: str) -> Metric:
    """Return the metric of that name, also of one at 0.5: its direction, its unit and its names.

    Raises:
        UnknownNameError: if there is none.
    """
    metric: Metric = _REGISTRY.get(name.removesuffix(AT_HALF_SUFFIX))
    return metric


def metric_short_name(name: str) -> str:
    """Return what a metric is called in narrow columns, without a word about thresholds.

    Raises:
        UnknownNameError: if there is none of that name.
    """
    metric = get_metric(name)
    return _(metric.short_name or metric.name)


def metric_display_name(name: str) -> str:
    """Return what a metric is called in the current language.

    Raises:
        UnknownNameError: if there is none of that name.
    """
    display_name = _(get_metric(name).name)
    return _("{metric} at 0.5", metric=display_name) if name.endswith(AT_HALF_SUFFIX) else display_name


class _KindMetrics(Protocol):
    """What differs between one label, several, and a number."""

    @property
    def count_metrics(self) -> Mapping[str, Metric]: ...
    def __init__(self, space: LabelSpace) -> None: ...
    def compute_statistics(
        self,
        truth: NDArray,
        probabilities: FloatArray,
        thresholds: FloatArray | None,
        groups: NDArray[np.integer],
    ) -> Array: ...
    def compute_metrics(self, statistics: Array) -> dict[str, Array]: ...
    def compute_label_metrics(
        self, truth: NDArray, probabilities: FloatArray, statistics: Array
    ) -> tuple[Array, dict[str, Array]]: ...
    def compute_label_f1(self, statistics: Array) -> Array | None: ...
    def compute_ranking_metrics(self, truth: NDArray, probabilities: FloatArray) -> dict[str, Array]: ...
    def compute_confusion_matrix(self, statistics: Array) -> Array | None: ...


_METRICS_BY_KIND: dict[str, type[_KindMetrics]] = {
    "single": single_label.SingleLabelMetrics,
    "multi": multilabel.MultilabelMetrics,
    "regression": regression.RegressionMetrics,
}


def count_metrics(space: LabelSpace) -> tuple[str, ...]:
    """Return the metrics that can select and compare models of ``space``."""
    return tuple(_metrics_of_kind(space).count_metrics)


def resolve_metric(space: LabelSpace, requested: str | Mapping[str, str] | None = None) -> str:
    """Return the metric that is wanted, or wanted for this task by a table; the headline metric if none is.

    Raises:
        UnknownNameError: if it is none of `counted`; the message offers the nearest names.
    """
    name = requested.get(space.task) if isinstance(requested, Mapping) else requested
    name = DEFAULT_METRIC[space.kind] if name is None else name
    Registry(_REGISTRY.kind, _metrics_of_kind(space).count_metrics).get(name)
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
        truth: what `LabelSpace.encode` makes, ``(N,)`` or ``(N, K)``.
        probabilities: ``(N, K)``.
        thresholds: ``(K,)`` for several labels; none = 0.5.
        groups: ``(N,)`` integers from 0 to G - 1.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    _check_shapes(space, truth, probabilities)
    index = np.zeros(len(truth), dtype=np.int64) if groups is None else groups
    return _metrics_of_kind(space).compute_statistics(truth, probabilities, thresholds, index)


def metrics_from_statistics(space: LabelSpace, statistics: Array) -> dict[str, Array]:
    """Turn statistics ``(..., S)`` into the metrics of `counted`, each of shape ``(...)``."""
    return _metrics_of_kind(space).compute_metrics(statistics)


def compute_scores(
    space: LabelSpace, truth: NDArray, probabilities: FloatArray, thresholds: FloatArray | None = None
) -> dict[str, float]:
    """Return every metric of `counted` and `RANKED` by name.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    totals = compute_statistics(space, truth, probabilities, thresholds)[0]
    found = {name: float(value) for name, value in metrics_from_statistics(space, totals).items()}
    ranked = _metrics_of_kind(space).compute_ranking_metrics(truth, probabilities)
    return found | {f"mean_{name}": float(np.nanmean(v)) for name, v in ranked.items() if not np.isnan(v).all()}


def compute_weighted_ranking(
    space: LabelSpace, truth: NDArray, probabilities: FloatArray, weights: Array
) -> dict[str, Array]:
    """Return every metric of `RANKED` for R weightings ``(R, N)`` of the utterances, each ``(R,)``."""
    if not RANKING_METRICS[space.kind]:
        return {}
    found = [
        multilabel.weighted_auc_and_average_precision(truth[:, k] > 0, probabilities[:, k], weights)
        for k in range(len(space))
    ]
    return {f"mean_{name}": _nan_mean(np.array([label[name] for label in found])) for name in found[0]}


def _nan_mean(values: Array) -> Array:
    """Return the mean over labels of those that are known; NaN where none is."""
    n = (~np.isnan(values)).sum(axis=0)
    return np.where(n > 0, np.nansum(values, axis=0) / np.maximum(n, 1), np.nan)


def score_per_label(
    space: LabelSpace, truth: NDArray, probabilities: FloatArray, thresholds: FloatArray | None = None
) -> list[LabelScore]:
    """Return precision, recall and F1 of each label, for several labels more; for a number, of its steps.

    ``auc`` and ``average_precision`` are not there for a label of which the truth holds one class only. For a
    number the labels are `LabelSpace.groups`, each with its mean answer and mean absolute error.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    totals = compute_statistics(space, truth, probabilities, thresholds)[0]
    support, columns = _metrics_of_kind(space).compute_label_metrics(truth, probabilities, totals)
    return [
        LabelScore(label, int(support[k]), {m: float(v[k]) for m, v in columns.items() if not np.isnan(v[k])})
        for k, label in enumerate(space.categories)
    ]


def label_f1_from_statistics(space: LabelSpace, statistics: Array) -> Array | None:
    """Turn statistics ``(..., S)`` into the F1 of each label, ``(..., K)``; ``None`` for a number."""
    return _metrics_of_kind(space).compute_label_f1(statistics)


def compute_confusion_matrix(space: LabelSpace, truth: NDArray, probabilities: FloatArray) -> Array | None:
    """Return ``(K, K)`` counts, truth by row; ``None`` for several labels at once and for numbers.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    return _metrics_of_kind(space).compute_confusion_matrix(compute_statistics(space, truth, probabilities)[0])


def _metrics_of_kind(space: LabelSpace) -> _KindMetrics:
    return _METRICS_BY_KIND[space.kind](space)


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
