"""Reliability: whether a model is correct as often as its probabilities say, and what it gains by abstaining.

Both are to be measured on utterances on which nothing was calibrated: a test split, or dev with cross-fitting,
each half of its dialogues calibrated on the other half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.evaluation.calibration.confidence import compute_confidence, compute_correctness
from sentir.evaluation.calibration.errors import (
    ClusterResampling,
    area_under_risk_coverage_curve,
    assign_bins,
    expected_calibration_error,
    masked_mean,
)
from sentir.evaluation.calibration.fitting import (
    TARGET_COVERAGE,
    Array,
    apply_temperature,
    fit_calibration,
)
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import compute_statistics, get_metric, metrics_from_statistics
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
    seed: int = 0,
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
        seed: of the random division into halves.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    half = np.random.default_rng(seed).permutation(np.arange(len(names)) % 2)[index]
    rows = [np.flatnonzero(half == k) for k in (0, 1)]
    parts = [
        _decide_with_fitted_calibration(space, p[here], truth[there], p[there], method)
        for here, there in (rows, rows[::-1])
    ]
    order = np.argsort(np.concatenate(rows))
    return RunDecisions(
        np.concatenate([part.probabilities for part in parts])[order],
        np.concatenate([part.decisions for part in parts])[order],
        np.concatenate([part.confidences for part in parts])[order],
        np.concatenate([part.is_confident for part in parts])[order],
    )


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
    space: LabelSpace,
    truth: NDArray,
    runs: Sequence[RunDecisions],
    groups: Sequence[str],
    *,
    protocol: str,
    metric: str,
    resamples: int,
    confidence_level: float,
) -> Reliability:
    """Measure the reliability of a model, trained with one or more seeds, with intervals over dialogues.

    Args:
        space: of the task; not regression.
        truth: encoded labels (`LabelSpace.encode`), N rows.
        runs: one per seed.
        groups: N dialogue keys.
        protocol: as in `Reliability`.
        metric: one of `sentir.evaluation.metrics.count_metrics`.
        resamples: bootstrap resamples for the interval of the calibration error.
        confidence_level: mass of the intervals.
    """
    resampling = ClusterResampling(
        np.unique(np.asarray(groups), return_inverse=True)[1], resamples, confidence_level
    )
    pairs = [_probabilities_and_outcomes(space, truth, run) for run in runs]
    losses = [1 - compute_correctness(space, truth, run.decisions) for run in runs]
    confidences = [run.confidences for run in runs]
    ece, ece_if_calibrated = expected_calibration_error(pairs, resampling)
    probabilities, outcomes = (np.concatenate(columns) for columns in zip(*pairs, strict=True))
    confident = [run.is_confident for run in runs]
    has_confident = all(mask.any() for mask in confident)
    everything = [np.ones(len(truth), dtype=bool) for _run in runs]
    return Reliability(
        n=len(truth),
        protocol=protocol,
        ece=ece,
        ece_if_calibrated=ece_if_calibrated,
        brier=masked_mean(
            everything,
            [_squared_errors(space, truth, run.probabilities) for run in runs],
            resampling,
            is_proportion=space.multilabel,
        ),
        aurc=area_under_risk_coverage_curve(losses, confidences, resampling),
        reliability_curves={
            name: _reliability_curve(probabilities[:, k], outcomes[:, k])
            for k, name in enumerate(space.names if space.multilabel else ("",))
        },
        risk_coverage_curve=_risk_coverage_curve(losses, confidences),
        target_coverage=TARGET_COVERAGE,
        coverage=masked_mean(everything, confident, resampling),
        error_rate=masked_mean(everything, losses, resampling),
        confident_error_rate=masked_mean(confident, losses, resampling) if has_confident else None,
        metric=metric,
        overall_score=_score_masked(space, truth, runs, everything, metric, resampling),
        confident_score=(
            _score_masked(space, truth, runs, confident, metric, resampling) if has_confident else None
        ),
    )


def _probabilities_and_outcomes(space: LabelSpace, truth: NDArray, run: RunDecisions) -> tuple[Array, Array]:
    """Return probabilities and outcomes, ``(N, M)``: of the predicted label, or of each label if multi-label."""
    if space.multilabel:
        return run.probabilities, (truth > 0).astype(np.float64)
    return run.probabilities.max(axis=1, keepdims=True), (truth == run.decisions).astype(np.float64)[:, None]


def _squared_errors(space: LabelSpace, truth: NDArray, p: Array) -> Array:
    if space.multilabel:
        return ((p - truth) ** 2).mean(axis=1)
    return ((p - np.eye(len(space))[truth]) ** 2).sum(axis=1)


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
    space: LabelSpace,
    truth: NDArray,
    runs: Sequence[RunDecisions],
    masks: Sequence[NDArray[np.bool_]],
    metric: str,
    resampling: ClusterResampling,
) -> Score:
    """Score each run on its mask of utterances."""
    sums = []
    for run, mask in zip(runs, masks, strict=True):
        predicted = run.decisions if space.multilabel else run.probabilities
        statistics = compute_statistics(space, truth[mask], predicted[mask], None, resampling.index[mask])
        sums.append(np.pad(statistics, ((0, resampling.num_clusters - len(statistics)), (0, 0))))

    def value(totals: Array) -> Array:
        return metrics_from_statistics(space, totals)[metric]

    return resampling.score(np.stack(sums), value, is_proportion=get_metric(metric).is_proportion)
