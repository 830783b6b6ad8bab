"""Label leakage: how well a single numeric column predicts a label.

The score is the balanced accuracy of a leave-one-out nearest-neighbor classifier on that column: each row is
predicted by the majority of the other rows with the same number, or else by the rows with the nearest number;
rows without a number count as equal. 0.5 is chance. Reasons and results: docs/decisions/audit.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAKAGE_THRESHOLD = 0.98  # score from which a column counts as leaking the label
_MIN_ROWS = 10  # with the label, and without it, below which no score is computed


def score_leakage(values: NDArray[np.float64], present: NDArray[np.bool_]) -> float:
    """Return the leakage score of a column, from 0 to 1; 0 if there are too few rows.

    Args:
        values: ``(N,)``, NaN where unknown.
        present: ``(N,)``, whether a row has the label.
    """
    n = np.count_nonzero(present)
    if min(n, len(present) - n) < _MIN_ROWS:
        return 0.0
    distinct, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    with_label = np.bincount(index, weights=present, minlength=len(distinct))
    others = counts[index] - 1
    equal_rows = (with_label[index] - present) / np.maximum(others, 1)
    share = np.where(others > 0, equal_rows, _nearest_value_share(distinct, with_label / counts)[index])
    correct = np.where(share == 0.5, 0.5, (share > 0.5) == present)
    return float((correct[present].mean() + correct[~present].mean()) / 2)


def _nearest_value_share(distinct: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the label at the nearest other number; the mean of two at the same distance."""
    known = len(distinct) - int(np.isnan(distinct[-1]))  # NaN sorts last
    gaps = np.full(known + 1, np.inf)
    gaps[1:-1] = np.diff(distinct[:known])
    below, above = np.roll(shares[:known], 1), np.roll(shares[:known], -1)
    nearest = np.full(len(distinct), 0.5)
    if known > 1:
        nearer = np.where(gaps[:-1] < gaps[1:], below, above)
        nearest[:known] = np.where(gaps[:-1] == gaps[1:], (below + above) / 2, nearer)
    return nearest
