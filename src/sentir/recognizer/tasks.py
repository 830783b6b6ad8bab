"""The tasks of one model: the recipe's main task, and those of ``model.auxiliary_tasks``.

The tasks share all layers but the last. The logits of all tasks are concatenated, those of the main task first.
Labels of auxiliary tasks are used only in the loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.evaluation.calibration.fitting import Calibration, fit_calibration
from sentir.evaluation.calibration.thresholds import tune_thresholds


@dataclass(frozen=True)
class Task:
    """A task of a model, with calibration and thresholds fitted on dev.

    Attributes:
        space: its label space.
        calibration: ``None`` for regression.
        thresholds: ``(K,)`` for a multi-label task; ``None`` otherwise.
    """

    space: LabelSpace
    calibration: Calibration | None
    thresholds: NDArray[np.float64] | None

    @classmethod
    def calibrate(
        cls, predictions: Predictions, labels: Mapping[str, tuple[Label, ...]], groups: Mapping[str, str]
    ) -> tuple[Task, Predictions]:
        """Fit calibration and thresholds on N predictions for dev.

        Args:
            predictions: uncalibrated ones.
            labels: id → labels, of those that have any.
            groups: id → dialogue or speaker; ``""`` for an utterance that is its own group.

        Returns:
            The task, and all N predictions calibrated.
        """
        space, truth = predictions.label_space, predictions.label_space.encode(labels.values())
        p, keys = predictions.select(labels).probabilities, [groups[key] or key for key in labels]
        task = cls(space, fit_calibration(space, truth, p, keys), None)
        calibrated = task.apply(predictions)
        thresholds = tune_thresholds(space, truth, calibrated.select(labels).probabilities)
        return replace(task, thresholds=thresholds), calibrated

    def apply(self, predictions: Predictions) -> Predictions:
        """Return calibrated predictions."""
        return self.calibration.apply(predictions) if self.calibration else predictions

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "space": asdict(self.space),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "thresholds": None if self.thresholds is None else self.thresholds.tolist(),
        }


def output_names(spaces: Sequence[LabelSpace]) -> tuple[str, ...]:
    """Return the names ``task.label`` of the outputs of a network for these tasks."""
    return tuple(f"{space.task}.{name}" for space in spaces for name in space.names)
