"""Comparisons of two models on the same utterances: paired by dialogue, corrected for multiple comparisons.

The paired permutation test swaps the two models' predictions in whole dialogues. The interval inverts the test,
so that it excludes 0 exactly where the difference is significant: its half width in standard errors is the
critical value of the studentized permutation distribution. Difference and permuted differences are studentized by
the jackknife standard error. Swaps leave the sum of squares of the dialogues' contributions unchanged, so a
larger difference is a larger t, and studentizing does not change the test. Both are corrected by Holm's method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lcm, sqrt

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.intervals import chunk_sizes, compute_cluster_statistics, jackknife_metrics
from sentir.evaluation.jackknife import Interval, jackknife_standard_error
from sentir.evaluation.metrics import metrics_from_statistics, resolve_metric
from sentir.evaluation.results import ALPHA, MIN_CLUSTERS, Comparison
from sentir.i18n import _

_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class UncorrectedComparison:
    """A comparison before Holm's correction, with what its interval is computed from.

    Attributes:
        comparison: with its uncorrected p-value and no interval.
        standard_error: jackknife standard error of the difference.
        permuted_differences: absolute differences under random swaps, in descending order.
    """

    comparison: Comparison
    standard_error: float
    permuted_differences: NDArray[np.float64]

    def interval(self, holm_factor: int) -> Interval | None:
        """Return the interval that excludes 0 exactly where ``holm_factor`` times the p-value is below .05.

        ``None`` with fewer than `MIN_CLUSTERS` dialogues, or if even the largest permuted difference gives no
        bound.
        """
        n, d = self.comparison.num_clusters, self.comparison.difference
        if n < MIN_CLUSTERS:
            return None
        count = len(self.permuted_differences)
        tails = (1 + np.arange(count)) / (1 + count) * holm_factor < ALPHA
        critical = float(self.permuted_differences[max(int(tails.sum()) - 1, 0)])
        is_significant = self.comparison.p * holm_factor < ALPHA
        squares = self.standard_error**2 * (n - 1) / n + d**2 / n  # of the dialogues' contributions, summed
        variance = (squares - critical**2 / n) * n / (n - 1)  # of a difference of ``critical``
        if variance <= 0 < critical and not is_significant:
            return None
        margin = self.standard_error * critical / sqrt(variance) if critical and self.standard_error else 0.0
        margin = margin if is_significant else max(margin, abs(d))
        return d - margin, d + margin


def compare(
    aligned_a: AlignedRuns,
    aligned_b: AlignedRuns,
    *,
    metric: str,
    names: tuple[str, str],
    corpus: str,
    split: str,
    permutations: int,
    seed: int = 0,
) -> UncorrectedComparison:
    """Compare models a and b in one metric, each averaged over its runs (seeds); see `apply_holm_correction`.

    The p-value is that of a paired permutation test: a permutation swaps the two models' predictions in each
    dialogue with probability 1/2, in all runs alike, and p = (1 + #{abs(d*) >= abs(d)}) / (1 + permutations).

    Predictions are swapped between run i of a and run i of b. If the numbers of runs differ, both lists are
    repeated up to their least common multiple, so that all runs have equal weight and d stays the difference of
    the two means; for a metric that is a mean over utterances this is the sign-flip test of the seed-averaged
    difference per dialogue.

    Args:
        aligned_a, aligned_b: their predictions of the same utterances.
        metric: one of `sentir.evaluation.metrics.count_metrics`.
        names: of a and b.
        corpus, split: as in `Comparison`.
        permutations: number of random permutations.
        seed: of the permutations.

    Raises:
        PredictionsError: if there are fewer than two dialogues or the shapes do not fit.
        UnknownNameError: if there is no such metric.
    """
    space = aligned_a.space
    resolve_metric(space, metric)
    a, b = compute_cluster_statistics(aligned_a), compute_cluster_statistics(aligned_b)
    if a.shape[1] < 2:
        raise PredictionsError(
            _("'{a}' and '{b}' cannot be compared on one dialogue; score at least two.", a=names[0], b=names[1])
        )
    difference = _mean_over_runs(space, metric, a) - _mean_over_runs(space, metric, b)
    replicates = [jackknife_metrics(space, side)[metric] for side in (a, b)]
    permuted = np.sort(np.abs(_permuted_differences(space, metric, a, b, permutations, seed)))[::-1]
    p = (1 + int((permuted >= abs(difference) - _TOLERANCE).sum())) / (1 + permutations)
    comparison = Comparison(
        *names, corpus=corpus, task=space.task, split=split, metric=metric, difference=difference, low=None,
        high=None, p=p, p_holm=p, n=len(aligned_a), num_clusters=a.shape[1],
    )  # fmt: skip
    standard_error = float(jackknife_standard_error(replicates[0] - replicates[1]))
    return UncorrectedComparison(comparison, standard_error, permuted)


def apply_holm_correction(comparisons: Sequence[UncorrectedComparison]) -> tuple[Comparison, ...]:
    """Return the comparisons of one table, in order, with p-values and intervals corrected by Holm's method.

    The i-th smallest of m p-values (i from 0) becomes the largest of ``(m - j) * p_j`` over j up to i, at most 1
    (Holm, 1979). Its interval has the level ``.05 / (m - i)`` at which the method tests it; comparisons that are
    not significant have the level at which the method stops (Serlin, 1993). So an interval excludes 0 exactly
    where the corrected p-value is below .05.
    """
    m = len(comparisons)
    p = np.array([one.comparison.p for one in comparisons])
    order = np.argsort(p, kind="stable")
    corrected = np.minimum(np.maximum.accumulate(p[order] * (m - np.arange(m))), 1)
    n_significant = int((corrected < ALPHA).sum())
    result: dict[int, Comparison] = {}
    for rank, (row, p_holm) in enumerate(zip(order.tolist(), corrected.tolist(), strict=True)):
        low, high = comparisons[row].interval(m - min(rank, n_significant)) or (None, None)
        result[row] = replace(comparisons[row].comparison, low=low, high=high, p_holm=p_holm, num_comparisons=m)
    return tuple(result[row] for row in range(m))


def _mean_over_runs(space: LabelSpace, metric: str, clusters: NDArray[np.float64]) -> float:
    return float(metrics_from_statistics(space, clusters.sum(axis=1))[metric].mean())


def _permuted_differences(
    space: LabelSpace, metric: str, a: NDArray[np.float64], b: NDArray[np.float64], permutations: int, seed: int
) -> NDArray[np.float64]:
    """Return the ``(permutations,)`` differences under random swaps of the predictions for whole dialogues."""
    pairs = np.arange(lcm(len(a), len(b)))
    a, b = a[pairs % len(a)], b[pairs % len(b)]
    total_a, total_b, swap = a.sum(axis=1)[:, None], b.sum(axis=1)[:, None], b - a
    rng = np.random.default_rng([seed, 1])
    chunks = []
    for size in chunk_sizes(permutations, swap):
        swapped = rng.integers(0, 2, size=(size, swap.shape[1])).astype(np.float64) @ swap
        swapped_a = metrics_from_statistics(space, total_a + swapped)[metric]
        swapped_b = metrics_from_statistics(space, total_b - swapped)[metric]
        chunks.append((swapped_a - swapped_b).mean(axis=0))
    return np.concatenate(chunks)
