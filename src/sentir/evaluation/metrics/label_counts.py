"""What single-label and multi-label metrics share: counts of right and wrong answers for each label.

Cells are ``(..., K, 4)``: for each label its true positives, false positives, false negatives, true negatives.
Nothing to divide by makes 0, as scikit-learn's ``zero_division=0``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.floating]


def precision(cells: Array) -> Array:
    """Share of the utterances answered with a label that carry it, tp / (tp + fp)."""
    tp, fp, _fn, _tn = np.moveaxis(cells, -1, 0)
    return ratio(tp, tp + fp)


def recall(cells: Array) -> Array:
    """Share of the utterances with a label that are answered with it, tp / (tp + fn)."""
    tp, _fp, fn, _tn = np.moveaxis(cells, -1, 0)
    return ratio(tp, tp + fn)


def f1(cells: Array) -> Array:
    """Harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn); 0 also for a label absent everywhere."""
    tp, fp, fn, _tn = np.moveaxis(cells, -1, 0)
    return ratio(2 * tp, 2 * tp + fp + fn)


def support(cells: Array) -> Array:
    """How many utterances carry a label."""
    return cells[..., 0] + cells[..., 2]


def from_confusion(matrix: Array) -> Array:
    """Turn ``(..., K, K)`` counts, truth by row, into cells."""
    tp = np.diagonal(matrix, axis1=-2, axis2=-1)
    fp, fn = matrix.sum(axis=-2) - tp, matrix.sum(axis=-1) - tp
    tn = matrix.sum(axis=(-2, -1))[..., None] - tp - fp - fn
    return np.stack([tp, fp, fn, tn], axis=-1)


def weighted(values: Array, cells: Array) -> Array:
    """Mean of a value over labels, weighted by their support; 0 without any utterance."""
    return ratio((support(cells) * values).sum(axis=-1), support(cells).sum(axis=-1))


def mean_of_present(values: Array, cells: Array) -> Array:
    """Mean of a value over the labels that some utterance carries; 0 without any."""
    present = support(cells) > 0
    return ratio((values * present).sum(axis=-1), present.sum(axis=-1).astype(np.float64))


def ratio(part: Array, whole: Array) -> Array:
    """Divide; 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros_like(whole, dtype=np.float64), where=whole > 0)
