"""Reliability: whether a model is correct as often as its probabilities say, and what it gains by abstaining.

Both are to be measured on utterances on which nothing was calibrated: a test split, or dev with cross-fitting,
each half of its dialogues calibrated on the other half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.calibration.confidence import compute_confidence, compute_correctness
from sentir.evaluation.calibration.errors import (
    ClusterResampling,
    area_under_risk_coverage_curve,
    assign_bins,
    expected_calibration_error,
    masked_mean,
)
from sentir.evaluation.calibration.fitting import TARGET_COVERAGE, apply_temperature, fit_calibration
from sentir.evaluation.calibration.kinds import CALIBRATIONS, Array
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import compute_statistics, get_metric, metrics_for, metrics_from_statistics
from sentir.evaluation.results import Score

_N_CURVE_POINTS = 50  # of a risk-coverage curve


@dataclass(frozen=True, slots=True)
class Bin:
    """Utterances of similar predicted probability: its mean, the share of positive outcomes, and how many."""

    mean_probability: float
    observed_frequency: float
    n: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """Reliability of the probabilities of one model, on ``n`` utterances of one split.

    Attributes:
        protocol: ``held_out``, ``cross_fit`` (each half of dev calibrated on the other half), or ``in_sample``
            (optimistic: the model was trained or calibrated on the same utterances).
        ece: expected calibration error, the mean distance between predicted probability and observed frequency
            over bins of equal mass; in multi-label tasks the mean over labels (Naeini et al., AAAI 2015; bins of
            equal mass: Nixon et al., CVPR workshops 2019).
        ece_if_calibrated: ``ece`` that a perfectly calibrated model would have on as many utterances.
        brier: mean squared distance between probabilities and truth: summed over labels in single-label tasks (0
            to 2; Brier 1950), averaged over labels in multi-label tasks (0 to 1).
        aurc: area under the risk-coverage curve (Geifman and El-Yaniv, NeurIPS 2017); risk is the share of wrong
            predictions, in multi-label tasks of wrong decisions.
        reliability_curves: label, or ``""`` in single-label tasks → its reliability curve, all seeds together.
        risk_coverage_curve: (coverage, risk) with the most confident predictions kept, mean over seeds.
        target_coverage: share of dev for which the confidence threshold was set.
        coverage: share of these utterances that reaches the threshold.
        error_rate: risk on all utterances.
        confident_error_rate: risk on those that reach the threshold; ``None`` if none does.
        metric: of the two scores that follow.
        overall_score: on all utterances.
        confident_score: on those that reach the threshold; ``None`` if none does.
    """

    n: int
    protocol: str
    ece: Score
    ece_if_calibrated: float
    brier: Score
    aurc: Score
    reliability_curves: dict[str, tuple[Bin, ...]]
    risk_coverage_curve: tuple[tuple[float, float], ...]
    target_coverage: float
    coverage: Score
    error_rate: Score
    confident_error_rate: Score | None
    metric: str
    overall_score: Score
    confident_score: Score | None


@dataclass(frozen=True, slots=True)
class RunDecisions:
    """Decisions of one run on N utterances.

    Attributes:
        probabilities: ``(N, K)``, calibrated.
        decisions: of `LabelSpace.decide`.
        confidences: ``(N,)``.
        is_confident: ``(N,)``, whether the confidence reaches the threshold.
    """

    probabilities: Array
    decisions: NDArray
    confidences: Array
    is_confident: NDArray[np.bool_]


def decide_with_confidence(
    space: LabelSpace,
    probabilities: NDArray[np.floating],
    thresholds: NDArray[np.floating] | None,
    confidence_threshold: float,
) -> RunDecisions:
    """Return the decisions of a calibrated run with its decision thresholds and its confidence threshold."""
    p = np.asarray(probabilities, dtype=np.float64)
    confidences = compute_confidence(space, p, thresholds)
    return RunDecisions(p, space.decide(p, thresholds), confidences, confidences >= confidence_threshold)


def cross_fit_decisions(
    space: LabelSpace,
    truth: NDArray,
    probabilities: NDArray[np.floating],
    groups: Sequence[str],
    *,
    method: str,
) -> RunDecisions:
    """Return the decisions of a run on dev, each half calibrated and thresholded on the other half.

    Probabilities that were calibrated on all of dev are calibrated again. Calibration of logits is invertible, so
    nothing is left of the first one but the choice of the method.

    Args:
        space: of the task; not regression.
        truth: encoded labels (`LabelSpace.encode`), N rows.
        probabilities: ``(N, K)``.
        groups: N dialogue keys, at least two of them different.
        method: calibration method of the model.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    keys, index = np.unique(np.asarray(groups), return_inverse=True)
    half = np.random.default_rng(0).permutation(np.arange(len(keys)) % 2)[index]
    rows = [np.flatnonzero(half == k) for k in (0, 1)]
    parts = [
        _decide_with_fitted_calibration(space, p[here], truth[there], p[there], method)
        for here, there in (rows, rows[::-1])
    ]
    order = np.argsort(np.concatenate(rows))
    names = [one.name for one in fields(RunDecisions)]
    return RunDecisions(*(np.concatenate([getattr(part, name) for part in parts])[order] for name in names))


