"""Whether a model is as often right as it says, and what it gains by not answering where it is not sure.

This is to be measured on utterances that taught the calibration nothing: a test split, or dev in two halves of
dialogues, each judged by what the other taught.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
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
    compute_confidence,
    compute_correctness,
    fit_calibration,
)
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import compute_statistics, get_metric, metrics_from_statistics
from sentir.evaluation.results import Score

_N_CURVE_POINTS = 50  # of a risk-coverage curve


@dataclass(frozen=True, slots=True)
class Bin:
    """Utterances of about the same stated probability: its mean, the share found, and how many they are."""

    mean_probability: float
    observed_frequency: float
    n: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the probabilities of one model can be trusted, on ``n`` utterances of one split.

    Attributes:
        protocol: ``held_out``, ``dev_halves`` (each half of dev by what the other taught), or ``learned``
            (flattered: the same utterances taught the model or its calibration).
        ece: expected calibration error, the mean distance of stated and found over bins of equal mass; of several
            labels their mean (Naeini et al., AAAI 2015; of equal mass: Nixon et al., CVPR workshops 2019).
        ece_if_calibrated: the ``ece`` of a model whose probabilities are all true.
        brier: mean squared distance of probabilities and truth: summed over the labels where one is chosen (0 to
            2; Brier 1950), their mean where several may hold (0 to 1).
        aurc: area under the risk-coverage curve (Geifman and El-Yaniv, NeurIPS 2017); risk is the share of wrong
            answers, of several labels that of wrong decisions.
        reliability_curves: label, or ``""`` where one label is chosen → its reliability curve, all seeds
            together.
        risk_coverage_curve: (coverage, risk) where the surest answers are kept, mean over seeds.
        target_coverage: the share of dev that the model was to be sure of.
        coverage: the share that it is sure of here.
        error_rate: the risk of everything.
        confident_error_rate: that of what it is sure of; ``None`` if it is sure of nothing.
        metric: what ``everything`` and ``sure`` are scored in.
        overall_score: the score of all utterances.
        confident_score: that of those it is sure of; ``None`` if it is sure of nothing.
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
    """What one run says of N utterances.

    Attributes:
        probabilities: ``(N, K)``, calibrated.
        decisions: as `LabelSpace.decide` makes them.
        confidences: ``(N,)`` confidence.
        is_confident: ``(N,)`` whether that is enough.
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
    """Return what a calibrated run says, with its thresholds and the confidence from which on it is sure."""
    p = np.asarray(probabilities, dtype=np.float64)
    held = compute_confidence(space, p, thresholds)
    return RunDecisions(p, space.decide(p, thresholds), held, held >= confidence_threshold)


