"""Regression metrics: error, correlation, and the classes into which papers divide sentiment.

All are functions of sums: nine for error and correlation, and small confusion matrices. The classes are those of
MMSA (Mao et al., "M-SENA: An Integrated Platform for Multimodal Sentiment Analysis", ACL 2022,
https://github.com/thuiar/MMSA), defined for sentiment from -3 to 3; other scales have `mae`, `pearson` and `ccc`
only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace, Thresholds
from sentir.evaluation.metrics.label_counts import (
    compute_all,
    counts_from_confusion_matrix,
    f1,
    safe_divide,
    support_weighted_mean,
)
from sentir.evaluation.metrics.metric import Array, FloatArray, KindMetrics, Metric
from sentir.i18n import gettext_noop

_SENTIMENT_SCALE = (-3.0, 3.0)
_CONSTANT_TOLERANCE = 1e-12  # a variance below this share of the mean square is rounding


@dataclass(frozen=True, slots=True)
class RegressionSums:
    """Sufficient statistics, each of shape ``(...)`` except the confusion matrices, truth by row.

    Attributes:
        n: number of utterances.
        absolute_error: sum of absolute errors, unclipped.
        x, y, xx, yy, xy: sums of truth and prediction, relative to the middle of the scale, and of their
            products.
        correct7, correct5: predictions in the same class of 7 or of 5 as the truth.
        has0: ``(..., 2, 2)`` negative against not negative, over all utterances.
        non0: ``(..., 2, 2)`` not positive against positive, where the truth is not 0.
        sign: ``(..., 3, 3)`` negative, 0, positive; predictions are seldom exactly 0.
    """

    n: Array
    absolute_error: Array
    x: Array
    y: Array
    xx: Array
    yy: Array
    xy: Array
    correct7: Array
    correct5: Array
    has0: Array
    non0: Array
    sign: Array


def mae(sums: RegressionSums) -> Array:
    """Mean absolute error, unclipped, in units of the scale; lower is better. The default metric."""
    return sums.absolute_error / sums.n


def pearson(sums: RegressionSums) -> Array:
    """Pearson's correlation, unclipped; 0 where truth or predictions are constant, or n is 1."""
    x, y, xy = _scaled_variances(sums)
    return safe_divide(xy, np.sqrt(x * y))


def ccc(sums: RegressionSums) -> Array:
    """Lin's concordance correlation (Biometrics 1989), unclipped; 0 where truth or predictions are constant.

    2 cov / (var + var + (difference of means)²): `pearson`, reduced by differences in mean and variance.
    """
    x, y, xy = _scaled_variances(sums)
    return safe_divide(2 * xy, np.where((x > 0) & (y > 0), x + y + (sums.x - sums.y) ** 2 / sums.n, 0))


def acc7(sums: RegressionSums) -> Array:
    """Share of predictions that equal the truth after clipping both to [-3, 3] and rounding half to even."""
    return sums.correct7 / sums.n


def acc5(sums: RegressionSums) -> Array:
    """The same after clipping both to [-2, 2]."""
    return sums.correct5 / sums.n


ANY_SCALE_METRICS = {
    "mae": Metric(mae, False, "scale", gettext_noop("mean absolute error"), gettext_noop("mean abs. err.")),
    "pearson": Metric(pearson, True, "correlation", gettext_noop("Pearson's correlation"), "Pearson"),
    "ccc": Metric(ccc, True, "correlation", gettext_noop("concordance correlation"), "CCC"),
}
METRICS = ANY_SCALE_METRICS | {
    "acc7": Metric(acc7, True, "proportion", gettext_noop("7-class accuracy"), "Acc-7"),
    "acc5": Metric(acc5, True, "proportion", gettext_noop("5-class accuracy"), "Acc-5"),
    "has0_acc2": Metric(
        lambda sums: _accuracy(sums.has0), True, "proportion",
        gettext_noop("accuracy, negative or not"), gettext_noop("Has0 Acc-2"),
    ),
    "has0_f1": Metric(
        lambda sums: _weighted_f1(sums.has0), True, "proportion",
        gettext_noop("weighted F1, negative or not"), gettext_noop("Has0 F1"),
    ),
    "non0_acc2": Metric(
        lambda sums: _accuracy(sums.non0), True, "proportion",
        gettext_noop("accuracy, positive or negative"), gettext_noop("Non0 Acc-2"),
    ),
    "non0_f1": Metric(
        lambda sums: _weighted_f1(sums.non0), True, "proportion",
        gettext_noop("weighted F1, positive or negative"), gettext_noop("Non0 F1"),
    ),
    "sign_accuracy": Metric(
        lambda sums: _accuracy(sums.sign), True, "proportion",
        gettext_noop("accuracy, three classes by sign"), gettext_noop("sign acc."),
    ),
    "sign_weighted_f1": Metric(
        lambda sums: _weighted_f1(sums.sign), True, "proportion",
        gettext_noop("weighted F1, three classes by sign"), gettext_noop("sign wtd. F1"),
    ),
}  # fmt: skip
LABEL_METRICS = {  # means over the utterances nearest to each step of the scale
    "mean_prediction": Metric(lambda truth, p: p, None, "scale", gettext_noop("mean prediction")),
    "mae": replace(METRICS["mae"], function=lambda truth, p: np.abs(p - truth)),
}


