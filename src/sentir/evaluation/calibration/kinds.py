"""Calibration, confidence and decision thresholds by kind of label space: one class each, in one table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.i18n import _

MIN_TEMPERATURE, MAX_TEMPERATURE, MAX_BIAS = 0.05, 20.0, 10.0  # bounds of the search
_EPSILON = 1e-12  # smallest probability in a logarithm

Array = NDArray[np.float64]
Thresholds = NDArray[np.floating] | None
TemperatureAndBias = tuple[tuple[float, ...], tuple[float, ...]]
Fitter = Callable[[NDArray, Array], TemperatureAndBias]


class KindCalibration(ABC):
    """How the probabilities of a label space are calibrated, and what they are compared with.

    Attributes:
        fitters: method → function that fits temperature and bias, the simplest first.
        is_brier_proportion: whether the Brier score lies between 0 and 1.
    """

    fitters: ClassVar[Mapping[str, Fitter]]
    is_brier_proportion: ClassVar[bool] = False

    def __init__(self, space: LabelSpace) -> None:
        self.space = space

    @property
    @abstractmethod
    def parameter_counts(self) -> tuple[int, int]:
        """How many temperatures and biases there are."""

    @property
    def curve_names(self) -> tuple[str, ...]:
        """The names of the M reliability curves."""
        return ("",)

    @abstractmethod
    def apply(self, probabilities: Array, temperature: Array, bias: Array) -> Array:
        """Return the probabilities ``(N, K)`` of logits divided by the temperature plus the bias."""

    @abstractmethod
    def log_losses(self, truth: NDArray, probabilities: Array) -> Array:
        """Return the negative log-likelihood of each row, ``(N,)``, a mean over labels if there are several."""

    @abstractmethod
    def compute_confidence(self, probabilities: Array, thresholds: Thresholds) -> Array:
        """Return the confidence of each prediction, ``(N,)``."""

    @abstractmethod
    def pair_outcomes(self, truth: NDArray, probabilities: Array) -> tuple[Array, Array]:
        """Return probabilities and outcomes (1 if it happened, else 0), ``(N, M)`` each."""

    @abstractmethod
    def squared_errors(self, truth: NDArray, probabilities: Array) -> Array:
        """Return the Brier score of each row, ``(N,)``."""

    def tune_thresholds(self, truth: NDArray, probabilities: NDArray[np.floating]) -> Array | None:
        """Return the ``(K,)`` thresholds with the best F1 on labeled rows; ``None`` unless it is multi-label."""
        return None


def _fit_temperature(truth: NDArray, p: Array) -> TemperatureAndBias:
    logits, rows = np.log(np.maximum(p, _EPSILON)), np.arange(len(p))

    def loss(temperature: float) -> float:
        z = logits / temperature
        return float((np.logaddexp.reduce(z, axis=1) - z[rows, truth]).mean())

    return (_minimize_over_temperature(loss),), ()


class SingleLabelCalibration(KindCalibration):
    """One temperature; the confidence is the probability of the most probable label."""

    fitters: ClassVar[Mapping[str, Fitter]] = {
        "none": lambda truth, p: ((1.0,), ()),
        "temperature": _fit_temperature,
    }

    @property
    def parameter_counts(self) -> tuple[int, int]:
        """One temperature."""
        return 1, 0

    def apply(self, probabilities: Array, temperature: Array, bias: Array) -> Array:
        """Return calibrated probabilities; one of 0 stays 0."""
        with np.errstate(divide="ignore"):
            z = np.log(probabilities) / temperature
        z = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
        return z / z.sum(axis=1, keepdims=True)

    def log_losses(self, truth: NDArray, probabilities: Array) -> Array:
        """Return the negative log-likelihood of each label."""
        return -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], _EPSILON))

    def compute_confidence(self, probabilities: Array, thresholds: Thresholds) -> Array:
        """Return the probability of the most probable label."""
        return probabilities.max(axis=1)

    def pair_outcomes(self, truth: NDArray, probabilities: Array) -> tuple[Array, Array]:
        """Return the probability of the predicted label, and whether it is right; M = 1."""
        is_correct = truth == self.space.decide(probabilities)
        return probabilities.max(axis=1, keepdims=True), is_correct.astype(np.float64)[:, None]

    def squared_errors(self, truth: NDArray, probabilities: Array) -> Array:
        """Return the sum over labels, 0 to 2."""
        return ((probabilities - np.eye(len(self.space))[truth]) ** 2).sum(axis=1)


def _fit_shared_temperature(truth: NDArray, p: Array) -> TemperatureAndBias:
    margins = _logit(np.clip(p, _EPSILON, 1 - _EPSILON)) * np.where(truth > 0, 1, -1)
    best = _minimize_over_temperature(lambda temperature: float(np.logaddexp(0, -margins / temperature).mean()))
    return (best,) * p.shape[1], (0.0,) * p.shape[1]


def _fit_per_label(truth: NDArray, p: Array) -> TemperatureAndBias:
    fitted = [_fit_binary(truth[:, k] > 0, p[:, k]) for k in range(p.shape[1])]
    return tuple(temperature for temperature, _bias in fitted), tuple(bias for _temperature, bias in fitted)


class MultiLabelCalibration(KindCalibration):
    """A temperature and a bias per label; the confidence is the mean over labels of that of the decision."""

    fitters: ClassVar[Mapping[str, Fitter]] = {
        "none": lambda truth, p: ((1.0,) * p.shape[1], (0.0,) * p.shape[1]),
        "temperature": _fit_shared_temperature,
        "per_label": _fit_per_label,
    }
    is_brier_proportion: ClassVar[bool] = True

    @property
    def parameter_counts(self) -> tuple[int, int]:
        """A temperature and a bias per label."""
        return len(self.space), len(self.space)

    @property
    def curve_names(self) -> tuple[str, ...]:
        """The labels."""
        return self.space.names

    def apply(self, probabilities: Array, temperature: Array, bias: Array) -> Array:
        """Return calibrated probabilities; one of 0 stays 0 and one of 1 stays 1."""
        with np.errstate(divide="ignore"):
            return np.exp(-np.logaddexp(0, -(_logit(probabilities) / temperature + bias)))

    def log_losses(self, truth: NDArray, probabilities: Array) -> Array:
        """Return the mean over labels of their negative log-likelihoods."""
        of_truth = np.where(truth > 0, probabilities, 1 - probabilities)
        return -np.log(np.maximum(of_truth, _EPSILON)).mean(axis=1)

    def compute_confidence(self, probabilities: Array, thresholds: Thresholds) -> Array:
        """Return the mean over labels of the probability of the decision: p if predicted, else 1 - p."""
        is_predicted = self.space.decide(probabilities, thresholds) > 0
        return np.where(is_predicted, probabilities, 1 - probabilities).mean(axis=1)

    def pair_outcomes(self, truth: NDArray, probabilities: Array) -> tuple[Array, Array]:
        """Return the probability of each label, and whether the utterance has it; M = K."""
        return probabilities, (truth > 0).astype(np.float64)

    def squared_errors(self, truth: NDArray, probabilities: Array) -> Array:
        """Return the mean over labels, 0 to 1."""
        return ((probabilities - truth) ** 2).mean(axis=1)

    def tune_thresholds(self, truth: NDArray, probabilities: NDArray[np.floating]) -> Array:
        """Return the ``(K,)`` thresholds with the best F1; see `sentir.evaluation.calibration.thresholds`."""
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


_CALIBRATIONS: Mapping[str, type[KindCalibration]] = {
    "single": SingleLabelCalibration,
    "multi": MultiLabelCalibration,
}  # a regression is not calibrated


def find_calibration(space: LabelSpace) -> KindCalibration | None:
    """Return the calibration of a label space; ``None`` in regression."""
    kind_type = _CALIBRATIONS.get(space.kind)
    return None if kind_type is None else kind_type(space)


def get_calibration(space: LabelSpace) -> KindCalibration:
    """Return the calibration of a label space.

    Raises:
        KeyError: in regression, which has none.
    """
    return _CALIBRATIONS[space.kind](space)


def _minimize_over_temperature(loss: Callable[[float], float]) -> float:
    from scipy.optimize import minimize_scalar

    bounds = np.log([MIN_TEMPERATURE, MAX_TEMPERATURE])
    minimum = minimize_scalar(lambda logarithm: loss(float(np.exp(logarithm))), bounds=bounds, method="bounded")
    return float(np.exp(minimum.x))


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


def _logit(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)
