"""Whether neighboring rows resemble one another, as those of a conversation do."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

_MIN_PAIRS = 100  # neighbors below which nothing can be concluded
_N_PERMUTATIONS = 200
_MIN_EXCESS = 0.1  # of the way from chance to always, from which on rows come in runs
_MAX_RUNS_IF_SORTED = 3  # runs for each value, up to which rows are sorted by it


class NeighborAgreement(NamedTuple):
    """How often neighboring rows have the same value, and how often they would in a random order."""

    observed: float
    expected: float


def measure_neighbor_agreement(values: Sequence[Hashable | None]) -> NeighborAgreement | None:
    """Return how alike neighboring rows are, if that is more than chance makes of their order; else ``None``.

    Rows that are sorted by their value are no conversation. A row of ``None`` is no one's neighbor.

    Args:
        values: one for each row, in order.
    """
    codes = {value: n for n, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
    rows = np.array([-1 if value is None else codes[value] for value in values])
    known = (rows[1:] >= 0) & (rows[:-1] >= 0)
    if known.sum() < _MIN_PAIRS or len(codes) < 2:
        return None
    same = rows[1:] == rows[:-1]
    share = float(same[known].mean())
    if (~same[known]).sum() < _MAX_RUNS_IF_SORTED * len(codes):
        return None
    rng, labeled = np.random.default_rng(0), rows[rows >= 0]
    drawn = [float((np.diff(rng.permutation(labeled)) == 0).mean()) for _ in range(_N_PERMUTATIONS)]
    chance = float(np.mean(drawn))
    alike = share > max(drawn) and share - chance > _MIN_EXCESS * (1 - chance)
    return NeighborAgreement(share, chance) if alike else None
