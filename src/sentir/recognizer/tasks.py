"""Several tasks learned by one model: the recipe's own, and beside it those of ``model.auxiliary_tasks``.

The network gives the logits of all tasks side by side, its own first: a head for each over everything else in
common. Labels of the others enter the loss and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.evaluation.calibration.fitting import Calibration, fit_calibration
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.recipe import TrainSettings
from sentir.training.losses import UNLABELED, Loss, make_loss, recipe_loss


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


def multi_task_loss(spaces: Sequence[LabelSpace], targets: Sequence[Tensor], settings: TrainSettings) -> Loss:
    """Return the loss of one task or several: that of the first, plus ``also_weight`` times that of each other.

    The first has the loss that the recipe asks for, the others plain cross-entropy (absolute error of numbers).
    What a step learns from is divided by how many labels of all tasks there are in it, and each task is weighed
    back by its share of the labels of train. So every label of a task counts alike, however rare they are, and
    where no label is missing each loss is the mean over its own.

    Args:
        spaces: of T tasks.
        targets: of train, as `losses.encode_targets` gives them, for each task.
        settings: the recipe's.

    Returns:
        A loss of the ``(N, ΣK)`` logits, or of those of two passes, and of `losses.beside` of the targets.
    """
    own = recipe_loss(spaces[0], targets[0], settings)
    if len(spaces) == 1:
        return own
    losses = [own, *(make_loss(space, torch.ones(len(space))) for space in spaces[1:])]
    counts = [max(int((t != UNLABELED).sum()), 1) for t in targets]
    shares = [sum(counts) / count for count in counts]
    weights = [shares[0], *(settings.auxiliary_weight * share for share in shares[1:])]
    widths, columns = [len(space) for space in spaces], [t[:1].numel() for t in targets]
    shapes = [(t.ndim, t.dtype) for t in targets]

    def loss(logits: Tensor, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        items = (labels != UNLABELED).sum() if num_items_in_batch is None else num_items_in_batch
        parts = zip(
            losses, weights, shapes, logits.split(widths, dim=-1), labels.split(columns, dim=-1), strict=True
        )
        each = [
            weight * one(own_logits, (own if ndim > 1 else own.squeeze(-1)).to(dtype), items)
            for one, weight, (ndim, dtype), own_logits, own in parts
        ]
        return torch.stack(each).sum()

    return loss
