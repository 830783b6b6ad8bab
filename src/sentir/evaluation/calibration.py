"""Probabilities that mean what they say, and when a model says that it is not sure; both fitted on dev.

A temperature divides the logits (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017). Where
several labels may hold, each has its own, and a bias besides (Platt, 1999): losses that weigh present labels move
them all. The most probable of labels that exclude one another stays, and so does the order of utterances for a
label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.evaluation.thresholds import tune_thresholds

COVERAGE = 0.8  # share of dev on which a model is sure
COOLEST, HOTTEST, FARTHEST = 0.05, 20.0, 10.0  # temperatures and bias that are looked at
_SURELY_POSSIBLE = 1e-12  # a true label of probability 0 would cost without end

Array = NDArray[np.float64]
Fit = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What dev taught about a model's probabilities.

    Attributes:
        temperature: what logits are divided by: one number for one label, one per label for several.
        bias: what is added to them then, one per label for several; empty for one label.
        sure: the confidence from which on the model is sure.
        coverage: the share of dev on which it is, as stated.
    """

    temperature: tuple[float, ...]
    bias: tuple[float, ...]
    sure: float
    coverage: float = COVERAGE

    def apply(self, predictions: Predictions) -> Predictions:
        """Return calibrated predictions."""
        p = tempered(predictions.space, predictions.probabilities, self.temperature, self.bias)
        return replace(predictions, probabilities=p)

    def not_sure(
        self, predictions: Predictions, thresholds: NDArray[np.floating] | None = None
    ) -> dict[str, bool]:
        """Return id → whether the model is not sure of what it says with these thresholds."""
        held = confidence(predictions.space, predictions.probabilities, thresholds)
        return dict(zip(predictions.ids, (held < self.sure).tolist(), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any], space: LabelSpace) -> Calibration:
        """Return what `to_dict` made plain.

        Raises:
            KeyError, TypeError, ValueError: if something is missing, or does not fit the space.
        """
        temperature, bias = (tuple(float(t) for t in tree[name]) for name in ("temperature", "bias"))
        sure, coverage = float(tree["sure"]), float(tree["coverage"])
        if (len(temperature), len(bias)) != _WIDTHS[space.kind](len(space)):
            raise ValueError("temperature and bias")
        if not (all(0 < t < np.inf for t in temperature) and np.isfinite([*bias, sure]).all()):
            raise ValueError("numbers")
        if not 0 < coverage <= 1:
            raise ValueError("coverage")
        return cls(temperature, bias, sure, coverage)


def calibrate(space: LabelSpace, truth: NDArray, probabilities: Array) -> Calibration | None:
    """Fit temperature and bias, then the confidence that is sure, on labeled rows (give those of dev).

    Args:
        truth: what `LabelSpace.encode` makes, N rows.
        probabilities: ``(N, K)``, not calibrated.

    Returns:
        The calibration; ``None`` where a number is recognized.
    """
    fitted = fit_logits(space, truth, probabilities)
    if fitted is None:
        return None
    p = tempered(space, probabilities, *fitted)
    held = confidence(space, p, tune_thresholds(space, truth, p))
    return Calibration(*fitted, sure_from(held, COVERAGE))


def fit_logits(space: LabelSpace, truth: NDArray, probabilities: Array) -> Fit | None:
    """Return temperature and bias, as `Calibration` keeps them, of least negative log-likelihood.

    The likelihood is concave in 1 / temperature and bias, so that there is one best. It is looked for from
    `COOLEST` to `HOTTEST`, and up to `FARTHEST`. A label that all rows carry, or none, stays as it is.

    Returns:
        Both; ``None`` where a number is recognized.
    """
    return _FITS[space.kind](truth, np.asarray(probabilities, dtype=np.float64))


def tempered(
    space: LabelSpace, probabilities: Array, temperature: tuple[float, ...], bias: tuple[float, ...]
) -> Array:
    """Return ``(N, K)`` probabilities of logits divided by the temperature, with the bias added."""
    return _TEMPERS[space.kind](probabilities, np.array(temperature), np.array(bias))


def confidence(space: LabelSpace, probabilities: Array, thresholds: NDArray[np.floating] | None = None) -> Array:
    """Return what share of each answer is right by its own probabilities, ``(N,)``.

    For one label, the probability of the most probable one. For several, the mean over labels of the probability
    of what was decided: p of a label that is said, 1 - p of one that is not.

    Raises:
        KeyError: where a number is recognized, which comes without a probability.
    """
    return _CONFIDENCES[space.kind](space, probabilities, thresholds)


