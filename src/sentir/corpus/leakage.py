"""How well a column of numbers tells a label: whether it may be the annotation in disguise.

A column tells a label when a row's nearest neighbors in that one column say whether the row has the label. Each
row is judged by the others: by the majority of those with the same number, else by those with the nearest
number. The score is the mean of two recalls, of rows with and without the label, so that a frequent label is no
easier than a rare one: .5 is chance. Rows without a number are alike. Why so, and what it does on real columns,
stands in docs/decisions/audit.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAKAGE_THRESHOLD = 0.98  # from here on a column tells the label
_MIN_ROWS = 10  # rows with a label, and as many without it, below which nothing can be concluded


def score_leakage(values: NDArray[np.float64], present: NDArray[np.bool_]) -> float:
    """Return how well a column tells a label, as the module describes it; 0 where there are too few rows.

    Args:
        values: ``(N,)``, NaN where unknown.
        present: ``(N,)``, which rows have the label.
    """
    n = np.count_nonzero(present)
    if min(n, len(present) - n) < _MIN_ROWS:
        return 0.0
    distinct, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    with_label = np.bincount(place, weights=present, minlength=len(distinct))
    others = counts[place] - 1
    twins = (with_label[place] - present) / np.maximum(others, 1)
    share = np.where(others > 0, twins, _nearest_value_share(distinct, with_label / counts)[place])
    right = np.where(share == 0.5, 0.5, (share > 0.5) == present)
    return float((right[present].mean() + right[~present].mean()) / 2)


def _nearest_value_share(distinct: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the label at the nearest other number, the mean of two that are as near."""
    known = len(distinct) - int(np.isnan(distinct[-1]))  # NaN sorts last
    gaps = np.full(known + 1, np.inf)
    gaps[1:-1] = np.diff(distinct[:known])
    below, above = np.roll(shares[:known], 1), np.roll(shares[:known], -1)
    found = np.full(len(distinct), 0.5)
    if known > 1:
        nearer = np.where(gaps[:-1] < gaps[1:], below, above)
        found[:known] = np.where(gaps[:-1] == gaps[1:], (below + above) / 2, nearer)
    return found
