"""Two models on the same utterances: paired by dialogue, corrected over the table of comparisons.

The test swaps the two models' answers in whole dialogues. The interval is the one that belongs to it: it reaches
as many standard errors from the difference as the swaps say that one must lie from 0 to be proven, and so leaves
out 0 exactly where the test proves one. For that the difference and its swaps are studentized by the
jackknife's standard error: swapping leaves the sum of squares of what dialogues contribute as it is, so a larger
difference is a larger t, and the test is the same before and after. Both are corrected by Holm's method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lcm, sqrt

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.intervals import chunk_sizes, compute_cluster_statistics, jackknife_metrics
from sentir.evaluation.jackknife import Interval, jackknife_standard_error
from sentir.evaluation.metrics import metrics_from_statistics, resolve_metric
from sentir.evaluation.results import ALPHA, MIN_CLUSTERS, Comparison, Run
from sentir.i18n import _

_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class UncorrectedComparison:
    """A comparison that is not corrected yet, and what its interval is made of.

    Attributes:
        comparison: with its own p-value and no interval.
        standard_error: the jackknife's standard error of the difference.
        permuted_differences: absolute differences under swaps, the largest first.
    """

    comparison: Comparison
    standard_error: float
    permuted_differences: NDArray[np.float64]

    def interval(self, holm_factor: int) -> Interval | None:
        """Return the interval that leaves out 0 where ``holm_factor`` the p-value is below .05.

        ``None`` with fewer than `FEWEST` dialogues, or where even the largest swap is no bound.
        """
        n, d = self.comparison.num_clusters, self.comparison.difference
        if n < MIN_CLUSTERS:
            return None
        tails = (1 + np.arange(len(self.permuted_differences))) / (
            1 + len(self.permuted_differences)
        ) * holm_factor < ALPHA
        bar = float(self.permuted_differences[max(int(tails.sum()) - 1, 0)])
        proven = self.comparison.p * holm_factor < ALPHA
        spread = self.standard_error**2 * (n - 1) / n + d**2 / n  # sum of squares of what dialogues contribute
        left = (spread - bar**2 / n) * n / (n - 1)  # the squared error of a difference of ``bar``
        if left <= 0 < bar and not proven:
            return None
        reach = self.standard_error * bar / sqrt(left) if bar and self.standard_error else 0.0
        reach = reach if proven else max(reach, abs(d))
        return d - reach, d + reach


def compare(
    space: LabelSpace,
    truth: NDArray,
    runs_a: Sequence[Run],
    runs_b: Sequence[Run],
    groups: Sequence[str],
    *,
    metric: str,
    names: tuple[str, str],
    corpus: str,
    task: str,
    split: str,
    permutations: int,
    seed: int = 0,
) -> UncorrectedComparison:
    """Compare model a with model b in one metric, each the mean over its runs (seeds); `holm` says the verdict.

    The p-value is that of a paired permutation test: a permutation swaps the two models' answers in each dialogue
    with probability 1/2, in all runs alike, and p = (1 + #{abs(d*) >= abs(d)}) / (1 + permutations).

    Answers are swapped between run i of a and run i of b. Where the numbers of runs differ, both lists are
    repeated in turn up to their least common multiple, so that every run counts the same and d stays the
    difference of the two means; for a metric that is a mean over utterances this is the sign-flip test of the
    seed-averaged difference per dialogue.

    Args:
        truth: what `LabelSpace.encode` makes, N rows.
        groups: N keys of dialogues.
        metric: one of `sentir.evaluation.metrics.counted`.
        names: of a and b.

    Raises:
        PredictionsError: if there are fewer than two dialogues or the shapes do not fit.
        UnknownNameError: if there is no such metric.
    """
    resolve_metric(space, metric)
    a = compute_cluster_statistics(space, truth, runs_a, groups)
    b = compute_cluster_statistics(space, truth, runs_b, groups)
    if a.shape[1] < 2:
        raise PredictionsError(
            _(
                "'{a}' and '{b}' cannot be compared on one dialogue; score at least two.",
                a=names[0],
                b=names[1],
            )
        )
    difference = _mean_over_runs(space, metric, a) - _mean_over_runs(space, metric, b)
    without = [jackknife_metrics(space, side)[metric] for side in (a, b)]
    swapped = np.sort(np.abs(_permuted_differences(space, metric, a, b, permutations, seed)))[::-1]
    p = (1 + int((swapped >= abs(difference) - _TOLERANCE).sum())) / (1 + permutations)
    found = Comparison(
        a=names[0],
        b=names[1],
        corpus=corpus,
        task=task,
        split=split,
        metric=metric,
        difference=difference,
        low=None,
        high=None,
        p=p,
        p_holm=p,
        n=len(truth),
        num_clusters=a.shape[1],
    )
    return UncorrectedComparison(found, float(jackknife_standard_error(without[0] - without[1])), swapped)


def apply_holm_correction(comparisons: Sequence[UncorrectedComparison]) -> tuple[Comparison, ...]:
    """Return the comparisons of one table, in their order, p-values and intervals corrected by Holm's method.

    The i-th smallest of m p-values (i from 0) becomes the largest of ``(m - j) * p_j`` over j up to i, at most 1
    (Holm, 1979). Its interval is that of the level ``.05 / (m - i)`` at which the method tests it; those that are
    not proven have the level at which it stops (Serlin, 1993). So it leaves out 0 exactly where the corrected
    p-value is below .05.
    """
    m = len(comparisons)
    p = np.array([one.comparison.p for one in comparisons])
    order = np.argsort(p, kind="stable")
    corrected = np.minimum(np.maximum.accumulate(p[order] * (m - np.arange(m))), 1)
    proven = int((corrected < ALPHA).sum())
    found: dict[int, Comparison] = {}
    for place, (row, own) in enumerate(zip(order.tolist(), corrected.tolist(), strict=True)):
        low, high = comparisons[row].interval(m - min(place, proven)) or (None, None)
        found[row] = replace(comparisons[row].comparison, low=low, high=high, p_holm=own, among=m)
    return tuple(found[row] for row in range(m))


def _mean_over_runs(space: LabelSpace, metric: str, clusters: NDArray[np.float64]) -> float:
    return float(metrics_from_statistics(space, clusters.sum(axis=1))[metric].mean())


def _permuted_differences(
    space: LabelSpace, metric: str, a: NDArray[np.float64], b: NDArray[np.float64], permutations: int, seed: int
) -> NDArray[np.float64]:
    """Return the ``(permutations,)`` differences under random swaps of whole dialogues."""
    pairs = np.arange(lcm(len(a), len(b)))
    a, b = a[pairs % len(a)], b[pairs % len(b)]
    total_a, total_b, change = a.sum(axis=1)[:, None], b.sum(axis=1)[:, None], b - a
    rng = np.random.default_rng([seed, 1])
    parts = []
    for size in chunk_sizes(permutations, change):
        moved = rng.integers(0, 2, size=(size, change.shape[1])).astype(np.float64) @ change
        swapped_a = metrics_from_statistics(space, total_a + moved)[metric]
        swapped_b = metrics_from_statistics(space, total_b - moved)[metric]
        parts.append((swapped_a - swapped_b).mean(axis=0))
    return np.concatenate(parts)
