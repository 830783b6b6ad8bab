"""Two models on the same utterances: paired by dialogue, corrected over the table of comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import lcm

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.intervals import Run, by_dialogue, chunk_sizes, resampled
from sentir.evaluation.metrics import from_statistics, metric_name
from sentir.evaluation.results import Comparison
from sentir.i18n import _

_ROUNDING = 1e-12


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
    resamples: int,
    permutations: int,
    confidence: float,
    seed: int = 0,
) -> Comparison:
    """Compare model a with model b in one metric, each the mean over its runs (seeds).

    The interval is the percentile interval of the difference over resamples of dialogues that both models
    share. The p-value is that of a paired permutation test: a permutation swaps the two models' answers in
    each dialogue with probability 1/2, in all runs alike, and p = (1 + #{abs(d*) >= abs(d)}) /
    (1 + permutations).

    Answers are swapped between run i of a and run i of b. Where the numbers of runs differ, both lists are
    repeated in turn up to their least common multiple, so that every run counts the same and d stays the
    difference of the two means; for a metric that is a mean over utterances this is the sign-flip test of the
    seed-averaged difference per dialogue.

    Args:
        truth: what `LabelSpace.encode` makes, N rows.
        groups: N keys of dialogues.
        metric: one of `sentir.evaluation.metrics.counted`.
        names: of a and b.

    Returns:
        The comparison, with ``p_holm`` equal to ``p`` until `holm` corrects it.

    Raises:
        PredictionsError: if there are fewer than two dialogues or the shapes do not fit.
        UnknownNameError: if there is no such metric.
    """
    metric_name(space, metric)
    a = by_dialogue(space, truth, runs_a, groups)
    b = by_dialogue(space, truth, runs_b, groups)
    if a.shape[1] < 2:
        raise PredictionsError(
            _(
                "'{a}' and '{b}' cannot be compared on one dialogue; score at least two.",
                a=names[0],
                b=names[1],
            )
        )
    difference = _mean(space, metric, a) - _mean(space, metric, b)
    draws = [resampled(space, side, resamples=resamples, seed=seed)[metric] for side in (a, b)]
    low, high = np.quantile(draws[0] - draws[1], [(1 - confidence) / 2, (1 + confidence) / 2])
    permuted = _permuted(space, metric, a, b, permutations, seed)
    p = (1 + int((np.abs(permuted) >= abs(difference) - _ROUNDING).sum())) / (1 + permutations)
    return Comparison(
        a=names[0],
        b=names[1],
        corpus=corpus,
        task=task,
        split=split,
        metric=metric,
        difference=difference,
        low=float(low),
        high=float(high),
        p=p,
        p_holm=p,
        n=len(truth),
        dialogues=a.shape[1],
    )


def holm(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return the comparisons of one table, in their order, with p-values corrected by Holm's step-down method.

    The i-th smallest of m p-values (i from 0) becomes the largest of ``(m - j) * p_j`` over j up to i, at
    most 1 (Holm, 1979).
    """
    p = np.array([comparison.p for comparison in comparisons])
    order = np.argsort(p, kind="stable")
    steps = p[order] * (len(p) - np.arange(len(p)))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return tuple(replace(c, p_holm=float(q)) for c, q in zip(comparisons, corrected, strict=True))


def _mean(space: LabelSpace, metric: str, clusters: NDArray[np.float64]) -> float:
    return float(from_statistics(space, clusters.sum(axis=1))[metric].mean())


def _permuted(
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
        swapped_a = from_statistics(space, total_a + moved)[metric]
        swapped_b = from_statistics(space, total_b - moved)[metric]
        parts.append((swapped_a - swapped_b).mean(axis=0))
    return np.concatenate(parts)
