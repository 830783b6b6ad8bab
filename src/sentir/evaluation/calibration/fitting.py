"""Calibration of probabilities, and the confidence below which a model abstains; both fitted on dev.

Logits are divided by a temperature (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).
Multi-label tasks have one temperature for all labels, or one per label with a bias (Platt, 1999), since losses
that weight present labels shift all of them. Calibration changes neither the most probable label in single-label
tasks nor the ranking of utterances for a label. The method, or none, is selected by cross-validation over
dialogues of dev.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.errors import RecognizerError
from sentir.evaluation.calibration.confidence import (
    compute_confidence,
    compute_correctness,
    find_confidence_threshold,
)
from sentir.evaluation.calibration.group_folds import assign_group_folds
from sentir.evaluation.calibration.kinds import CALIBRATIONS, Array, TemperatureAndBias
from sentir.evaluation.calibration.risk import RiskCurve, fit_risk_curve
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.i18n import _

TARGET_COVERAGE = 0.8  # share of dev that reaches the confidence threshold


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration of a model, fitted on dev.

    Attributes:
        temperature: divides the logits: one in single-label tasks, one per label in multi-label tasks.
        bias: is then added to them, one per label in multi-label tasks; empty in single-label tasks.
        confidence_threshold: below this confidence the model abstains.
        coverage: share of dev that reaches the threshold.
        method: one of `calibration_methods`.
        risk_curve: the error on dev of what each threshold keeps; ``None`` in models of format 6.
    """

    temperature: tuple[float, ...]
    bias: tuple[float, ...]
    confidence_threshold: float
    coverage: float = TARGET_COVERAGE
    method: str = "temperature"
    risk_curve: RiskCurve | None = None

    def apply(self, predictions: Predictions) -> Predictions:
        """Return calibrated predictions."""
        p = apply_temperature(predictions.label_space, predictions.probabilities, self.temperature, self.bias)
        return replace(predictions, probabilities=p)

    def threshold_for_error(self, max_error: float) -> float:
        """Return the lowest confidence at which at most this share of what is kept was wrong on dev.

        Raises:
            RecognizerError: if it is not a share, no threshold reaches it, or there is no risk–coverage curve.
        """
        if self.risk_curve is None:
            raise RecognizerError(
                _("The model was saved without a risk–coverage curve, so no threshold can be found for a maximum "
                  "error; train it again, or abstain at its own threshold.")
            )  # fmt: skip
        return self.risk_curve.find_threshold(max_error).confidence

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    def is_valid_for(self, space: LabelSpace) -> bool:
        """Whether method and values are possible for a label space."""
        numbers = [*self.temperature, *self.bias, self.confidence_threshold]
        return (
            self.method in calibration_methods(space)
            and (len(self.temperature), len(self.bias)) == CALIBRATIONS[space.kind].parameter_counts(len(space))
            and min(self.temperature) > 0
            and bool(np.isfinite(numbers).all())
            and 0 < self.coverage <= 1
            and (self.risk_curve is None or self.risk_curve.is_valid())
        )


def calibration_methods(space: LabelSpace) -> tuple[str, ...]:
    """Return the calibration methods for a label space, the simplest first; none in regression."""
    return tuple(CALIBRATIONS[space.kind].fitters) if space.kind in CALIBRATIONS else ()


def fit_calibration(
    space: LabelSpace, truth: NDArray, probabilities: Array, groups: Sequence[str], method: str | None = None
) -> Calibration | None:
    """Fit temperature and bias, then the confidence threshold, on labeled utterances of dev.

    Args:
        space: of the task.
        truth: encoded labels (`LabelSpace.encode`), N rows.
        probabilities: ``(N, K)``, not calibrated.
        groups: N dialogue keys.
        method: one of `calibration_methods`; none = that of `select_calibration_method`.

    Returns:
        The calibration; ``None`` in regression.
    """
    if not calibration_methods(space):
        return None
    method = method or select_calibration_method(space, truth, probabilities, groups)
    fitted = fit_temperature_and_bias(space, truth, probabilities, method)
    p = apply_temperature(space, probabilities, *fitted)
    thresholds = tune_thresholds(space, truth, p)
    confidences = compute_confidence(space, p, thresholds)
    correctness = compute_correctness(space, truth, space.decide(p, thresholds))
    return Calibration(
        *fitted,
        find_confidence_threshold(confidences, TARGET_COVERAGE),
        method=method,
        risk_curve=fit_risk_curve(confidences, correctness),
    )


def select_calibration_method(
    space: LabelSpace, truth: NDArray, probabilities: Array, groups: Sequence[str]
) -> str:
    """Select the method with the best log-likelihood in cross-validation over dialogues.

    A method replaces a simpler one only if it improves by more than one standard error of the improvement over
    dialogues (Breiman et al., "Classification and Regression Trees", 1984). A single dialogue is divided by
    utterances. Arguments as in `fit_calibration`.
    """
    index, folds = assign_group_folds(groups)
    count = int(index.max()) + 1
    if count < 2:
        return calibration_methods(space)[0]
    best, *others = calibration_methods(space)
    losses = _held_out_losses(space, truth, probabilities, folds, best)
    for method in others:
        new_losses = _held_out_losses(space, truth, probabilities, folds, method)
        gains = np.bincount(index, losses - new_losses, minlength=count)
        if gains.sum() > np.sqrt(count) * gains.std(ddof=1):
            best, losses = method, new_losses
    return best


def _held_out_losses(
    space: LabelSpace, truth: NDArray, p: Array, folds: NDArray[np.integer], method: str
) -> Array:
    """Return the negative log-likelihood of each row, calibrated on the other folds, ``(N,)``."""
    losses = np.zeros(len(truth))
    for fold in range(int(folds.max()) + 1):
        held_out = folds == fold
        fitted = fit_temperature_and_bias(space, truth[~held_out], p[~held_out], method)
        calibrated = apply_temperature(space, p[held_out], *fitted)
        losses[held_out] = CALIBRATIONS[space.kind].log_losses(truth[held_out], calibrated)
    return losses


def fit_temperature_and_bias(
    space: LabelSpace, truth: NDArray, probabilities: Array, method: str
) -> TemperatureAndBias:
    """Return the maximum likelihood estimates of temperature and bias, as in `Calibration`.

    The likelihood is concave in 1 / temperature and bias, so the maximum is unique. The search is bounded by
    `MIN_TEMPERATURE`, `MAX_TEMPERATURE` and `MAX_BIAS`. With a bias, a label that all rows or no rows have is
    left as it is. Arguments as in `fit_calibration`.
    """
    return CALIBRATIONS[space.kind].fitters[method](truth, np.asarray(probabilities, dtype=np.float64))


def apply_temperature(
    space: LabelSpace, probabilities: Array, temperature: tuple[float, ...], bias: tuple[float, ...]
) -> Array:
    """Return the probabilities ``(N, K)`` of logits divided by the temperature plus the bias."""
    return CALIBRATIONS[space.kind].apply(probabilities, np.array(temperature), np.array(bias))
