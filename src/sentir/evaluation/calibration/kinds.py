"""Calibration, confidence and decision thresholds of each kind of label space: one record each, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace, Thresholds
from sentir.errors import PredictionsError
from sentir.i18n import _

MIN_TEMPERATURE, MAX_TEMPERATURE, MAX_BIAS = 0.05, 20.0, 10.0  # bounds of the search
_EPSILON = 1e-12  # smallest probability in a logarithm

Array = NDArray[np.float64]
TemperatureAndBias = tuple[tuple[float, ...], tuple[float, ...]]
Fitter = Callable[[NDArray, Array], TemperatureAndBias]


@dataclass(frozen=True, slots=True)
class KindCalibration:
    """What calibration needs to know of one kind of label space; a regression is not calibrated.

    Attributes:
        fitters: method → function of truth and probabilities, the simplest first.
        parameter_counts: K → number of temperatures and of biases.
        apply: probabilities, temperature and bias → calibrated probabilities ``(N, K)``.
        log_losses: truth and probabilities → negative log-likelihood of each row, a mean over several labels.
        confidence: label space, probabilities and thresholds → confidence of each prediction, ``(N,)``.
        outcomes: truth and probabilities → probabilities and outcomes (1 if it happened, else 0), ``(N, M)``: of
            the predicted label, or of each label.
        curve_names: label space → names of these M columns.
        squared_errors: truth and probabilities → Brier score of each row.
        is_brier_proportion: whether the Brier score lies between 0 and 1.
        tune_thresholds: truth and probabilities → the ``(K,)`` thresholds with the best F1, if there are any.
    """

    fitters: Mapping[str, Fitter]
    parameter_counts: Callable[[int], tuple[int, int]]
    apply: Callable[[Array, Array, Array], Array]
    log_losses: Callable[[NDArray, Array], Array]
    confidence: Callable[[LabelSpace, Array, Thresholds], Array]
    outcomes: Callable[[NDArray, Array], tuple[Array, Array]]
    curve_names: Callable[[LabelSpace], tuple[str, ...]]
    squared_errors: Callable[[NDArray, Array], Array]
    is_brier_proportion: bool
    tune_thresholds: Callable[[NDArray, NDArray[np.floating]], Array | None]


def _fit_temperature(truth: NDArray, p: Array) -> TemperatureAndBias:
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
    minimum = minimize_scalar(lambda logarithm: loss(float(np.exp(logarithm))), bounds=bounds, method="bounded")
    return float(np.exp(minimum.x))


def _fit_per_label(truth: NDArray, p: Array) -> TemperatureAndBias:
    fitted = [_fit_binary(truth[:, k] > 0, p[:, k]) for k in range(p.shape[1])]
    return tuple(temperature for temperature, _bias in fitted), tuple(bias for _temperature, bias in fitted)


def _fit_binary(is_present: NDArray[np.bool_], p: Array) -> tuple[float, float]:
    from scipy.optimize import minimize

    if is_present.all() or not is_present.any():
        return 1.0, 0.0
    z, sign = _logit(np.clip(p, _EPSILON, 1 - _EPSILON)), np.where(is_present, 1, -1)

    def loss_and_gradient(x: Array) -> tuple[float, Array]:
        margin = sign * (x[0] * z + x[1])
        slope = -sign * np.exp(-np.logaddexp(0, margin))
        return float(np.logaddexp(0, -margin).mean()), np.array([(slope * z).mean(), slope.mean()])

    bounds = [(1 / MAX_TEMPERATURE, 1 / MIN_TEMPERATURE), (-MAX_BIAS, MAX_BIAS)]
    minimum = minimize(loss_and_gradient, [1.0, 0.0], jac=True, bounds=bounds, method="L-BFGS-B", tol=1e-10)
    return float(1 / minimum.x[0]), float(minimum.x[1])


def _apply_to_softmax(p: Array, temperature: Array, bias: Array) -> Array:
    with np.errstate(divide="ignore"):  # a probability of 0 stays 0
        z = np.log(p) / temperature
    z = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
    return z / z.sum(axis=1, keepdims=True)


def _apply_to_sigmoids(p: Array, temperature: Array, bias: Array) -> Array:
    with np.errstate(divide="ignore"):  # 0 stays 0 and 1 stays 1
        return np.exp(-np.logaddexp(0, -(_logit(p) / temperature + bias)))


def _logit(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)


def _outcomes_of_prediction(truth: NDArray, p: Array) -> tuple[Array, Array]:
    return p.max(axis=1, keepdims=True), (truth == p.argmax(axis=1)).astype(np.float64)[:, None]


def _multilabel_confidence(space: LabelSpace, p: Array, thresholds: Thresholds) -> Array:
    return np.where(space.decide(p, thresholds) > 0, p, 1 - p).mean(axis=1)


def _tune_multilabel(truth: NDArray, probabilities: NDArray[np.floating]) -> Array:
    if len(truth) == 0 or truth.shape != probabilities.shape:
        raise PredictionsError(
            _(
                "Thresholds cannot be tuned on labels of shape {truth} and probabilities of shape "
                "{probabilities}; give the labeled rows of dev.",
                truth=truth.shape,
                probabilities=probabilities.shape,
            )
        )
    p = np.asarray(probabilities, dtype=np.float64)
    order = np.argsort(-p, axis=0, kind="stable")
    above = np.take_along_axis(p, order, axis=0)
    hits = np.cumsum(np.take_along_axis(truth > 0, order, axis=0), axis=0)
    present = hits[-1]
    f1 = 2 * hits / (np.arange(1, len(p) + 1)[:, None] + present)
    below = np.vstack([above[1:], np.zeros((1, p.shape[1]))])
    f1[:-1][above[:-1] == below[:-1]] = -1
    midpoints = (above + below) / 2
    thresholds = np.where(midpoints > below, midpoints, above)
    distance = np.where(f1 == f1.max(axis=0), np.abs(thresholds - 0.5), np.inf)
    best = np.take_along_axis(thresholds, distance.argmin(axis=0)[None], axis=0)[0]
    return np.where(present > 0, best, 0.5)


CALIBRATIONS: Mapping[str, KindCalibration] = {
    "single": KindCalibration(
        fitters={"none": lambda truth, p: ((1.0,), ()), "temperature": _fit_temperature},
        parameter_counts=lambda k: (1, 0),
        apply=_apply_to_softmax,
        log_losses=lambda truth, p: -np.log(np.maximum(p[np.arange(len(p)), truth], _EPSILON)),
        confidence=lambda space, p, thresholds: p.max(axis=1),
        outcomes=_outcomes_of_prediction,
        curve_names=lambda space: ("",),
        squared_errors=lambda truth, p: ((p - np.eye(p.shape[1])[truth]) ** 2).sum(axis=1),
        is_brier_proportion=False,
        tune_thresholds=lambda truth, p: None,
    ),
    "multi": KindCalibration(
        fitters={
            "none": lambda truth, p: ((1.0,) * p.shape[1], (0.0,) * p.shape[1]),
            "temperature": _fit_shared_temperature,
            "per_label": _fit_per_label,
        },
        parameter_counts=lambda k: (k, k),
        apply=_apply_to_sigmoids,
        log_losses=lambda truth, p: -np.log(np.maximum(np.where(truth > 0, p, 1 - p), _EPSILON)).mean(axis=1),
        confidence=_multilabel_confidence,
        outcomes=lambda truth, p: (p, (truth > 0).astype(np.float64)),
        curve_names=lambda space: space.names,
        squared_errors=lambda truth, p: ((p - truth) ** 2).mean(axis=1),
        is_brier_proportion=True,
        tune_thresholds=_tune_multilabel,
    ),
}
"""Kind of label space → its calibration; a regression has none."""
