"""One label of several: everything comes from the confusion matrix, S = K·K numbers, truth by row.

These are the metrics of MELD (Poria et al., "MELD: A Multimodal Multi-Party Dataset for Emotion Recognition in
Conversations", ACL 2019) and of RAVDESS; each agrees with scikit-learn's of the same name, ``zero_division=0``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.evaluation.metrics.label_counts import (
    Array,
    Floats,
    f1,
    from_confusion,
    mean_of_present,
    precision,
    ratio,
    recall,
    support,
    weighted,
)


def weighted_f1(cells: Array) -> Array:
    """F1 of each class, weighted by its support: MELD's headline; ``f1_score(average="weighted")``."""
    return weighted(f1(cells), cells)


def macro_f1(cells: Array) -> Array:
    """Mean F1 of the classes that the truth holds: one that occurs nowhere can be neither found nor missed.

    ``f1_score(average="macro", labels=np.unique(truth))``.
    """
    return mean_of_present(f1(cells), cells)


def accuracy(cells: Array) -> Array:
    """Share of right answers; ``accuracy_score``. Papers also call it weighted accuracy or weighted recall."""
    return ratio(cells[..., 0].sum(axis=-1), support(cells).sum(axis=-1))


def unweighted_average_recall(cells: Array) -> Array:
    """Mean recall of the classes that the truth holds: "UAR" since Interspeech's emotion challenges (2009).

    ``balanced_accuracy_score``.
    """
    return mean_of_present(recall(cells), cells)


COUNTED = {
    "weighted_f1": weighted_f1,
    "macro_f1": macro_f1,
    "accuracy": accuracy,
    "unweighted_average_recall": unweighted_average_recall,
}


class Single:
    """How answers of one label are counted."""

    def __init__(self, space: LabelSpace) -> None:
        self.space, self.counted = space, COUNTED

    def count(self, truth: NDArray, said: Floats, cuts: Floats | None, groups: NDArray[np.integer]) -> Array:
        """Return ``(G, K·K)`` confusion matrices of groups."""
        k = len(self.space)
        flat = np.asarray(groups) * k * k + truth * k + self.space.decide(said)
        total = (int(np.max(groups)) + 1) * k * k
        return np.bincount(flat, minlength=total).reshape(-1, k * k).astype(np.float64)

    def confusion(self, totals: Array) -> Array:
        """Return ``(..., K, K)`` counts, truth by row."""
        return totals.reshape(*totals.shape[:-1], len(self.space), len(self.space))

    def averages(self, totals: Array) -> dict[str, Array]:
        """Turn totals into the metrics."""
        cells = from_confusion(self.confusion(totals))
        return {name: metric(cells) for name, metric in self.counted.items()}

    def by_label(self, truth: NDArray, said: Floats, totals: Array) -> tuple[Array, dict[str, Array]]:
        """Return the support of each label, and its precision, recall and F1."""
        cells = from_confusion(self.confusion(totals))
        return support(cells), {"precision": precision(cells), "recall": recall(cells), "f1": f1(cells)}

    def label_f1(self, totals: Array) -> Array:
        """Return the F1 of each label, ``(..., K)``."""
        return f1(from_confusion(self.confusion(totals)))

    def ranking(self, truth: NDArray, said: Floats) -> dict[str, Array]:
        """Return nothing: one label at a time is not ranked."""
        return {}
