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
from sentir.evaluation.calibration.errors import Draws, area_under_risks, bins_of, calibration_error, mean_among
from sentir.evaluation.calibration.fitting import COVERAGE, Array, calibrate, confidence, right, tempered
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import from_statistics, statistics
from sentir.evaluation.results import Score, is_share

_POINTS = 50  # of a risk-coverage curve


@dataclass(frozen=True, slots=True)
class Bin:
    """Utterances of about the same stated probability: its mean, the share found, and how many they are."""

    stated: float
    found: float
    n: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the probabilities of one model can be trusted, on ``n`` utterances of one split.

    Attributes:
        how: ``held_out``, ``dev_halves`` (each half of dev by what the other taught), or ``learned`` (flattered:
            the same utterances taught the model or its calibration).
        ece: expected calibration error, the mean distance of stated and found over bins of equal mass; of several
            labels their mean (Naeini et al., AAAI 2015; of equal mass: Nixon et al., CVPR workshops 2019).
        by_chance: the ``ece`` of a model whose probabilities are all true.
        brier: mean squared distance of probabilities and truth: summed over the labels where one is chosen (0 to
            2; Brier 1950), their mean where several may hold (0 to 1).
        aurc: area under the risk-coverage curve (Geifman and El-Yaniv, NeurIPS 2017); risk is the share of wrong
            answers, of several labels that of wrong decisions.
        curves: label, or ``""`` where one label is chosen → its reliability curve, all seeds together.
        risks: (coverage, risk) where the surest answers are kept, mean over seeds.
        stated: the share of dev that the model was to be sure of.
        covered: the share that it is sure of here.
        wrong: the risk of everything.
        wrong_if_sure: that of what it is sure of; ``None`` if it is sure of nothing.
        metric: what ``everything`` and ``sure`` are scored in.
        everything: the score of all utterances.
        sure: that of those it is sure of; ``None`` if it is sure of nothing.
    """

    n: int
    how: str
    ece: Score
    by_chance: float
    brier: Score
    aurc: Score
    curves: dict[str, tuple[Bin, ...]]
    risks: tuple[tuple[float, float], ...]
    stated: float
    covered: Score
    wrong: Score
    wrong_if_sure: Score | None
    metric: str
    everything: Score
    sure: Score | None


@dataclass(frozen=True, slots=True)
class Decided:
    """What one run says of N utterances.

    Attributes:
        probabilities: ``(N, K)``, calibrated.
        decisions: as `LabelSpace.decide` makes them.
        held: ``(N,)`` confidence.
        sure: ``(N,)`` whether that is enough.
    """

    probabilities: Array
    decisions: NDArray
    held: Array
    sure: NDArray[np.bool_]


def decide(
    space: LabelSpace, probabilities: NDArray[np.floating], thresholds: NDArray[np.floating] | None, sure: float
) -> Decided:
    """Return what a calibrated run says, with its thresholds and the confidence from which on it is sure."""
    p = np.asarray(probabilities, dtype=np.float64)
    held = confidence(space, p, thresholds)
    return Decided(p, space.decide(p, thresholds), held, held >= sure)


def decide_in_halves(
    space: LabelSpace,
    truth: NDArray,
    probabilities: NDArray[np.floating],
    groups: Sequence[str],
    *,
    method: str,
    seed: int = 0,
) -> Decided:
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
        _decide_as_taught(space, p[here], truth[there], p[there], method) for here, there in (rows, rows[::-1])
    ]
    back = np.argsort(np.concatenate(rows))
    return Decided(
        np.concatenate([part.probabilities for part in parts])[back],
        np.concatenate([part.decisions for part in parts])[back],
        np.concatenate([part.held for part in parts])[back],
        np.concatenate([part.sure for part in parts])[back],
    )


def _decide_as_taught(
    space: LabelSpace, probabilities: Array, truth: NDArray, teaching: Array, method: str
) -> Decided:
    calibration = calibrate(space, truth, teaching, (), method)
    assert calibration is not None, "numbers are not calibrated"
    taught = tempered(space, teaching, calibration.temperature, calibration.bias)
    p = tempered(space, probabilities, calibration.temperature, calibration.bias)
    return decide(space, p, tune_thresholds(space, truth, taught), calibration.sure)


def measure(
    space: LabelSpace,
    truth: NDArray,
    runs: Sequence[Decided],
    groups: Sequence[str],
    *,
    how: str,
    metric: str,
    resamples: int,
    confidence: float,
) -> Reliability:
    """Measure the reliability of a model, trained with one or more seeds, with intervals over dialogues.

    Args:
        truth: what `LabelSpace.encode` makes, N rows; of labels, not of a number.
        runs: one for each seed.
        groups: N keys of dialogues.
        how: as `Reliability` keeps it.
        metric: one of `sentir.evaluation.metrics.counted`.
        resamples: behind the interval of the calibration error.
        confidence: mass of the intervals.
    """
    draws = Draws(np.unique(np.asarray(groups), return_inverse=True)[1], resamples, confidence)
    claims = [_claims(space, truth, run) for run in runs]
    wrong, held = [1 - right(space, truth, run.decisions) for run in runs], [run.held for run in runs]
    ece, by_chance = calibration_error(claims, draws)
    stated, found = (np.concatenate(parts) for parts in zip(*claims, strict=True))
    kept = [run.sure for run in runs]
    ever_sure = all(mask.any() for mask in kept)
    every = [np.ones(len(truth), dtype=bool) for _run in runs]
    return Reliability(
        n=len(truth),
        how=how,
        ece=ece,
        by_chance=by_chance,
        brier=mean_among(
            every, [_distances(space, truth, run.probabilities) for run in runs], draws, share=space.multilabel
        ),
        aurc=area_under_risks(wrong, held, draws),
        curves={
            name: _curve(stated[:, k], found[:, k])
            for k, name in enumerate(space.names if space.multilabel else ("",))
        },
        risks=_risks(wrong, held),
        stated=COVERAGE,
        covered=mean_among(every, kept, draws),
        wrong=mean_among(every, wrong, draws),
        wrong_if_sure=mean_among(kept, wrong, draws) if ever_sure else None,
        metric=metric,
        everything=_score(space, truth, runs, every, metric, draws),
        sure=_score(space, truth, runs, kept, metric, draws) if ever_sure else None,
    )


def _claims(space: LabelSpace, truth: NDArray, run: Decided) -> tuple[Array, Array]:
    """Return what is stated and found, ``(N, M)``: of the answer where one is chosen, else of each label."""
    if space.multilabel:
        return run.probabilities, (truth > 0).astype(np.float64)
    return run.probabilities.max(axis=1, keepdims=True), (truth == run.decisions).astype(np.float64)[:, None]


def _distances(space: LabelSpace, truth: NDArray, p: Array) -> Array:
    if space.multilabel:
        return ((p - truth) ** 2).mean(axis=1)
    return ((p - np.eye(len(space))[truth]) ** 2).sum(axis=1)


def _curve(stated: Array, found: Array) -> tuple[Bin, ...]:
    bins = bins_of(stated)
    return tuple(
        Bin(float(stated[here].mean()), float(found[here].mean()), int(here.sum()))
        for here in (bins == b for b in np.unique(bins))
    )


def _risks(wrong: Sequence[Array], held: Sequence[Array]) -> tuple[tuple[float, float], ...]:
    n = len(wrong[0])
    kept = np.unique(np.ceil(np.linspace(0, 1, min(n, _POINTS) + 1)[1:] * n).astype(int))
    orders = [np.argsort(-h, kind="stable") for h in held]
    risks = [np.cumsum(loss[order])[kept - 1] / kept for loss, order in zip(wrong, orders, strict=True)]
    return tuple(zip((kept / n).tolist(), np.mean(risks, axis=0).tolist(), strict=True))


def _score(
    space: LabelSpace,
    truth: NDArray,
    runs: Sequence[Decided],
    kept: Sequence[NDArray[np.bool_]],
    metric: str,
    draws: Draws,
) -> Score:
    """Score what each run keeps."""
    sums = []
    for run, mask in zip(runs, kept, strict=True):
        said = run.decisions if space.multilabel else run.probabilities
        own = statistics(space, truth[mask], said[mask], None, draws.index[mask])
        sums.append(np.pad(own, ((0, draws.groups - len(own)), (0, 0))))

    def value(totals: Array) -> Array:
        return from_statistics(space, totals)[metric]

    return draws.score(np.stack(sums), value, share=is_share(metric))
