"""Losses by kind of label space, with class weights of mean 1 over train."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from sentir.corpus.labels import LabelSpace

UNLABELED = -100
Loss = Callable[..., Tensor]
_POWER = {"none": 0.0, "sqrt": 0.5, "inverse": 1.0}


def encode_targets(space: LabelSpace, labels: list[tuple[str, ...] | None]) -> Tensor:
    """Encode N labels for a loss: ``(N,)`` int64 or ``(N, K)`` float32, `UNLABELED` where there are none."""
    known = [row for row in labels if row is not None]
    encoded = torch.from_numpy(space.encode(known))
    targets = torch.full((len(labels), *encoded.shape[1:]), UNLABELED, dtype=encoded.dtype)
    targets[[n for n, row in enumerate(labels) if row is not None]] = encoded
    return targets


def class_weights(space: LabelSpace, targets: Tensor, balance: str) -> Tensor:
    """Weigh labels by their counts on train, ``count ** -power``, power 0, ½ or 1 for none, sqrt and inverse.

    Returns:
        ``(K,)``: for one label, weights with mean 1 over the train utterances; for several, the weight of a
        present label, ``(absent / present) ** power``.
    """
    return _WEIGHTS[space.kind](targets, len(space), _POWER[balance])


def _single_weights(targets: Tensor, k: int, power: float) -> Tensor:
    counts = torch.bincount(targets[targets != UNLABELED], minlength=k).double()
    weights = counts.clamp(min=1) ** -power
    return (weights * counts.sum() / (weights * counts).sum()).float()


def _multi_weights(targets: Tensor, k: int, power: float) -> Tensor:
    present = (targets == 1).sum(0).double().clamp(min=1)
    absent = (targets == 0).sum(0).double().clamp(min=1)
    return ((absent / present) ** power).float()


def _single_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    losses = functional.cross_entropy(logits, labels, reduction="none", ignore_index=UNLABELED)
    return (losses * weights[labels.clamp(min=0)]).sum()


def _multi_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    losses = functional.binary_cross_entropy_with_logits(
        logits, labels.clamp(min=0), pos_weight=weights, reduction="none"
    )
    return losses[labels != UNLABELED].sum()


_WEIGHTS = {"single": _single_weights, "multi": _multi_weights}
_LOSSES = {"single": _single_loss, "multi": _multi_loss}


def make_loss(space: LabelSpace, weights: Tensor) -> Loss:
    """Return ``loss(logits, labels, num_items_in_batch)``: the weighted sum divided by the number of labels."""
    total = _LOSSES[space.kind]

    def loss(logits: Tensor, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        items = (labels != UNLABELED).sum() if num_items_in_batch is None else num_items_in_batch
        return total(logits, labels, weights.to(logits.device)) / max(int(items), 1)

    return loss
