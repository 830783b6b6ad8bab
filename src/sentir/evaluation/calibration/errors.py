"""Calibration error and area under the risk-coverage curve of N utterances, with intervals over dialogues.

A run is one trained model (one seed). Its probabilities and the outcomes (1 if it happened, else 0) are ``(N,
M)``: of the predicted label in single-label tasks (M = 1), of every label in multi-label tasks (M = K).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sentir.evaluation.intervals import chunk_sizes, score_over_runs
from sentir.evaluation.jackknife import leave_one_out_sums, leave_one_out_weights
from sentir.evaluation.metrics.label_counts import safe_divide
from sentir.evaluation.results import CONFIDENCE_LEVEL, MIN_CLUSTERS, Score

MAX_BINS, MIN_BIN_SIZE = 10, 20  # most bins of equal mass, fewest utterances in each
_N_SIMULATIONS = 300
_CHANCE_QUANTILE = 0.95  # a calibration error above this quantile of simulated ones is significant

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
MetricFunction = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class ClusterResampling:
    """How intervals over dialogues are computed.

    Attributes:
        index: ``(N,)``, the dialogue of each utterance, from 0 on.
        resamples: bootstrap resamples, used for calibration errors.
        seed: of the bootstrap.
    """

    index: Index
    resamples: int
    seed: int = 0

    @property
    def num_clusters(self) -> int:
        """Number of dialogues."""
        return int(self.index.max()) + 1

    def sum_by_cluster(self, rows: Sequence[Array]) -> Array:
        """Sum the rows ``(N, S)`` of each run over C dialogues, ``(runs, C, S)``."""
        sums = np.zeros((len(rows), self.num_clusters, rows[0].shape[1]))
        for run, values in zip(sums, rows, strict=True):
            np.add.at(run, self.index, values)
        return sums

    def score(self, sums: Array, metric: MetricFunction, *, is_proportion: bool) -> Score:
        """Score sums over dialogues ``(runs, C, S)`` by a metric of sums, with a jackknife interval."""
        replicates = metric(leave_one_out_sums(sums)).mean(axis=0)
        return score_over_runs(metric(sums.sum(axis=1)), replicates, is_proportion=is_proportion)

    def bootstrap(self, sums: Array, metric: MetricFunction) -> Array:
        """Return the metric, averaged over runs, of each bootstrap resample of dialogues, ``(resamples,)``."""
        n, rng = self.num_clusters, np.random.default_rng(self.seed)
        weights = (
            rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)
            for size in chunk_sizes(self.resamples, sums)
        )
        return np.concatenate([metric(chunk @ sums).mean(axis=0) for chunk in weights])


def assign_bins(probabilities: Array) -> Index:
    """Return the bin of each of N probabilities: bins have equal mass, equal probabilities share a bin."""
    count = int(np.clip(len(probabilities) // MIN_BIN_SIZE, 1, MAX_BINS))
    edges = np.unique(np.quantile(probabilities, np.arange(1, count) / count)) if count > 1 else np.empty(0)
    return np.searchsorted(edges, probabilities, side="right")


def expected_calibration_error(
    probabilities_and_outcomes: Sequence[tuple[Array, Array]], resampling: ClusterResampling
) -> tuple[Score, float]:
    """Return the expected calibration error, a mean over the M columns, and its value for a calibrated model.

    On few utterances even a perfectly calibrated model has an error above 0, and resampling adds to it, so that
    the percentile interval is too high. This interval ends where that one does and extends as far below the error
    as above it, but begins at 0 unless the error exceeds 95% of simulations of a perfectly calibrated model.

    Args:
        probabilities_and_outcomes: of each run, both ``(N, M)``.
        resampling: of dialogues.

    Returns:
        The error with its interval, and the mean error of the simulations.
    """
    m = probabilities_and_outcomes[0][0].shape[1]
    sums = resampling.sum_by_cluster(
        [_calibration_gaps(p, outcomes) for p, outcomes in probabilities_and_outcomes]
    )
    ece = resampling.score(sums, lambda totals: _mean_calibration_gap(totals, m), is_proportion=True)
    simulated = np.mean(
        [_simulate_calibration_errors(p, resampling.seed) for p, _outcomes in probabilities_and_outcomes], axis=0
    )
    if resampling.num_clusters < MIN_CLUSTERS:
        return replace(ece, low=None, high=None), float(simulated.mean())
    resampled = resampling.bootstrap(sums, lambda totals: _mean_calibration_gap(totals, m))
    high = float(np.quantile(resampled, (1 + CONFIDENCE_LEVEL) / 2))
    is_significant = ece.value > np.quantile(simulated, _CHANCE_QUANTILE)
    low = max(0.0, 2 * ece.value - high) if is_significant else 0.0
    return Score(ece.value, low, high, ece.sd), float(simulated.mean())


def masked_mean(
    masks: Sequence[Mask],
    values_per_run: Sequence[NDArray],
    resampling: ClusterResampling,
    *,
    is_proportion: bool = True,
) -> Score:
    """Return the mean of each run's values ``(N,)`` over its mask of utterances; 0 for an empty mask."""
    sums = resampling.sum_by_cluster(
        [np.column_stack([values * mask, mask]) for mask, values in zip(masks, values_per_run, strict=True)]
    )
    return resampling.score(
        sums, lambda totals: safe_divide(totals[..., 0], totals[..., 1]), is_proportion=is_proportion
    )


