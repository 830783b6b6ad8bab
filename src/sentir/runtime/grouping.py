"""Groups of rows that share a run of a graph: those of one length, so that nothing is padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def group_equal(keys: Sequence[NDArray[Any]], num_rows: int) -> list[Rows]:
    """Group N rows by equal keys, in ascending order of the keys.

    Args:
        keys: ``(N,)`` integers each; with none, all rows are one group.
        num_rows: N.

    Returns:
        The rows of each group, ascending.
    """
    if not keys or num_rows == 1:
        return [np.arange(num_rows)] if num_rows else []
    table = np.stack(keys, axis=1)
    _values, group = np.unique(table, axis=0, return_inverse=True)
    return _split_sorted(np.argsort(group.ravel(), kind="stable"), group.ravel())


def group_sequences(groups: NDArray[Any], order: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Group N rows into sequences, and these by length.

    Args:
        groups: ``(N,)`` integers, equal within a sequence.
        order: ``(N,)`` integers that order the rows of a sequence.

    Returns:
        For each length T an index ``(G, T)`` of the rows of G sequences.
    """
    rows = np.lexsort((order, groups))
    sequences = _split_sorted(rows, groups)
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    return [np.stack([sequences[n] for n in np.flatnonzero(lengths == length)]) for length in np.unique(lengths)]


def _split_sorted(rows: Rows, groups: NDArray[Any]) -> list[Rows]:
    """Split rows that are sorted by group where the group changes."""
    if not len(rows):
        return []
    return np.split(rows, np.flatnonzero(np.diff(groups[rows])) + 1)
