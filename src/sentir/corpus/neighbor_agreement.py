"""Agreement of neighboring rows, by which conversations are recognized in a table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

_MIN_PAIRS = 100  # of neighbors below which nothing is concluded
_N_PERMUTATIONS = 200
_MIN_EXCESS = 0.1  # chance-corrected agreement from which rows count as runs
_MAX_RUNS_IF_SORTED = 3  # per value; rows with fewer changes of value count as sorted


class NeighborAgreement(NamedTuple):
    """Share of neighboring rows with equal values, and the same share in random order."""

    observed: float
    expected: float


def measure_neighbor_agreement(values: Sequence[Hashable | None]) -> NeighborAgreement | None:
    """Return the agreement of neighboring rows if it exceeds chance by a permutation test; else ``None``.

    Rows sorted by value give ``None``, too.

    Args:
        values: one for each row, in order; pairs with ``None`` are left out.
    """
    codes = {value: n for n, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
    rows = np.array([-1 if value is None else codes[value] for value in values])
    known = (rows[1:] >= 0) & (rows[:-1] >= 0)
    if known.sum() < _MIN_PAIRS or len(codes) < 2:
        return None
    same = rows[1:] == rows[:-1]
    observed = float(same[known].mean())
    if (~same[known]).sum() < _MAX_RUNS_IF_SORTED * len(codes):
        return None
    rng, labeled = np.random.default_rng(0), rows[rows >= 0]
    permuted = [float((np.diff(rng.permutation(labeled)) == 0).mean()) for _ in range(_N_PERMUTATIONS)]
    expected = float(np.mean(permuted))
    is_significant = observed > max(permuted) and observed - expected > _MIN_EXCESS * (1 - expected)
    return NeighborAgreement(observed, expected) if is_significant else None