def _decide_with_fitted_calibration(
    space: LabelSpace, probabilities: Array, truth: NDArray, fitting_probabilities: Array, method: str
) -> RunDecisions:
    calibration = fit_calibration(space, truth, fitting_probabilities, (), method)
    assert calibration is not None, "regression is not calibrated"
    fitted = apply_temperature(space, fitting_probabilities, calibration.temperature, calibration.bias)
    p = apply_temperature(space, probabilities, calibration.temperature, calibration.bias)
    return decide_with_confidence(
        space, p, tune_thresholds(space, truth, fitted), calibration.confidence_threshold
    )


def measure_reliability(
    aligned: AlignedRuns, decisions: Sequence[RunDecisions], *, protocol: str, metric: str, resamples: int
) -> Reliability:
    """Measure the reliability of a model, trained with one or more seeds, with intervals over dialogues.

    Args:
        aligned: the labels; not of regression.
        decisions: one for each run.
        protocol: as in `Reliability`.
        metric: one of `sentir.evaluation.metrics.count_metrics`.
        resamples: bootstrap resamples for the interval of the calibration error.
    """
    space, truth = aligned.space, aligned.truth
    kind, resampling = CALIBRATIONS[space.kind], ClusterResampling(aligned.cluster_index, resamples)
    pairs = [kind.outcomes(truth, run.probabilities) for run in decisions]
    losses = [1 - compute_correctness(space, truth, run.decisions) for run in decisions]
    confidences, confident = [run.confidences for run in decisions], [run.is_confident for run in decisions]
    everything = [np.ones(len(truth), dtype=bool) for _run in decisions]
    has_confident = all(mask.any() for mask in confident)
    squared_errors = [kind.squared_errors(truth, run.probabilities) for run in decisions]
    ece, ece_if_calibrated = expected_calibration_error(pairs, resampling)
    return Reliability(
        n=len(truth),
        protocol=protocol,
        ece=ece,
        ece_if_calibrated=ece_if_calibrated,
        brier=masked_mean(everything, squared_errors, resampling, is_proportion=kind.is_brier_proportion),
        aurc=area_under_risk_coverage_curve(losses, confidences, resampling),
        reliability_curves=_reliability_curves(kind.curve_names(space), pairs),
        risk_coverage_curve=_risk_coverage_curve(losses, confidences),
        target_coverage=TARGET_COVERAGE,
        coverage=masked_mean(everything, confident, resampling),
        error_rate=masked_mean(everything, losses, resampling),
        confident_error_rate=masked_mean(confident, losses, resampling) if has_confident else None,
        metric=metric,
        overall_score=_score_masked(aligned, decisions, everything, metric, resampling),
        confident_score=(
            _score_masked(aligned, decisions, confident, metric, resampling) if has_confident else None
        ),
    )


def _reliability_curves(names: Sequence[str], pairs: Sequence[tuple[Array, Array]]) -> dict[str, tuple[Bin, ...]]:
    """Return the curve of each column of probabilities and outcomes, the rows of all runs together."""
    probabilities, outcomes = (np.concatenate(columns).T for columns in zip(*pairs, strict=True))
    return {
        name: _reliability_curve(p, happened)
        for name, p, happened in zip(names, probabilities, outcomes, strict=True)
    }


def _reliability_curve(probabilities: Array, outcomes: Array) -> tuple[Bin, ...]:
    bins = assign_bins(probabilities)
    return tuple(
        Bin(float(probabilities[here].mean()), float(outcomes[here].mean()), int(here.sum()))
        for here in (bins == b for b in np.unique(bins))
    )


def _risk_coverage_curve(
    losses: Sequence[Array], confidences: Sequence[Array]
) -> tuple[tuple[float, float], ...]:
    n = len(losses[0])
    counts = np.unique(np.ceil(np.linspace(0, 1, min(n, _N_CURVE_POINTS) + 1)[1:] * n).astype(int))
    orders = [np.argsort(-h, kind="stable") for h in confidences]
    risks = [np.cumsum(loss[order])[counts - 1] / counts for loss, order in zip(losses, orders, strict=True)]
    return tuple(zip((counts / n).tolist(), np.mean(risks, axis=0).tolist(), strict=True))


def _score_masked(
    aligned: AlignedRuns,
    decisions: Sequence[RunDecisions],
    masks: Sequence[NDArray[np.bool_]],
    metric: str,
    resampling: ClusterResampling,
) -> Score:
    """Score each run on its mask of utterances."""
    space, sums = aligned.space, []
    for run, mask in zip(decisions, masks, strict=True):
        predicted = metrics_for(space).label_columns(run.decisions[mask]).astype(np.float64)
        statistics = compute_statistics(space, aligned.truth[mask], predicted, None, resampling.index[mask])
        sums.append(np.pad(statistics, ((0, resampling.num_clusters - len(statistics)), (0, 0))))

    def value(totals: Array) -> Array:
        return metrics_from_statistics(space, totals)[metric]

    return resampling.score(np.stack(sums), value, is_proportion=get_metric(metric).is_proportion)
