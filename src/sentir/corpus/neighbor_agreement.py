"""Whether neighboring rows resemble one another, as those of a conversation do."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

_FEWEST = 100  # neighbors below which nothing can be concluded
_SHUFFLES = 200
_LEAST = 0.1  # of the way from chance to always, from which on rows come in runs
_SORTED = 3  # runs for each value, up to which rows are sorted by it


class Likeness(NamedTuple):
    """How often neighboring rows have the same value, and how often they would in a random order."""

    share: float
    chance: float


def runs_of(values: Sequence[Hashable | None]) -> Likeness | None:
    """Return how alike neighboring rows are, if that is more than chance makes of their order; else ``None``.

    Rows that are sorted by their value are no conversation. A row of ``None`` is no one's neighbor.

    Args:
        values: one for each row, in order.
    """
    codes = {value: n for n, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
    rows = np.array([-1 if value is None else codes[value] for value in values])
    known = (rows[1:] >= 0) & (rows[:-1] >= 0)
    if known.sum() < _FEWEST or len(codes) < 2:
        return None
    same = rows[1:] == rows[:-1]
    share = float(same[known].mean())
    if (~same[known]).sum() < _SORTED * len(codes):
        return None
    rng, labeled = np.random.default_rng(0), rows[rows >= 0]
    drawn = [float((np.diff(rng.permutation(labeled)) == 0).mean()) for _ in range(_SHUFFLES)]
    chance = float(np.mean(drawn))
    alike = share > max(drawn) and share - chance > _LEAST * (1 - chance)
    return Likeness(share, chance) if alike else None
