"""Several tasks learned by one model: the recipe's own, and beside it those of ``model.auxiliary_tasks``.

The network gives the logits of all tasks side by side, its own first: a head for each over everything else in
common. Labels of the others enter the loss and nothing else.
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
    """A task that a model recognizes, and what dev taught about its answers.

    Attributes:
        space: its labels.
        calibration: ``None`` where a number is recognized.
        thresholds: ``(K,)`` for several labels; ``None`` for one.
    """

    space: LabelSpace
    calibration: Calibration | None
    thresholds: NDArray[np.float64] | None

    @classmethod
    def calibrate(
        cls, predictions: Predictions, labels: Mapping[str, tuple[Label, ...]], groups: Mapping[str, str]
    ) -> tuple[Task, Predictions]:
        """Fit calibration and thresholds on the labeled ones of N predictions (give those of dev).

        Args:
            labels: id → labels.
            groups: id → dialogue or speaker; an utterance of none stands alone.

        Returns:
            The task, and all N predictions calibrated.
        """
        space, truth = predictions.label_space, predictions.label_space.encode(labels.values())
        p, keys = predictions.select(labels).probabilities, [groups[key] or key for key in labels]
        task = cls(space, fit_calibration(space, truth, p, keys), None)
        found = task.apply(predictions)
        cuts = tune_thresholds(space, truth, found.select(labels).probabilities)
        return replace(task, thresholds=cuts), found

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
    """Return a name for each output of a network that recognizes these tasks, ``task.label``."""
    return tuple(f"{space.task}.{name}" for space in spaces for name in space.names)
