"""Single-label metrics, all computed from the confusion matrix: S = K·K numbers, truth by row.

These are the metrics of MELD (Poria et al., "MELD: A Multimodal Multi-Party Dataset for Emotion Recognition in
Conversations", ACL 2019) and of RAVDESS; each agrees with scikit-learn's of the same name, ``zero_division=0``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import Thresholds
from sentir.evaluation.metrics.label_counts import (
    MACRO_F1,
    LabelCountMetrics,
    compute_all,
    counts_from_confusion_matrix,
    f1,
    mean_over_present_labels,
    recall,
    safe_divide,
    support,
    support_weighted_mean,
)
from sentir.evaluation.metrics.metric import Array, FloatArray, Metric
from sentir.i18n import gettext_noop


def weighted_f1(counts: Array) -> Array:
    """F1 of each class, weighted by its support: MELD's headline; ``f1_score(average="weighted")``."""
    return support_weighted_mean(f1(counts), counts)


def accuracy(counts: Array) -> Array:
    """Share of correct predictions; ``accuracy_score``. Also called weighted accuracy or weighted recall."""
    return safe_divide(counts[..., 0].sum(axis=-1), support(counts).sum(axis=-1))


def unweighted_average_recall(counts: Array) -> Array:
    """Mean recall over the classes present in the truth: "UAR" since the Interspeech emotion challenge of 2009.

    ``balanced_accuracy_score``.
    """
    return mean_over_present_labels(recall(counts), counts)


METRICS = {
    "weighted_f1": Metric(weighted_f1, True, "proportion", gettext_noop("weighted F1"), gettext_noop("wtd. F1")),
    "macro_f1": MACRO_F1,
    "accuracy": Metric(accuracy, True, "proportion", gettext_noop("accuracy"), gettext_noop("acc.")),
    "unweighted_average_recall": Metric(
        unweighted_average_recall, True, "proportion",
        gettext_noop("unweighted average recall"), gettext_noop("avg. recall"),
    ),
}  # fmt: skip


class SingleLabelMetrics(LabelCountMetrics):
    """Statistics and metrics of single-label predictions."""

    default, count_metrics = "weighted_f1", METRICS
    selecting_metrics = (METRICS,)

    def compute_statistics(
        self, truth: NDArray, probabilities: FloatArray, thresholds: Thresholds, groups: NDArray[np.integer]
    ) -> Array:
        """Return the ``(G, K·K)`` flattened confusion matrices of groups."""
        k = len(self.space)
        flat = np.asarray(groups) * k * k + truth * k + self.space.decide(probabilities)
        total = (int(np.max(groups)) + 1) * k * k
        return np.bincount(flat, minlength=total).reshape(-1, k * k).astype(np.float64)

    def compute_confusion_matrix(self, statistics: Array) -> Array:
        """Return ``(..., K, K)`` counts, truth by row."""
        return statistics.reshape(*statistics.shape[:-1], len(self.space), len(self.space))

    def label_counts(self, statistics: Array) -> Array:
        """Return the counts ``(..., K, 4)`` of confusion matrices."""
        return counts_from_confusion_matrix(self.compute_confusion_matrix(statistics))

    def compute_metrics(self, statistics: Array) -> dict[str, Array]:
        """Compute the metrics from statistics."""
        return compute_all(METRICS, self.label_counts(statistics))

    def label_columns(self, truth: NDArray) -> NDArray[np.bool_]:
        """Return whether each utterance has each label, ``(N, K)``."""
        return np.eye(len(self.space), dtype=bool)[truth]
