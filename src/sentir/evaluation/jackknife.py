"""Jackknife intervals over clusters: dialogues (or speakers) are independent, utterances within them are not.

The standard error is that of the cluster jackknife, the quantile is Student's with one degree of freedom less
than there are clusters (Tukey, 1958; over clusters: Bell and McCaffrey, Survey Methodology 2002; MacKinnon,
Nielsen and Webb, Journal of Applied Econometrics 2023). The interval of a proportion is computed on the logit
scale, which keeps it between 0 and 1. ``benchmarks/interval_coverage.py`` measures the coverage of these
intervals.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sentir.evaluation.results import CONFIDENCE_LEVEL, MIN_CLUSTERS

_CHUNK_SIZE = 4_000_000  # weights of utterances in one chunk: 32 MB
_MAX_GROUPS = 300  # groups that are left out in turn, where each one needs a weight per utterance

Array = NDArray[np.float64]
Interval = tuple[float, float] | tuple[None, None]


def jackknife_standard_error(replicates: Array) -> Array:
    """Return the standard error of a metric from its leave-one-out values over C clusters, ``(C, ...)``."""
    n = len(replicates)
    return np.sqrt((n - 1) / n * ((replicates - replicates.mean(axis=0)) ** 2).sum(axis=0))


def jackknife_interval(
    value: float, replicates: Array, *, is_proportion: bool, confidence_level: float = CONFIDENCE_LEVEL
) -> Interval:
    """Return the interval of a metric, or twice ``None``.

    There is none with fewer than `MIN_CLUSTERS` clusters, with an undefined leave-one-out value, and for a
    proportion of exactly 0 or 1.

    Args:
        value: of all clusters.
        replicates: ``(C,)``, the value with each cluster left out.
        is_proportion: whether the metric lies between 0 and 1.
        confidence_level: mass of the interval.
    """
    from scipy.special import expit, logit, stdtrit

    if len(replicates) < MIN_CLUSTERS or np.isnan(replicates).any() or (is_proportion and not 0 < value < 1):
        return None, None
    margin = float(
        stdtrit(len(replicates) - 1, (1 + confidence_level) / 2) * jackknife_standard_error(replicates)
    )
    if not is_proportion:
        return value - margin, value + margin
    center, margin = float(logit(value)), margin / (value * (1 - value))
    return float(expit(center - margin)), float(expit(center + margin))


def leave_one_out_sums(sums: Array) -> Array:
    """Return the sums with each cluster left out, ``(runs, C, S)``; ``(runs, 0, S)`` for a single cluster."""
    return sums.sum(axis=1, keepdims=True) - sums if sums.shape[1] > 1 else sums[:, :0]


def leave_one_out_weights(index: NDArray[np.integer]) -> Iterator[Array]:
    """Yield weights of N utterances that leave out one cluster after another: chunks ``(R, N)`` of 0 and 1.

    More than 300 clusters are randomly merged into 300 groups (the delete-a-group jackknife; Kott, Journal of
    Official Statistics 2001).

    Args:
        index: ``(N,)``, the cluster of each utterance, from 0 on.
    """
    count = int(index.max()) + 1
    if count > _MAX_GROUPS:
        index = (np.random.default_rng(0).permutation(count) % _MAX_GROUPS)[index]
        count = _MAX_GROUPS
    step = max(1, _CHUNK_SIZE // len(index))
    for start in range(0, count, step) if count > 1 else ():
        yield (index != np.arange(start, min(start + step, count))[:, None]).astype(np.float64)
