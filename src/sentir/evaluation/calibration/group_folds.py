"""Folds of dev that keep dialogues or speakers whole, for what is fitted on dev and judged there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NUM_FOLDS = 5

Integers = NDArray[np.integer]


def assign_group_folds(groups: Sequence[str]) -> tuple[Integers, Integers]:
    """Assign N rows to at most `NUM_FOLDS` folds of whole groups; a single group is divided by rows.

    Returns:
        ``(N,)`` numbers of the groups, and of the folds.
    """
    index = np.unique(np.asarray(groups), return_inverse=True)[1]
    index = index if index.any() else np.arange(len(groups))
    count = int(index.max(initial=0)) + 1
    return index, (np.random.default_rng(0).permutation(count) % min(NUM_FOLDS, count))[index]
