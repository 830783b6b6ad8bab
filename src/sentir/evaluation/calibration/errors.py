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
from sentir.evaluation.jackknife import jackknife_interval, leave_one_out_sums, leave_one_out_weights
from sentir.evaluation.metrics.label_counts import safe_divide
from sentir.evaluation.results import MIN_CLUSTERS, Score

MAX_BINS, MIN_BIN_SIZE = 10, 20  # bins of equal mass at most, and utterances in each at least
_N_SIMULATIONS = 300
_CHANCE_QUANTILE = 0.95  # the quantile of chance above which a calibration error is none of chance

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
MetricFunction = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class ClusterResampling:
    """What intervals are over: the dialogue of N utterances each, mass, and resamples of calibration errors."""

    index: Index
    resamples: int
    confidence_level: float
    seed: int = 0

    @property
    def num_clusters(self) -> int:
        """How many dialogues there are."""
        return int(self.index.max()) + 1

    def sum_by_cluster(self, rows: Sequence[Array]) -> Array:
        """Sum the runs' rows ``(N, S)`` over dialogues, ``(runs, C, S)``."""
        found = np.zeros((len(rows), self.num_clusters, rows[0].shape[1]))
        for run, values in zip(found, rows, strict=True):
            np.add.at(run, self.index, values)
        return found

    def score(self, sums: Array, metric: MetricFunction, *, is_proportion: bool) -> Score:
        """Score the runs' sums over dialogues ``(runs, C, S)`` by a metric of sums, which is a share or not."""
        return self.score_with_interval(
            metric(sums.sum(axis=1)), metric(leave_one_out_sums(sums)).mean(axis=0), is_proportion=is_proportion
        )

    def bootstrap(self, sums: Array, metric: MetricFunction) -> Array:
        """Return the metric, a mean over runs, of resamples of dialogues with replacement."""
        n, rng = self.num_clusters, np.random.default_rng(self.seed)
        weights = (
            rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)
            for size in chunk_sizes(self.resamples, sums)
        )
        return np.concatenate([metric(drawn @ sums).mean(axis=0) for drawn in weights])

    def score_with_interval(self, values: Array, replicates: Array, *, is_proportion: bool) -> Score:
        """Return the mean over runs with its interval, from the means without each dialogue."""
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
        mean = float(values.mean())
        low, high = jackknife_interval(
            mean, replicates, is_proportion=is_proportion, confidence_level=self.confidence_level
        )
        return Score(mean, low, high, sd)


def assign_bins(probabilities: Array) -> Index:
    """Return the bin of each of N probabilities: bins of equal mass, equal probabilities in one of them."""
    count = int(np.clip(len(probabilities) // MIN_BIN_SIZE, 1, MAX_BINS))
    edges = np.unique(np.quantile(probabilities, np.arange(1, count) / count)) if count > 1 else np.empty(0)
    return np.searchsorted(edges, probabilities, side="right")


def expected_calibration_error(
    probabilities_and_outcomes: Sequence[tuple[Array, Array]], resampling: ClusterResampling
) -> tuple[Score, float]:
    """Return the expected calibration error, a mean over the M columns, and what it would be by chance.

    In few utterances even true probabilities show an error, and a resample adds as much again. So the percentile
    interval lies too high. This one ends there, begins as far below the error as the former lies above it, and
    begins at 0 unless the error is above what 95 % of simulations show in which everything happens as stated.

    Args:
        probabilities_and_outcomes: what each run states and what is found, ``(N, M)`` both.
        resampling: of dialogues.

    Returns:
        The error, and the mean of the simulations.
    """
    m = probabilities_and_outcomes[0][0].shape[1]
    sums = resampling.sum_by_cluster([_calibration_gaps(*claim) for claim in probabilities_and_outcomes])
    found = resampling.score(sums, lambda totals: _mean_calibration_gap(totals, m), is_proportion=True)
    chance = np.mean(
        [_simulate_calibration_errors(stated, resampling.seed) for stated, _found in probabilities_and_outcomes],
        axis=0,
    )
    if resampling.num_clusters < MIN_CLUSTERS:
        return replace(found, low=None, high=None), float(chance.mean())
    drawn = resampling.bootstrap(sums, lambda totals: _mean_calibration_gap(totals, m))
    high = float(np.quantile(drawn, (1 + resampling.confidence_level) / 2))
    surprising = found.value > np.quantile(chance, _CHANCE_QUANTILE)
    low = max(0.0, 2 * found.value - high) if surprising else 0.0
    return Score(found.value, low, high, found.sd), float(chance.mean())


def masked_mean(
    masks: Sequence[Mask],
    values_per_run: Sequence[NDArray],
    resampling: ClusterResampling,
    *,
    is_proportion: bool = True,
) -> Score:
    """Return the mean of a number ``(N,)`` of each run among some utterances; 0 where there are none."""
    sums = resampling.sum_by_cluster(
        [np.column_stack([values * mask, mask]) for mask, values in zip(masks, values_per_run, strict=True)]
    )
    return resampling.score(
        sums, lambda totals: safe_divide(totals[..., 0], totals[..., 1]), is_proportion=is_proportion
    )


def area_under_risk_coverage_curve(
    losses: Sequence[Array], confidences: Sequence[Array], resampling: ClusterResampling
) -> Score:
    """Return the mean risk over all coverages, where the surest answers are kept.

    Args:
        losses: the share of each answer that is wrong, ``(N,)`` for each run.
        confidences: its confidence.
        resampling: of dialogues.
    """
    orders = [np.argsort(-h, kind="stable") for h in confidences]

    def areas(weights: Array) -> Array:
        found = []
        for order, loss in zip(orders, losses, strict=True):
            w = weights[:, order]
            total = np.cumsum(w, axis=1)
            risk = np.divide(np.cumsum(w * loss[order], axis=1), total, out=np.zeros_like(w), where=total > 0)
            found.append((w * risk).sum(axis=1) / total[:, -1])
        return np.array(found)

    without = [areas(weights).mean(axis=0) for weights in leave_one_out_weights(resampling.index)]
    return resampling.score_with_interval(
        areas(np.ones((1, len(resampling.index))))[:, 0],
        np.concatenate([np.empty(0), *without]),
        is_proportion=True,
    )


def _calibration_gaps(probabilities: Array, outcomes: Array) -> Array:
    """Return ``(N, M·BINS + 1)``: stated less found in the column of its bin, and 1 to count by."""
    n, m = probabilities.shape
    rows = np.zeros((n, m, MAX_BINS))
    for k in range(m):
        rows[np.arange(n), k, assign_bins(probabilities[:, k])] = probabilities[:, k] - outcomes[:, k]
    return np.column_stack([rows.reshape(n, -1), np.ones(n)])


def _mean_calibration_gap(sums: Array, num_columns: int) -> Array:
    return np.abs(sums[..., :-1]).sum(axis=-1) / sums[..., -1] / num_columns


def _simulate_calibration_errors(probabilities: Array, seed: int) -> Array:
    """Return the errors of simulations in which everything happens just as often as stated."""
    rng = np.random.default_rng([seed, 2])
    found = np.zeros(_N_SIMULATIONS)
    for p in probabilities.T:
        happens = rng.random((_N_SIMULATIONS, len(p))) < p
        found += np.abs((p - happens) @ np.eye(MAX_BINS)[assign_bins(p)]).sum(axis=1) / len(p)
    return found / probabilities.shape[1]