def cross_fit_decisions(
    space: LabelSpace,
    truth: NDArray,
    probabilities: NDArray[np.floating],
    groups: Sequence[str],
    *,
    method: str,
    seed: int = 0,
) -> RunDecisions:
    """Return what a run says of dev, each half of its dialogues calibrated and decided as the other half taught.

    What was calibrated on all of dev before is calibrated anew: of the logits, that can be undone, so it leaves
    nothing behind but the choice of the method.

    Args:
        truth: what `LabelSpace.encode` makes, N rows; of labels, not of a number.
        groups: N keys of at least two dialogues.
        method: what the model was calibrated by.
        seed: draws the halves.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    half = np.random.default_rng(seed).permutation(np.arange(len(names)) % 2)[index]
    rows = [np.flatnonzero(half == own) for own in (0, 1)]
    parts = [
        _decide_with_fitted_calibration(space, p[here], truth[there], p[there], method)
        for here, there in (rows, rows[::-1])
    ]
    back = np.argsort(np.concatenate(rows))
    return RunDecisions(
        np.concatenate([part.probabilities for part in parts])[back],
        np.concatenate([part.decisions for part in parts])[back],
        np.concatenate([part.confidences for part in parts])[back],
        np.concatenate([part.is_confident for part in parts])[back],
    )


def _decide_with_fitted_calibration(
    space: LabelSpace, probabilities: Array, truth: NDArray, fitting_probabilities: Array, method: str
) -> RunDecisions:
    calibration = fit_calibration(space, truth, fitting_probabilities, (), method)
    assert calibration is not None, "numbers are not calibrated"
    taught = apply_temperature(space, fitting_probabilities, calibration.temperature, calibration.bias)
    p = apply_temperature(space, probabilities, calibration.temperature, calibration.bias)
    return decide_with_confidence(
        space, p, tune_thresholds(space, truth, taught), calibration.confidence_threshold
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
        truth: what `LabelSpace.encode` makes, N rows; of labels, not of a number.
        runs: one for each seed.
        groups: N keys of dialogues.
        protocol: as `Reliability` keeps it.
        metric: one of `sentir.evaluation.metrics.counted`.
        resamples: behind the interval of the calibration error.
        confidence_level: mass of the intervals.
    """
    draws = ClusterResampling(np.unique(np.asarray(groups), return_inverse=True)[1], resamples, confidence_level)
    claims = [_probabilities_and_outcomes(space, truth, run) for run in runs]
    wrong, held = (
        [1 - compute_correctness(space, truth, run.decisions) for run in runs],
        [run.confidences for run in runs],
    )
    ece, by_chance = expected_calibration_error(claims, draws)
    stated, found = (np.concatenate(parts) for parts in zip(*claims, strict=True))
    kept = [run.is_confident for run in runs]
    ever_sure = all(mask.any() for mask in kept)
    every = [np.ones(len(truth), dtype=bool) for _run in runs]
    return Reliability(
        n=len(truth),
        protocol=protocol,
        ece=ece,
        ece_if_calibrated=by_chance,
        brier=masked_mean(
            every,
            [_squared_errors(space, truth, run.probabilities) for run in runs],
            draws,
            is_proportion=space.multilabel,
        ),
        aurc=area_under_risk_coverage_curve(wrong, held, draws),
        reliability_curves={
            name: _reliability_curve(stated[:, k], found[:, k])
            for k, name in enumerate(space.names if space.multilabel else ("",))
        },
        risk_coverage_curve=_risk_coverage_curve(wrong, held),
        target_coverage=TARGET_COVERAGE,
        coverage=masked_mean(every, kept, draws),
        error_rate=masked_mean(every, wrong, draws),
        confident_error_rate=masked_mean(kept, wrong, draws) if ever_sure else None,
        metric=metric,
        overall_score=_score_kept(space, truth, runs, every, metric, draws),
        confident_score=_score_kept(space, truth, runs, kept, metric, draws) if ever_sure else None,
    )


def _probabilities_and_outcomes(space: LabelSpace, truth: NDArray, run: RunDecisions) -> tuple[Array, Array]:
    """Return what is stated and found, ``(N, M)``: of the answer where one is chosen, else of each label."""
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
    kept = np.unique(np.ceil(np.linspace(0, 1, min(n, _N_CURVE_POINTS) + 1)[1:] * n).astype(int))
    orders = [np.argsort(-h, kind="stable") for h in confidences]
    risks = [np.cumsum(loss[order])[kept - 1] / kept for loss, order in zip(losses, orders, strict=True)]
    return tuple(zip((kept / n).tolist(), np.mean(risks, axis=0).tolist(), strict=True))


def _score_kept(
    space: LabelSpace,
    truth: NDArray,
    runs: Sequence[RunDecisions],
    masks: Sequence[NDArray[np.bool_]],
    metric: str,
    resampling: ClusterResampling,
) -> Score:
    """Score what each run keeps."""
    sums = []
    for run, mask in zip(runs, masks, strict=True):
        said = run.decisions if space.multilabel else run.probabilities
        own = compute_statistics(space, truth[mask], said[mask], None, resampling.index[mask])
        sums.append(np.pad(own, ((0, resampling.num_clusters - len(own)), (0, 0))))

    def value(totals: Array) -> Array:
        return metrics_from_statistics(space, totals)[metric]

    return resampling.score(np.stack(sums), value, is_proportion=get_metric(metric).is_proportion)
