"""What single-label and multi-label metrics share: counts of true and false predictions of each label.

Counts are ``(..., K, 4)``: true positives, false positives, false negatives and true negatives of each label.
Division by 0 gives 0, as with scikit-learn's ``zero_division=0``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sentir.evaluation.metrics.metric import Array, FloatArray, KindMetrics, Metric
from sentir.i18n import gettext_noop


def precision(counts: Array) -> Array:
    """Share of the utterances predicted to have a label that have it, tp / (tp + fp)."""
    tp, fp, _fn, _tn = np.moveaxis(counts, -1, 0)
    return safe_divide(tp, tp + fp)


def recall(counts: Array) -> Array:
    """Share of the utterances with a label for which it is predicted, tp / (tp + fn)."""
    tp, _fp, fn, _tn = np.moveaxis(counts, -1, 0)
    return safe_divide(tp, tp + fn)


def f1(counts: Array) -> Array:
    """Harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn); 0 also for a label absent everywhere."""
    tp, fp, fn, _tn = np.moveaxis(counts, -1, 0)
    return safe_divide(2 * tp, 2 * tp + fp + fn)


def support(counts: Array) -> Array:
    """Number of utterances that have a label."""
    return counts[..., 0] + counts[..., 2]


def compute_all(metrics: Mapping[str, Metric], statistics: object) -> dict[str, Array]:
    """Return every metric of the same statistics."""
    return {name: metric.function(statistics) for name, metric in metrics.items()}


def counts_from_confusion_matrix(matrix: Array) -> Array:
    """Return the counts ``(..., K, 4)`` of confusion matrices ``(..., K, K)``, truth by row."""
    tp = np.diagonal(matrix, axis1=-2, axis2=-1)
    fp, fn = matrix.sum(axis=-2) - tp, matrix.sum(axis=-1) - tp
    tn = matrix.sum(axis=(-2, -1))[..., None] - tp - fp - fn
    return np.stack([tp, fp, fn, tn], axis=-1)


def support_weighted_mean(values: Array, counts: Array) -> Array:
    """Mean of a value over labels, weighted by their support; 0 without any utterance."""
    return safe_divide((support(counts) * values).sum(axis=-1), support(counts).sum(axis=-1))


def mean_over_present_labels(values: Array, counts: Array) -> Array:
    """Mean of a value over the labels that some utterance has; 0 without any."""
    present = support(counts) > 0
    return safe_divide((values * present).sum(axis=-1), present.sum(axis=-1).astype(np.float64))


def safe_divide(numerator: Array, denominator: Array) -> Array:
    """Divide; 0 where the denominator is 0."""
    return np.divide(
        numerator, denominator, out=np.zeros_like(denominator, dtype=np.float64), where=denominator > 0
    )


def macro_f1(counts: Array) -> Array:
    """Mean F1 over the labels present in the truth: an absent one can be neither predicted correctly nor missed.

    ``f1_score(average="macro", labels=np.unique(truth))``; for multi-label tasks, that of the indicator matrix
    without the columns that are empty in the truth.
    """
    return mean_over_present_labels(f1(counts), counts)


MACRO_F1 = Metric(macro_f1, True, "proportion", gettext_noop("macro F1"))
PRECISION_RECALL_F1 = {
    "precision": Metric(precision, True, "proportion", gettext_noop("precision")),
    "recall": Metric(recall, True, "proportion", gettext_noop("recall")),
    "f1": Metric(f1, True, "proportion", gettext_noop("F1")),
}


class LabelCountMetrics(KindMetrics):
    """What single-label and multi-label metrics share: all but a few are functions of the counts of labels."""

    label_metrics = PRECISION_RECALL_F1

    @abstractmethod
    def label_counts(self, statistics: Array) -> Array:
        """Return the counts ``(..., K, 4)`` of statistics ``(..., S)``."""

    def compute_label_metrics(
        self, truth: NDArray, probabilities: FloatArray, statistics: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return the support of each label, and its metrics."""
        counts = self.label_counts(statistics)
        return support(counts), compute_all(self.label_metrics, counts) | self.compute_ranking_metrics(
            truth, probabilities
        )

    def compute_label_f1(self, statistics: Array) -> Array:
        """Return the F1 of each label, ``(..., K)``."""
        return f1(self.label_counts(statistics))
