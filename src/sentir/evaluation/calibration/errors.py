"""Calibration error, Brier score and risk-coverage of N utterances, each with its interval over dialogues.

A run is one trained model (one seed). What it states and what is found are ``(N, M)``: of its answer where one
label is chosen (M = 1), of every label where several may hold (M = K).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sentir.evaluation.intervals import chunk_sizes
from sentir.evaluation.jackknife import interval, leave_out, weights_without
from sentir.evaluation.metrics.label_counts import ratio
from sentir.evaluation.results import FEWEST, Score

BINS, LEAST = 10, 20  # bins of equal mass at most, and utterances in each at least
_SIMULATIONS = 300
_SURPRISING = 0.95  # the quantile of chance above which a calibration error is none of chance

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
Metric = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Draws:
    """What intervals are over: the dialogue of N utterances each, mass, and resamples of calibration errors."""

    index: Index
    resamples: int
    confidence: float
    seed: int = 0

    @property
    def groups(self) -> int:
        """How many dialogues there are."""
        return int(self.index.max()) + 1

    def sums(self, rows: Sequence[Array]) -> Array:
        """Sum the runs' rows ``(N, S)`` over dialogues, ``(runs, C, S)``."""
        found = np.zeros((len(rows), self.groups, rows[0].shape[1]))
        for run, values in zip(found, rows, strict=True):
            np.add.at(run, self.index, values)
        return found

    def score(self, sums: Array, metric: Metric, *, share: bool) -> Score:
        """Score the runs' sums over dialogues ``(runs, C, S)`` by a metric of sums, which is a share or not."""
        return self.interval(metric(sums.sum(axis=1)), metric(leave_out(sums)).mean(axis=0), share=share)

    def resampled(self, sums: Array, metric: Metric) -> Array:
        """Return the metric, a mean over runs, of resamples of dialogues with replacement."""
        n, rng = self.groups, np.random.default_rng(self.seed)
        weights = (
            rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)
            for size in chunk_sizes(self.resamples, sums)
        )
        return np.concatenate([metric(drawn @ sums).mean(axis=0) for drawn in weights])

    def interval(self, values: Array, without: Array, *, share: bool) -> Score:
        """Return the mean over runs with its interval, from the means without each dialogue."""
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
        mean = float(values.mean())
        low, high = interval(mean, without, share=share, confidence=self.confidence)
        return Score(mean, low, high, sd)


def bins_of(stated: Array) -> Index:
    """Return the bin of each of N probabilities: bins of equal mass, equal probabilities in one of them."""
    count = int(np.clip(len(stated) // LEAST, 1, BINS))
    edges = np.unique(np.quantile(stated, np.arange(1, count) / count)) if count > 1 else np.empty(0)
    return np.searchsorted(edges, stated, side="right")


def calibration_error(claims: Sequence[tuple[Array, Array]], draws: Draws) -> tuple[Score, float]:
    """Return the expected calibration error, a mean over the M columns, and what it would be by chance.

    In few utterances even true probabilities show an error, and a resample adds as much again. So the percentile
    interval lies too high. This one ends there, begins as far below the error as the former lies above it, and
    begins at 0 unless the error is above what 95 % of simulations show in which everything happens as stated.

    Args:
        claims: what each run states and what is found, ``(N, M)`` both.
        draws: of dialogues.

    Returns:
        The error, and the mean of the simulations.
    """
    m = claims[0][0].shape[1]
    sums = draws.sums([_gaps(*claim) for claim in claims])
    found = draws.score(sums, lambda totals: _mean_gap(totals, m), share=True)
    chance = np.mean([_by_chance(stated, draws.seed) for stated, _found in claims], axis=0)
    if draws.groups < FEWEST:
        return replace(found, low=None, high=None), float(chance.mean())
    drawn = draws.resampled(sums, lambda totals: _mean_gap(totals, m))
    high = float(np.quantile(drawn, (1 + draws.confidence) / 2))
    surprising = found.value > np.quantile(chance, _SURPRISING)
    low = max(0.0, 2 * found.value - high) if surprising else 0.0
    return Score(found.value, low, high, found.sd), float(chance.mean())


def mean_among(among: Sequence[Mask], rows: Sequence[NDArray], draws: Draws, *, share: bool = True) -> Score:
    """Return the mean of a number ``(N,)`` of each run among some utterances; 0 where there are none."""
    sums = draws.sums([np.column_stack([values * mask, mask]) for mask, values in zip(among, rows, strict=True)])
    return draws.score(sums, lambda totals: ratio(totals[..., 0], totals[..., 1]), share=share)


def area_under_risks(wrong: Sequence[Array], held: Sequence[Array], draws: Draws) -> Score:
    """Return the mean risk over all coverages, where the surest answers are kept.

    Args:
        wrong: the share of each answer that is wrong, ``(N,)`` for each run.
        held: its confidence.
        draws: of dialogues.
    """
    orders = [np.argsort(-h, kind="stable") for h in held]

    def areas(weights: Array) -> Array:
        found = []
        for order, loss in zip(orders, wrong, strict=True):
            w = weights[:, order]
            total = np.cumsum(w, axis=1)
            risk = np.divide(np.cumsum(w * loss[order], axis=1), total, out=np.zeros_like(w), where=total > 0)
            found.append((w * risk).sum(axis=1) / total[:, -1])
        return np.array(found)

    without = [areas(weights).mean(axis=0) for weights in weights_without(draws.index)]
    return draws.interval(
        areas(np.ones((1, len(draws.index))))[:, 0], np.concatenate([np.empty(0), *without]), share=True
    )


def _gaps(stated: Array, found: Array) -> Array:
    """Return ``(N, M·BINS + 1)``: stated less found in the column of its bin, and 1 to count by."""
    n, m = stated.shape
    rows = np.zeros((n, m, BINS))
    for k in range(m):
        rows[np.arange(n), k, bins_of(stated[:, k])] = stated[:, k] - found[:, k]
    return np.column_stack([rows.reshape(n, -1), np.ones(n)])


def _mean_gap(sums: Array, m: int) -> Array:
    return np.abs(sums[..., :-1]).sum(axis=-1) / sums[..., -1] / m


def _by_chance(stated: Array, seed: int) -> Array:
    """Return the errors of simulations in which everything happens just as often as stated."""
    rng = np.random.default_rng([seed, 2])
    found = np.zeros(_SIMULATIONS)
    for p in stated.T:
        happens = rng.random((_SIMULATIONS, len(p))) < p
        found += np.abs((p - happens) @ np.eye(BINS)[bins_of(p)]).sum(axis=1) / len(p)
    return found / stated.shape[1]