class RegressionMetrics(KindMetrics):
    """Statistics and metrics of regression predictions; the labels are the steps of the scale."""

    default, count_metrics, label_metrics = "mae", METRICS, LABEL_METRICS
    selecting_metrics = (METRICS, ANY_SCALE_METRICS)

    def __init__(self, space: LabelSpace) -> None:
        super().__init__(space)
        if space.scale != _SENTIMENT_SCALE:
            self.count_metrics = ANY_SCALE_METRICS

    def compute_statistics(
        self, truth: NDArray, probabilities: FloatArray, thresholds: Thresholds, groups: NDArray[np.integer]
    ) -> Array:
        """Return the ``(G, S)`` sums of groups."""
        prediction, middle = np.asarray(probabilities, dtype=np.float64)[:, 0], sum(self.space.scale) / 2
        x, y = truth - middle, prediction - middle
        rows = np.column_stack([
            np.ones_like(x), np.abs(prediction - truth), x, y, x * x, y * y, x * y,
            _same_rounded_class(truth, prediction, 3), _same_rounded_class(truth, prediction, 2),
            _one_hot_pairs(truth >= 0, prediction >= 0, 2),
            _one_hot_pairs(truth > 0, prediction > 0, 2) * (truth != 0)[:, None],
            _one_hot_pairs(np.sign(truth) + 1, np.sign(prediction) + 1, 3),
        ])  # fmt: skip
        sums = np.zeros((int(np.max(groups)) + 1, rows.shape[1]))
        np.add.at(sums, groups, rows)
        return sums

    def compute_metrics(self, statistics: Array) -> dict[str, Array]:
        """Compute the metrics from statistics."""
        numbers, matrices = np.moveaxis(statistics[..., :9], -1, 0), statistics[..., 9:]
        lead = statistics.shape[:-1]
        has0, non0, sign = (
            matrices[..., a:b].reshape(*lead, k, k) for a, b, k in ((0, 4, 2), (4, 8, 2), (8, 17, 3))
        )
        sums = RegressionSums(*[*numbers, has0, non0, sign])
        return compute_all(self.count_metrics, sums)

    def compute_label_metrics(
        self, truth: NDArray, probabilities: FloatArray, statistics: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return, for each step of the scale, how many truths are nearest to it, and their metrics."""
        names = self.space.categories
        steps = np.array([names.index(self.space.categorize((number,))[0]) for number in truth.tolist()])
        n = np.bincount(steps, minlength=len(names)).astype(np.float64)
        prediction = np.asarray(probabilities, dtype=np.float64)[:, 0]
        values = {name: metric.function(truth, prediction) for name, metric in LABEL_METRICS.items()}
        sums = {k: np.bincount(steps, v, minlength=len(names)).astype(np.float64) for k, v in values.items()}
        return n, {name: np.where(n > 0, safe_divide(total, n), np.nan) for name, total in sums.items()}


def _scaled_variances(sums: RegressionSums) -> tuple[Array, Array, Array]:
    """Return n times the variances of truth and predictions, 0 where constant, and n times the covariance."""
    x, y = (
        np.where(square - total**2 / sums.n > _CONSTANT_TOLERANCE * square, square - total**2 / sums.n, 0)
        for square, total in ((sums.xx, sums.x), (sums.yy, sums.y))
    )
    return x, y, sums.xy - sums.x * sums.y / sums.n


def _same_rounded_class(truth: FloatArray, prediction: FloatArray, limit: int) -> NDArray[np.bool_]:
    return np.round(np.clip(truth, -limit, limit)) == np.round(np.clip(prediction, -limit, limit))


def _one_hot_pairs(truth: NDArray, prediction: NDArray, k: int) -> Array:
    """Return ``(N, K·K)``, a 1 in the cell of each row's truth and prediction."""
    return np.eye(k * k)[truth.astype(np.int64) * k + prediction.astype(np.int64)]


def _accuracy(matrix: Array) -> Array:
    return safe_divide(np.trace(matrix, axis1=-2, axis2=-1), matrix.sum(axis=(-2, -1)))


def _weighted_f1(matrix: Array) -> Array:
    counts = counts_from_confusion_matrix(matrix)
    return support_weighted_mean(f1(counts), counts)