def area_under_risk_coverage_curve(
    losses: Sequence[Array], confidences: Sequence[Array], resampling: ClusterResampling
) -> Score:
    """Return the mean risk over all coverages, the most confident predictions being kept.

    Args:
        losses: share of each prediction that is wrong, ``(N,)`` per run.
        confidences: of the predictions, ``(N,)`` per run.
        resampling: of dialogues.
    """
    orders = [np.argsort(-h, kind="stable") for h in confidences]

    def areas(weights: Array) -> Array:
        per_run = []
        for order, loss in zip(orders, losses, strict=True):
            w = weights[:, order]
            total = np.cumsum(w, axis=1)
            risk = np.divide(np.cumsum(w * loss[order], axis=1), total, out=np.zeros_like(w), where=total > 0)
            per_run.append((w * risk).sum(axis=1) / total[:, -1])
        return np.array(per_run)

    replicates = [areas(weights).mean(axis=0) for weights in leave_one_out_weights(resampling.index)]
    return score_over_runs(
        areas(np.ones((1, len(resampling.index))))[:, 0],
        np.concatenate([np.empty(0), *replicates]),
        is_proportion=True,
    )


def _calibration_gaps(probabilities: Array, outcomes: Array) -> Array:
    """Return ``(N, M·MAX_BINS + 1)``: probability minus outcome in the column of its bin, and a 1 to count."""
    n, m = probabilities.shape
    rows = np.zeros((n, m, MAX_BINS))
    for k in range(m):
        rows[np.arange(n), k, assign_bins(probabilities[:, k])] = probabilities[:, k] - outcomes[:, k]
    return np.column_stack([rows.reshape(n, -1), np.ones(n)])


def _mean_calibration_gap(sums: Array, num_columns: int) -> Array:
    return np.abs(sums[..., :-1]).sum(axis=-1) / sums[..., -1] / num_columns


def _simulate_calibration_errors(probabilities: Array, seed: int) -> Array:
    """Return the calibration errors of simulated outcomes that follow the probabilities exactly."""
    rng = np.random.default_rng([seed, 2])
    errors = np.zeros(_N_SIMULATIONS)
    for p in probabilities.T:
        outcomes = rng.random((_N_SIMULATIONS, len(p))) < p
        errors += np.abs((p - outcomes) @ np.eye(MAX_BINS)[assign_bins(p)]).sum(axis=1) / len(p)
    return errors / probabilities.shape[1]
