"""The confidence of predictions, and the share of each that is correct."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.evaluation.calibration.kinds import CALIBRATIONS

Array = NDArray[np.float64]


def compute_confidence(
    space: LabelSpace, probabilities: Array, thresholds: NDArray[np.floating] | None = None
) -> Array:
    """Return the confidence of each prediction, ``(N,)``: the expected share of it that is correct.

    In single-label tasks, the probability of the most probable label. In multi-label tasks, the mean over labels
    of the probability of the decision: p of a predicted label, 1 - p of another.

    Raises:
        KeyError: in regression, which has no probabilities.
    """
    return CALIBRATIONS[space.kind].confidence(space, probabilities, thresholds)


def compute_confidence_by_id(
    predictions: Predictions, thresholds: NDArray[np.floating] | None = None
) -> dict[str, float]:
    """Return id → confidence; nothing in regression."""
    if predictions.label_space.kind not in CALIBRATIONS:
        return {}
    confidences = compute_confidence(predictions.label_space, predictions.probabilities, thresholds)
    return dict(zip(predictions.ids, confidences.tolist(), strict=True))


def compute_correctness(space: LabelSpace, truth: NDArray, decisions: NDArray) -> Array:
    """Return the correct share of each prediction, ``(N,)``: 0 or 1, or a share of K multi-label decisions."""
    is_correct = np.asarray(truth == decisions, dtype=np.float64)
    return is_correct if is_correct.ndim == 1 else is_correct.mean(axis=1)


def find_confidence_threshold(confidences: Array, coverage: float) -> float:
    """Return the largest confidence that at least the share ``coverage`` of these confidences reaches."""
    return float(np.sort(confidences)[int(len(confidences) * (1 - coverage) + 1e-9)])
