"""Sampling weights that balance the labels of a train split."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentir.training.losses import UNLABELED


def balanced_weights(targets: Tensor, units: list[list[int]]) -> NDArray[np.float64]:
    """Return the probabilities of drawing each of U units with which all labels are drawn equally often.

    This equals drawing a label uniformly, then an utterance with it; in a multi-label task, "none" is one more
    label. A dialogue gets the mean weight of its utterances; units without labels are never drawn.

    Args:
        targets: ``(N,)`` or ``(N, K)``, see `sentir.training.losses.encode_targets`.
        units: rows of each unit.
    """
    indicators = _label_indicators(targets)
    counts = indicators.sum(0)
    present = counts > 0
    row_weights = (indicators[:, present] / counts[present]).sum(1)
    weights = np.array([row_weights[rows].mean() for rows in units])
    return weights / weights.sum()


def _label_indicators(targets: Tensor) -> NDArray[np.float64]:
    """Return ``(N, L)``, 1 where an utterance has a label; in a multi-label task the last column is "none"."""
    if targets.ndim == 1:
        labeled = targets != UNLABELED
        indicators = torch.zeros(len(targets), int(targets.max().clamp(min=0)) + 1)
        indicators[labeled, targets[labeled]] = 1
    else:
        none = (targets == 0).all(1, keepdim=True)
        indicators = torch.cat([targets == 1, none], dim=1)
    return indicators.double().numpy()