def confidences(predictions: Predictions, thresholds: NDArray[np.floating] | None = None) -> dict[str, float]:
    """Return id → `confidence`; nothing where a number is recognized."""
    if predictions.space.kind not in _CONFIDENCES:
        return {}
    found = confidence(predictions.space, predictions.probabilities, thresholds)
    return dict(zip(predictions.ids, found.tolist(), strict=True))


def right(space: LabelSpace, truth: NDArray, decided: NDArray) -> Array:
    """Return what share of each answer is right, ``(N,)``: 0 or 1 for one label, of K decisions for several."""
    same = np.asarray(truth == decided, dtype=np.float64)
    return same if same.ndim == 1 else same.mean(axis=1)


def sure_from(held: Array, coverage: float) -> float:
    """Return the confidence that at least the share ``coverage`` of these confidences reaches."""
    return float(np.sort(held)[int(len(held) * (1 - coverage) + 1e-9)])


def _fit_one(truth: NDArray, p: Array) -> Fit:
    from scipy.optimize import minimize_scalar

    logits, rows = np.log(np.maximum(p, _SURELY_POSSIBLE)), np.arange(len(p))

    def loss(logarithm: float) -> float:
        z = logits / np.exp(logarithm)
        return float((np.logaddexp.reduce(z, axis=1) - z[rows, truth]).mean())

    found = minimize_scalar(loss, bounds=np.log([COOLEST, HOTTEST]), method="bounded")
    return (float(np.exp(found.x)),), ()


def _fit_each(truth: NDArray, p: Array) -> Fit:
    found = [_fit_yes_or_no(truth[:, k] > 0, p[:, k]) for k in range(p.shape[1])]
    return tuple(temperature for temperature, _bias in found), tuple(bias for _temperature, bias in found)


def _fit_yes_or_no(present: NDArray[np.bool_], p: Array) -> tuple[float, float]:
    from scipy.optimize import minimize

    if present.all() or not present.any():
        return 1.0, 0.0
    z, sign = _logit(np.clip(p, _SURELY_POSSIBLE, 1 - _SURELY_POSSIBLE)), np.where(present, 1, -1)

    def loss_and_slope(x: Array) -> tuple[float, Array]:
        margin = sign * (x[0] * z + x[1])
        slope = -sign * np.exp(-np.logaddexp(0, margin))
        return float(np.logaddexp(0, -margin).mean()), np.array([(slope * z).mean(), slope.mean()])

    bounds = [(1 / HOTTEST, 1 / COOLEST), (-FARTHEST, FARTHEST)]
    found = minimize(loss_and_slope, [1.0, 0.0], jac=True, bounds=bounds, method="L-BFGS-B", tol=1e-10)
    return float(1 / found.x[0]), float(found.x[1])


def _temper_one(p: Array, temperature: Array, bias: Array) -> Array:
    with np.errstate(divide="ignore"):  # a probability of 0 stays 0
        z = np.log(p) / temperature
    z = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
    return z / z.sum(axis=1, keepdims=True)


def _temper_each(p: Array, temperature: Array, bias: Array) -> Array:
    with np.errstate(divide="ignore"):  # 0 stays 0 and 1 stays 1
        return np.exp(-np.logaddexp(0, -(_logit(p) / temperature + bias)))


def _logit(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)


def _of_one(space: LabelSpace, p: Array, thresholds: NDArray[np.floating] | None) -> Array:
    return p.max(axis=1)


def _of_each(space: LabelSpace, p: Array, thresholds: NDArray[np.floating] | None) -> Array:
    return np.where(space.decide(p, thresholds) > 0, p, 1 - p).mean(axis=1)


_WIDTHS: dict[str, Callable[[int], tuple[int, int]]] = {"single": lambda k: (1, 0), "multi": lambda k: (k, k)}
_FITS: dict[str, Callable[[NDArray, Array], Fit | None]] = {
    "single": _fit_one,
    "multi": _fit_each,
    "regression": lambda truth, p: None,
}
_TEMPERS: dict[str, Callable[[Array, Array, Array], Array]] = {"single": _temper_one, "multi": _temper_each}
_CONFIDENCES: dict[str, Callable[[LabelSpace, Array, NDArray[np.floating] | None], Array]] = {
    "single": _of_one,
    "multi": _of_each,
}
