"""Probabilities that mean what they say, and when a model says that it is not sure; both fitted on dev.

A temperature divides the logits (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017). Where
several labels may hold, one may do for all of them, or each has its own, and a bias besides (Platt, 1999): losses
that weigh present labels move them all. The most probable of labels that exclude one another stays, and so does
the order of utterances for a label. Which of these it is, or none, cross-validation over dialogues of dev says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.evaluation.calibration.thresholds import tune_thresholds

TARGET_COVERAGE = 0.8  # share of dev on which a model is sure
MIN_TEMPERATURE, MAX_TEMPERATURE, MAX_BIAS = 0.05, 20.0, 10.0  # temperatures and bias that are looked at
METHODS = ("none", "temperature", "per_label")  # the simplest first
_N_FOLDS = 5
_EPSILON = 1e-12  # a true label of probability 0 would cost without end

Array = NDArray[np.float64]
TemperatureAndBias = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What dev taught about a model's probabilities.

    Attributes:
        temperature: what logits are divided by: one number for one label, one per label for several.
        bias: what is added to them then, one per label for several; empty for one label.
        confidence_threshold: the confidence from which on the model is sure.
        coverage: the share of dev on which it is, as stated.
        method: one of `METHODS`, which cross-validation chose.
    """

    temperature: tuple[float, ...]
    bias: tuple[float, ...]
    confidence_threshold: float
    coverage: float = TARGET_COVERAGE
    method: str = "temperature"

    def apply(self, predictions: Predictions) -> Predictions:
        """Return calibrated predictions."""
        p = apply_temperature(predictions.label_space, predictions.probabilities, self.temperature, self.bias)
        return replace(predictions, probabilities=p)

    def abstain(
        self, predictions: Predictions, thresholds: NDArray[np.floating] | None = None
    ) -> dict[str, bool]:
        """Return id → whether the model is not sure of what it says with these thresholds."""
        held = compute_confidence(predictions.label_space, predictions.probabilities, thresholds)
        return dict(zip(predictions.ids, (held < self.confidence_threshold).tolist(), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    def is_valid_for(self, space: LabelSpace) -> bool:
        """Say whether this can be what dev taught about a space."""
        widths, numbers = (
            (len(self.temperature), len(self.bias)),
            [*self.temperature, *self.bias, self.confidence_threshold],
        )
        return (
            self.method in calibration_methods(space)
            and widths == _PARAMETER_COUNTS[space.kind](len(space))
            and min(self.temperature) > 0
            and bool(np.isfinite(numbers).all())
            and 0 < self.coverage <= 1
        )


def calibration_methods(space: LabelSpace) -> tuple[str, ...]:
    """Return the methods that a space can be calibrated by, the simplest first; none for a number."""
    return METHODS[: {"single": 2, "multi": 3}.get(space.kind, 0)]


def fit_calibration(
    space: LabelSpace, truth: NDArray, probabilities: Array, groups: Sequence[str], method: str | None = None
) -> Calibration | None:
    """Fit temperature and bias, then the confidence that is sure, on labeled rows (give those of dev).

    Args:
        truth: what `LabelSpace.encode` makes, N rows.
        probabilities: ``(N, K)``, not calibrated.
        groups: N keys of dialogues.
        method: one of `methods_of`; none = what `choose_method` says.

    Returns:
        The calibration; ``None`` where a number is recognized.
    """
    if not calibration_methods(space):
        return None
    method = method or select_calibration_method(space, truth, probabilities, groups)
    fitted = fit_temperature_and_bias(space, truth, probabilities, method)
    p = apply_temperature(space, probabilities, *fitted)
    held = compute_confidence(space, p, tune_thresholds(space, truth, p))
    return Calibration(*fitted, find_confidence_threshold(held, TARGET_COVERAGE), method=method)


def select_calibration_method(
    space: LabelSpace, truth: NDArray, probabilities: Array, groups: Sequence[str]
) -> str:
    """Choose how to calibrate by cross-validation: whole dialogues are held out, and judged by log-likelihood.

    A method takes the place of a simpler one only if it gains more than one standard error of its gain over
    dialogues (Breiman et al., "Classification and Regression Trees", 1984). A single dialogue is divided by
    utterances.
    """
    index = np.unique(np.asarray(groups), return_inverse=True)[1]
    index = index if index.any() else np.arange(len(truth))
    count = int(index.max()) + 1
    if count < 2:
        return METHODS[0]
    folds = (np.random.default_rng(0).permutation(count) % min(_N_FOLDS, count))[index]
    best, *others = calibration_methods(space)
    losses = _held_out_losses(space, truth, probabilities, folds, best)
    for method in others:
        found = _held_out_losses(space, truth, probabilities, folds, method)
        gains = np.bincount(index, losses - found, minlength=count)
        if gains.sum() > np.sqrt(count) * gains.std(ddof=1):
            best, losses = method, found
    return best


def _held_out_losses(
    space: LabelSpace, truth: NDArray, p: Array, folds: NDArray[np.integer], method: str
) -> Array:
    """Return the negative log-likelihood of each row, calibrated by what the other folds teach, ``(N,)``."""
    losses = np.zeros(len(truth))
    for fold in range(int(folds.max()) + 1):
        here = folds == fold
        fitted = fit_temperature_and_bias(space, truth[~here], p[~here], method)
        losses[here] = _negative_log_likelihoods(truth[here], apply_temperature(space, p[here], *fitted))
    return losses


def _negative_log_likelihoods(truth: NDArray, p: Array) -> Array:
    if truth.ndim == 1:
        return -np.log(np.maximum(p[np.arange(len(p)), truth], _EPSILON))
    return -np.log(np.maximum(np.where(truth > 0, p, 1 - p), _EPSILON)).mean(axis=1)


def fit_temperature_and_bias(
    space: LabelSpace, truth: NDArray, probabilities: Array, method: str
) -> TemperatureAndBias:
    """Return temperature and bias, as `Calibration` keeps them, of least negative log-likelihood.

    The likelihood is concave in 1 / temperature and bias, so that there is one best. It is looked for from
    `COOLEST` to `HOTTEST`, and up to `FARTHEST`. With a bias, a label that all rows carry, or none, stays as it
    is.

    Args:
        method: one of `methods_of`.
    """
    return _FITTERS[space.kind, method](truth, np.asarray(probabilities, dtype=np.float64))


def apply_temperature(
    space: LabelSpace, probabilities: Array, temperature: tuple[float, ...], bias: tuple[float, ...]
) -> Array:
    """Return ``(N, K)`` probabilities of logits divided by the temperature, with the bias added."""
    return _TEMPERATURE_APPLIERS[space.kind](probabilities, np.array(temperature), np.array(bias))


def compute_confidence(
    space: LabelSpace, probabilities: Array, thresholds: NDArray[np.floating] | None = None
) -> Array:
    """Return what share of each answer is right by its own probabilities, ``(N,)``.

    For one label, the probability of the most probable one. For several, the mean over labels of the probability
    of what was decided: p of a label that is said, 1 - p of one that is not.

    Raises:
        KeyError: where a number is recognized, which comes without a probability.
    """
    return _CONFIDENCE_FUNCTIONS[space.kind](space, probabilities, thresholds)


def compute_confidence_by_id(
    predictions: Predictions, thresholds: NDArray[np.floating] | None = None
) -> dict[str, float]:
    """Return id → `confidence`; nothing where a number is recognized."""
    if predictions.label_space.kind not in _CONFIDENCE_FUNCTIONS:
        return {}
    found = compute_confidence(predictions.label_space, predictions.probabilities, thresholds)
    return dict(zip(predictions.ids, found.tolist(), strict=True))


def compute_correctness(space: LabelSpace, truth: NDArray, decisions: NDArray) -> Array:
    """Return what share of each answer is right, ``(N,)``: 0 or 1 for one label, of K decisions for several."""
    same = np.asarray(truth == decisions, dtype=np.float64)
    return same if same.ndim == 1 else same.mean(axis=1)


def find_confidence_threshold(confidences: Array, coverage: float) -> float:
    """Return the confidence that at least the share ``coverage`` of these confidences reaches."""
    return float(np.sort(confidences)[int(len(confidences) * (1 - coverage) + 1e-9)])


def _identity_single_label(truth: NDArray, p: Array) -> TemperatureAndBias:
    return (1.0,), ()


def _identity_multilabel(truth: NDArray, p: Array) -> TemperatureAndBias:
    return (1.0,) * p.shape[1], (0.0,) * p.shape[1]


def _fit_temperature_single_label(truth: NDArray, p: Array) -> TemperatureAndBias:
    logits, rows = np.log(np.maximum(p, _EPSILON)), np.arange(len(p))

    def loss(temperature: float) -> float:
        z = logits / temperature
        return float((np.logaddexp.reduce(z, axis=1) - z[rows, truth]).mean())

    return (_minimize_over_temperature(loss),), ()


def _fit_shared_temperature(truth: NDArray, p: Array) -> TemperatureAndBias:
    margins = _logit(np.clip(p, _EPSILON, 1 - _EPSILON)) * np.where(truth > 0, 1, -1)
    best = _minimize_over_temperature(lambda temperature: float(np.logaddexp(0, -margins / temperature).mean()))
    return (best,) * p.shape[1], (0.0,) * p.shape[1]


def _minimize_over_temperature(loss: Callable[[float], float]) -> float:
    from scipy.optimize import minimize_scalar

    bounds = np.log([MIN_TEMPERATURE, MAX_TEMPERATURE])
    found = minimize_scalar(lambda logarithm: loss(float(np.exp(logarithm))), bounds=bounds, method="bounded")
    return float(np.exp(found.x))


def _fit_per_label(truth: NDArray, p: Array) -> TemperatureAndBias:
    found = [_fit_binary(truth[:, k] > 0, p[:, k]) for k in range(p.shape[1])]
    return tuple(temperature for temperature, _bias in found), tuple(bias for _temperature, bias in found)


def _fit_binary(is_present: NDArray[np.bool_], p: Array) -> tuple[float, float]:
    from scipy.optimize import minimize

    if is_present.all() or not is_present.any():
        return 1.0, 0.0
    z, sign = _logit(np.clip(p, _EPSILON, 1 - _EPSILON)), np.where(is_present, 1, -1)

    def loss_and_slope(x: Array) -> tuple[float, Array]:
        margin = sign * (x[0] * z + x[1])
        slope = -sign * np.exp(-np.logaddexp(0, margin))
        return float(np.logaddexp(0, -margin).mean()), np.array([(slope * z).mean(), slope.mean()])

    bounds = [(1 / MAX_TEMPERATURE, 1 / MIN_TEMPERATURE), (-MAX_BIAS, MAX_BIAS)]
    found = minimize(loss_and_slope, [1.0, 0.0], jac=True, bounds=bounds, method="L-BFGS-B", tol=1e-10)
    return float(1 / found.x[0]), float(found.x[1])


def _apply_temperature_single_label(p: Array, temperature: Array, bias: Array) -> Array:
    with np.errstate(divide="ignore"):  # a probability of 0 stays 0
        z = np.log(p) / temperature
    z = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
    return z / z.sum(axis=1, keepdims=True)


def _apply_temperature_multilabel(p: Array, temperature: Array, bias: Array) -> Array:
    with np.errstate(divide="ignore"):  # 0 stays 0 and 1 stays 1
        return np.exp(-np.logaddexp(0, -(_logit(p) / temperature + bias)))


def _logit(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)


def _confidence_single_label(space: LabelSpace, p: Array, thresholds: NDArray[np.floating] | None) -> Array:
    return p.max(axis=1)


def _confidence_multilabel(space: LabelSpace, p: Array, thresholds: NDArray[np.floating] | None) -> Array:
    return np.where(space.decide(p, thresholds) > 0, p, 1 - p).mean(axis=1)


_PARAMETER_COUNTS: dict[str, Callable[[int], tuple[int, int]]] = {
    "single": lambda k: (1, 0),
    "multi": lambda k: (k, k),
}
_FITTERS: dict[tuple[str, str], Callable[[NDArray, Array], TemperatureAndBias]] = {
    ("single", "none"): _identity_single_label,
    ("single", "temperature"): _fit_temperature_single_label,
    ("multi", "none"): _identity_multilabel,
    ("multi", "temperature"): _fit_shared_temperature,
    ("multi", "per_label"): _fit_per_label,
}
_TEMPERATURE_APPLIERS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "single": _apply_temperature_single_label,
    "multi": _apply_temperature_multilabel,
}
_CONFIDENCE_FUNCTIONS: dict[str, Callable[[LabelSpace, Array, NDArray[np.floating] | None], Array]] = {
    "single": _confidence_single_label,
    "multi": _confidence_multilabel,
}
