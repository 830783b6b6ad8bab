"""Multi-label metrics: each label is a binary decision.

S = 4·K + 3 numbers: the counts of each label; sums over utterances of the Jaccard index with 0 where prediction
and truth are both empty, of the one with 1 there, and of exact matches.

On CMU-MOSEI's emotions (Zadeh et al., "Multimodal Language Analysis in the Wild", ACL 2018) papers report scores
that differ by 20 to 40 points under the same name; so each convention has a name of its own here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import Thresholds
from sentir.evaluation.metrics.label_counts import (
    MACRO_F1,
    PRECISION_RECALL_F1,
    LabelCountMetrics,
    compute_all,
    f1,
    precision,
    recall,
    safe_divide,
)
from sentir.evaluation.metrics.metric import Array, FloatArray, Metric
from sentir.i18n import gettext_noop


def weighted_accuracy(counts: Array) -> Array:
    """(TPR + TNR) / 2 of each label: "WA" of Tong et al. (ACL 2017), adopted by the authors of MOSEI.

    Where all utterances have the label, or none, the rate of the class present; ``balanced_accuracy_score``.
    """
    tp, fp, fn, tn = np.moveaxis(counts, -1, 0)
    classes = (tp + fn > 0).astype(np.float64) + (tn + fp > 0)
    return safe_divide(recall(counts) + safe_divide(tn, tn + fp), classes)


def weighted_f1(counts: Array) -> Array:
    """F1 of presence and of absence of each label, weighted by support: the "F1" of many papers on MOSEI.

    A label that is never predicted still scores about .8. ``f1_score(average="weighted")`` of one label.
    """
    tp, fp, fn, tn = np.moveaxis(counts, -1, 0)
    f1_of_absence = safe_divide(2 * tn, 2 * tn + fp + fn)
    return safe_divide((tp + fn) * f1(counts) + (tn + fp) * f1_of_absence, tp + fp + fn + tn)


def micro_f1(counts: Array) -> Array:
    """F1 of the pooled decisions on all labels; ``f1_score(average="micro")``. "Micro-F1" in TAILOR, CARAT."""
    return f1(counts.sum(axis=-2))


def micro_precision(counts: Array) -> Array:
    """Precision of the pooled decisions on all labels; ``precision_score(average="micro")``."""
    return precision(counts.sum(axis=-2))


def micro_recall(counts: Array) -> Array:
    """Recall of the pooled decisions on all labels; ``recall_score(average="micro")``."""
    return recall(counts.sum(axis=-2))


def mean_weighted_accuracy(counts: Array) -> Array:
    """Mean of `weighted_accuracy` over labels."""
    return weighted_accuracy(counts).mean(axis=-1)


def mean_weighted_f1(counts: Array) -> Array:
    """Mean of `weighted_f1` over labels."""
    return weighted_f1(counts).mean(axis=-1)


def jaccard_empty0(sample_means: Array) -> Array:
    """Mean over utterances of |T ∩ A| / |T ∪ A|, 0 where both are empty: "accuracy" of TAILOR and CARAT.

    Zhang et al. (AAAI 2022), Peng et al. (AAAI 2024); ``jaccard_score(average="samples", zero_division=0)``.
    """
    return sample_means[..., 0]


def jaccard_empty1(sample_means: Array) -> Array:
    """The same, 1 where both are empty: ``jaccard_score(average="samples", zero_division=1)``."""
    return sample_means[..., 1]


def subset_accuracy(sample_means: Array) -> Array:
    """Share of utterances with exactly the right set of labels; ``accuracy_score`` of the indicator matrix."""
    return sample_means[..., 2]


def auc(has_label: NDArray, probabilities: FloatArray) -> float:
    """Area under the ROC curve of one label; ``roc_auc_score``."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(has_label, probabilities))


