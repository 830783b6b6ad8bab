"""Smoothing, off by default: probabilities of a turn averaged with those of its speaker's turns next to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sentir.i18n import _
from sentir.timelines.document import Turn

Decode = Callable[[Turn, NDArray[np.float64]], Turn]


def smooth_turns(turns: Sequence[Turn], width: int, decode: Decode) -> list[Turn]:
    """Return turns with the mean of up to ``width`` turns of the same speaker on each side, weighted by duration.

    Turns without a prediction are neither changed nor used. Unknown speakers count as one.

    Args:
        turns: in order.
        width: turns on each side.
        decode: makes the prediction of a turn from a row of probabilities.
    """
    smoothed = list(turns)
    rows = defaultdict[str | None, list[int]](list)
    for n, turn in enumerate(turns):
        if turn.probabilities or turn.values:
            rows[turn.speaker].append(n)
    for members in rows.values():
        table = np.array([[*turns[n].probabilities.values(), *turns[n].values.values()] for n in members])
        weights = np.array([turns[n].seconds or 1.0 for n in members])
        for k, n in enumerate(members):
            near = slice(max(0, k - width), k + width + 1)
            mean = np.average(table[near], axis=0, weights=weights[near])
            note = _("Smoothed over {n} turns.", n=len(weights[near]))
            smoothed[n] = decode(replace(turns[n], notes=(*turns[n].notes, note)), mean)
    return smoothed
