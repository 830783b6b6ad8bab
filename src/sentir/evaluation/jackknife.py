"""Intervals by leaving out one dialogue (or speaker) at a time: these are independent, utterances of one are not.

The standard error is the jackknife's over whole clusters, the quantile is Student's with one degree of freedom
fewer than clusters (Tukey, 1958; over clusters: Bell and McCaffrey, Survey Methodology 2002; MacKinnon, Nielsen
and Webb, Journal of Applied Econometrics 2023). A share has its interval on the scale of its logit, which keeps
it between 0 and 1. ``benchmarks/interval_coverage.py`` measures how often such intervals hold the truth.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sentir.evaluation.results import FEWEST

_CHUNK = 4_000_000  # weights of utterances in one chunk: 32 MB
_MOST_PARTS = 300  # parts that are left out in turn, where each must be weighed utterance by utterance

Array = NDArray[np.float64]
Bounds = tuple[float, float] | tuple[None, None]


def standard_error(without: Array) -> Array:
    """Return the standard error of a metric, from its values ``(C, ...)`` without each of C clusters."""
    n = len(without)
    return np.sqrt((n - 1) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0))


def interval(value: float, without: Array, *, share: bool, confidence: float) -> Bounds:
    """Return the interval of a metric, twice ``None`` where nothing can be said.

    That is so with fewer than `FEWEST` clusters, where a value is not known without one of them, and for a share
    of 0 or 1, of which leaving out tells nothing.

    Args:
        value: of all clusters.
        without: ``(C,)``, the value without each of them.
        share: whether it lies between 0 and 1.
        confidence: mass of the interval.
    """
    from scipy.special import expit, logit, stdtrit

    if len(without) < FEWEST or np.isnan(without).any() or (share and not 0 < value < 1):
        return None, None
    reach = float(stdtrit(len(without) - 1, (1 + confidence) / 2) * standard_error(without))
    if not share:
        return value - reach, value + reach
    middle, reach = float(logit(value)), reach / (value * (1 - value))
    return float(expit(middle - reach)), float(expit(middle + reach))


def leave_out(sums: Array) -> Array:
    """Return the sums without each cluster, ``(runs, C, S)``, of sums over clusters; of a single one nothing."""
    return sums.sum(axis=1, keepdims=True) - sums if sums.shape[1] > 1 else sums[:, :0]


def weights_without(index: NDArray[np.integer]) -> Iterator[Array]:
    """Weigh N utterances so that one cluster after another is left out: chunks ``(R, N)`` of 0 and 1.

    More than 300 clusters are put together at random into 300 parts, which are left out whole (the delete-a-group
    jackknife; Kott, Journal of Official Statistics 2001).

    Args:
        index: the cluster of each utterance, from 0 on.
    """
    count = int(index.max()) + 1
    if count > _MOST_PARTS:
        index = (np.random.default_rng(0).permutation(count) % _MOST_PARTS)[index]
        count = _MOST_PARTS
    step = max(1, _CHUNK // len(index))
    for start in range(0, count, step) if count > 1 else ():
        yield (index != np.arange(start, min(start + step, count))[:, None]).astype(np.float64)