def average_precision(has_label: NDArray, probabilities: FloatArray) -> float:
    """Average precision of one label; ``average_precision_score``."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(has_label, probabilities))


COUNT_METRICS = {
    "macro_f1": MACRO_F1,
    "micro_f1": Metric(micro_f1, True, "proportion", gettext_noop("micro F1")),
    "micro_precision": Metric(
        micro_precision, True, "proportion", gettext_noop("micro precision"), gettext_noop("micro prec.")
    ),
    "micro_recall": Metric(
        micro_recall, True, "proportion", gettext_noop("micro recall"), gettext_noop("micro rec.")
    ),
    "mean_weighted_accuracy": Metric(
        mean_weighted_accuracy, True, "proportion",
        gettext_noop("mean weighted accuracy"), gettext_noop("mean wtd. acc."),
    ),
    "mean_weighted_f1": Metric(
        mean_weighted_f1, True, "proportion",
        gettext_noop("mean weighted F1, present and absent"), gettext_noop("mean wtd. F1"),
    ),
}  # fmt: skip
SAMPLE_METRICS = {
    "jaccard_empty0": Metric(
        jaccard_empty0, True, "proportion",
        gettext_noop("Jaccard, both empty counts 0"), gettext_noop("Jacc. (0)"),
    ),
    "jaccard_empty1": Metric(
        jaccard_empty1, True, "proportion",
        gettext_noop("Jaccard, both empty counts 1"), gettext_noop("Jacc. (1)"),
    ),
    "subset_accuracy": Metric(
        subset_accuracy, True, "proportion", gettext_noop("subset accuracy"), gettext_noop("subset acc.")
    ),
}  # fmt: skip
LABEL_RANKING_METRICS = {
    "auc": Metric(auc, True, "proportion", gettext_noop("AUC")),
    "average_precision": Metric(average_precision, True, "proportion", gettext_noop("average precision")),
}
RANKING_METRICS = {  # means of those over labels
    "mean_auc": Metric(auc, True, "proportion", gettext_noop("mean AUC")),
    "mean_average_precision": Metric(
        average_precision, True, "proportion", gettext_noop("mean average precision"), gettext_noop("mean AP")
    ),
}
LABEL_METRICS = PRECISION_RECALL_F1 | {
    "weighted_accuracy": Metric(weighted_accuracy, True, "proportion", gettext_noop("weighted accuracy")),
    "weighted_f1": Metric(weighted_f1, True, "proportion", gettext_noop("weighted F1"), gettext_noop("wtd. F1")),
}


def weighted_auc_and_average_precision(
    has_label: NDArray[np.bool_], probabilities: FloatArray, weights: Array
) -> dict[str, Array]:
    """Return area under the ROC curve and average precision of one label, for R weightings of N utterances.

    ``roc_auc_score`` and ``average_precision_score`` with ``sample_weight``: equal probabilities are one
    threshold. NaN where the weights leave one class only.

    Args:
        has_label: ``(N,)``, whether an utterance has the label.
        probabilities: ``(N,)``.
        weights: ``(R, N)`` weights of utterances.
    """
    order = np.argsort(-probabilities, kind="stable")
    last = np.flatnonzero(np.append(np.diff(probabilities[order]) != 0, True))  # of each threshold
    ordered = weights[:, order]
    true_positives = np.cumsum(ordered * has_label[order], axis=1)[:, last]
    predicted_positives = np.cumsum(ordered, axis=1)[:, last]
    new_true_positives = np.diff(true_positives, axis=1, prepend=0)
    false_positives = predicted_positives - true_positives
    positives, negatives = true_positives[:, -1], false_positives[:, -1]
    new_false_positives = np.diff(false_positives, axis=1, prepend=0)
    area = (new_false_positives * (true_positives - new_true_positives / 2)).sum(axis=1)
    precision_sum = (new_true_positives * safe_divide(true_positives, predicted_positives)).sum(axis=1)
    both = (positives > 0) & (negatives > 0)
    return {
        "auc": np.where(both, safe_divide(area, positives * negatives), np.nan),
        "average_precision": np.where(both, safe_divide(precision_sum, positives), np.nan),
    }


class MultilabelMetrics(LabelCountMetrics):
    """Statistics and metrics of multi-label predictions."""

    default, count_metrics = "macro_f1", COUNT_METRICS | SAMPLE_METRICS
    selecting_metrics = (COUNT_METRICS, count_metrics)
    label_metrics, ranking_metrics = LABEL_METRICS, RANKING_METRICS

    def compute_statistics(
        self, truth: NDArray, probabilities: FloatArray, thresholds: Thresholds, groups: NDArray[np.integer]
    ) -> Array:
        """Return the ``(G, 4·K + 3)`` statistics of groups."""
        t, d = truth > 0, self.space.decide(probabilities, thresholds) > 0
        shared, union = (t & d).sum(axis=1), (t | d).sum(axis=1)
        empty0 = shared / np.maximum(union, 1)
        by_row = [empty0, np.where(union == 0, 1.0, empty0), (t == d).all(axis=1)]
        counts = np.stack([t & d, ~t & d, t & ~d, ~t & ~d], axis=-1).reshape(len(t), -1)
        sums = np.zeros((int(np.max(groups)) + 1, counts.shape[1] + len(by_row)))
        np.add.at(sums, groups, np.column_stack([counts, *by_row]))
        return sums

    def label_counts(self, statistics: Array) -> Array:
        """Return the counts ``(..., K, 4)``, the first part of the statistics."""
        k = len(self.space)
        return statistics[..., : 4 * k].reshape(*statistics.shape[:-1], k, 4)

    def compute_metrics(self, statistics: Array) -> dict[str, Array]:
        """Compute the metrics from statistics."""
        counts = self.label_counts(statistics)
        sums = statistics[..., 4 * len(self.space) :]
        means = safe_divide(sums, np.broadcast_to(counts[..., :1, :].sum(axis=-1), sums.shape))
        return compute_all(COUNT_METRICS, counts) | compute_all(SAMPLE_METRICS, means)

    def compute_ranking_metrics(self, truth: NDArray, probabilities: FloatArray) -> dict[str, Array]:
        """Return the AUC and the average precision of each label; NaN where the truth holds one class only."""
        pairs = list(zip(truth.T, probabilities.T, strict=True))
        return {
            name: np.array([metric.function(t, p) if 0 < t.sum() < len(t) else np.nan for t, p in pairs])
            for name, metric in LABEL_RANKING_METRICS.items()
        }

    def compute_weighted_ranking(
        self, truth: NDArray, probabilities: FloatArray, weights: Array
    ) -> dict[str, Array]:
        """Return mean AUC and mean average precision for R weightings; NaN without both classes."""
        per_label = [
            weighted_auc_and_average_precision(t > 0, p, weights)
            for t, p in zip(truth.T, probabilities.T, strict=True)
        ]
        return {
            name: _nan_mean(np.array([label[name.removeprefix("mean_")] for label in per_label]))
            for name in RANKING_METRICS
        }

    def label_columns(self, truth: NDArray) -> NDArray[np.bool_]:
        """Return whether each utterance has each label, ``(N, K)``."""
        return truth > 0


def _nan_mean(values: Array) -> Array:
    """Return the mean over labels, NaN values left out; NaN where all are."""
    n = (~np.isnan(values)).sum(axis=0)
    return np.where(n > 0, np.nansum(values, axis=0) / np.maximum(n, 1), np.nan)
