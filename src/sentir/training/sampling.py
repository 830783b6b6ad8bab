"""How often an utterance is drawn where labels are to be learned from equally often."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentir.training.losses import UNLABELED


def balanced_weights(targets: Tensor, units: list[list[int]]) -> NDArray[np.float64]:
    """Return the probability with which each of U units is drawn, so that labels are drawn equally often.

    As if a label were drawn first, each as likely as another, and then an utterance that has it; of several
    labels, "none of them" is one more. A unit that is a dialogue weighs as much as its utterances do on average;
    one without any label is never drawn.

    Args:
        targets: ``(N,)`` or ``(N, K)`` as `losses.encode_targets` gives them.
        units: rows of each unit.
    """
    held = _label_indicators(targets)
    counts = held.sum(0)
    present = counts > 0
    weights = (held[:, present] / counts[present]).sum(1)
    found = np.array([weights[rows].mean() for rows in units])
    return found / found.sum()


def _label_indicators(targets: Tensor) -> NDArray[np.float64]:
    """Return ``(N, L)``, 1 where an utterance has a label or, of several, none of them."""
    if targets.ndim == 1:
        known = targets != UNLABELED
        found = torch.zeros(len(targets), int(targets.max().clamp(min=0)) + 1)
        found[known, targets[known]] = 1
    else:
        present = targets == 1
        none = (targets == 0).all(1, keepdim=True)
        found = torch.cat([present, none], dim=1)
    return found.double().numpy()
