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

from sentir.evaluation.results import MIN_CLUSTERS

_CHUNK_SIZE = 4_000_000  # weights of utterances in one chunk: 32 MB
_MAX_GROUPS = 300  # parts that are left out in turn, where each must be weighed utterance by utterance

Array = NDArray[np.float64]
Interval = tuple[float, float] | tuple[None, None]


def jackknife_standard_error(replicates: Array) -> Array:
    """Return the standard error of a metric, from its values ``(C, ...)`` without each of C clusters."""
    n = len(replicates)
    return np.sqrt((n - 1) / n * ((replicates - replicates.mean(axis=0)) ** 2).sum(axis=0))


def jackknife_interval(
    value: float, replicates: Array, *, is_proportion: bool, confidence_level: float
) -> Interval:
    """Return the interval of a metric, twice ``None`` where nothing can be said.

    That is so with fewer than `FEWEST` clusters, where a value is not known without one of them, and for a share
    of 0 or 1, of which leaving out tells nothing.

    Args:
        value: of all clusters.
        replicates: ``(C,)``, the value without each of them.
        is_proportion: whether it lies between 0 and 1.
        confidence_level: mass of the interval.
    """
    from scipy.special import expit, logit, stdtrit

    if len(replicates) < MIN_CLUSTERS or np.isnan(replicates).any() or (is_proportion and not 0 < value < 1):
        return None, None
    reach = float(stdtrit(len(replicates) - 1, (1 + confidence_level) / 2) * jackknife_standard_error(replicates))
    if not is_proportion:
        return value - reach, value + reach
    middle, reach = float(logit(value)), reach / (value * (1 - value))
    return float(expit(middle - reach)), float(expit(middle + reach))


def leave_one_out_sums(sums: Array) -> Array:
    """Return the sums without each cluster, ``(runs, C, S)``, of sums over clusters; of a single one nothing."""
    return sums.sum(axis=1, keepdims=True) - sums if sums.shape[1] > 1 else sums[:, :0]


def leave_one_out_weights(index: NDArray[np.integer]) -> Iterator[Array]:
    """Weigh N utterances so that one cluster after another is left out: chunks ``(R, N)`` of 0 and 1.

    More than 300 clusters are put together at random into 300 parts, which are left out whole (the delete-a-group
    jackknife; Kott, Journal of Official Statistics 2001).

    Args:
        index: the cluster of each utterance, from 0 on.
    """
    count = int(index.max()) + 1
    if count > _MAX_GROUPS:
        index = (np.random.default_rng(0).permutation(count) % _MAX_GROUPS)[index]
        count = _MAX_GROUPS
    step = max(1, _CHUNK_SIZE // len(index))
    for start in range(0, count, step) if count > 1 else ():
        yield (index != np.arange(start, min(start + step, count))[:, None]).astype(np.float64)
