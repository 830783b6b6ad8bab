"""Losses by kind of label space, with class weights of mean 1 over train."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from sentir.corpus.labels import Label, LabelSpace
from sentir.recipe import TrainSettings

UNLABELED = -100
Loss = Callable[..., Tensor]
_WEIGHT_POWERS = {"none": 0.0, "sqrt": 0.5, "inverse": 1.0}


def encode_targets(space: LabelSpace, labels: Sequence[tuple[Label, ...] | None]) -> Tensor:
    """Encode N labels for a loss: `LabelSpace.targets`, `UNLABELED` where there are none."""
    known = [row for row in labels if row is not None]
    encoded = torch.from_numpy(space.encode_targets(known))
    targets = torch.full((len(labels), *encoded.shape[1:]), UNLABELED, dtype=encoded.dtype)
    targets[[n for n, row in enumerate(labels) if row is not None]] = encoded
    return targets


def stack_targets(targets: Tensor, other_targets: Sequence[Tensor]) -> Tensor:
    """Lay targets of the same N rows side by side, ``(N, C)`` float32; without ``other_targets`` they stay the same."""
    if not other_targets:
        return targets
    return torch.cat([t.reshape(len(t), -1).float() for t in (targets, *other_targets)], dim=1)


def class_weights(space: LabelSpace, targets: Tensor, weighting: str) -> Tensor:
    """Weigh labels by their counts on train, ``count ** -power``, power 0, ½ or 1 for none, sqrt and inverse.

    Returns:
        ``(K,)``: for one label, weights with mean 1 over the train utterances; for several, the weight of a
        present label, ``(absent / present) ** power``.
    """
    return _WEIGHTS[space.kind](targets, len(space), _WEIGHT_POWERS[weighting])


def _single_weights(targets: Tensor, num_labels: int, power: float) -> Tensor:
    counts = torch.bincount(targets[targets != UNLABELED], minlength=num_labels).double()
    weights = counts.clamp(min=1) ** -power
    return (weights * counts.sum() / (weights * counts).sum()).float()


def _multi_weights(targets: Tensor, num_labels: int, power: float) -> Tensor:
    present = (targets == 1).sum(0).double().clamp(min=1)
    absent = (targets == 0).sum(0).double().clamp(min=1)
    return ((absent / present) ** power).float()


def _regression_weights(targets: Tensor, num_labels: int, power: float) -> Tensor:
    return torch.ones(num_labels)  # numbers are not counted


def _single_loss(
    logits: Tensor, labels: Tensor, weights: Tensor, focal_gamma: float, label_smoothing: float
) -> Tensor:
    if not focal_gamma:
        losses = functional.cross_entropy(
            logits, labels, weights, reduction="none", ignore_index=UNLABELED, label_smoothing=label_smoothing
        )
        return losses.sum()
    known = labels != UNLABELED
    logs = logits[known].log_softmax(-1)
    wanted = (
        functional.one_hot(labels[known], logits.shape[-1]) * (1 - label_smoothing)
        + label_smoothing / logits.shape[-1]
    )
    return -(wanted * weights * _focal_factor(logs, focal_gamma) * logs).sum()


def _multi_loss(
    logits: Tensor, labels: Tensor, weights: Tensor, focal_gamma: float, label_smoothing: float
) -> Tensor:
    wanted = labels.clamp(min=0) * (1 - label_smoothing) + label_smoothing / 2
    if focal_gamma:
        present, absent = functional.logsigmoid(logits), functional.logsigmoid(-logits)
        losses = -weights * wanted * _focal_factor(present, focal_gamma) * present
        losses -= (1 - wanted) * _focal_factor(absent, focal_gamma) * absent
    else:
        losses = functional.binary_cross_entropy_with_logits(logits, wanted, pos_weight=weights, reduction="none")
    return losses[labels != UNLABELED].sum()


def _focal_factor(log_p: Tensor, focal_gamma: float) -> Tensor:
    """Return ``(1 - p) ** gamma`` of logarithms of p; the bound keeps the gradient finite where p is 1."""
    return (1 - log_p.exp()).clamp(min=1e-6) ** focal_gamma


def _regression_loss(
    logits: Tensor, labels: Tensor, weights: Tensor, focal_gamma: float, label_smoothing: float
) -> Tensor:
    """Sum absolute errors in half scales, as MMSA trains; what is about classes has no effect."""
    known = labels != UNLABELED
    return (logits[known].squeeze(-1) - labels[known]).abs().sum()


_WEIGHTS = {"single": _single_weights, "multi": _multi_weights, "regression": _regression_weights}
_LOSSES = {"single": _single_loss, "multi": _multi_loss, "regression": _regression_loss}


def log_priors(space: LabelSpace, targets: Tensor) -> Tensor:
    """Return ``(K,)`` logarithms of the labels' shares of train, as if a missing one had been seen once."""
    counts = torch.bincount(targets[targets != UNLABELED], minlength=len(space)).clamp(min=1).double()
    return (counts / counts.sum()).log().float()


def make_loss(
    space: LabelSpace,
    weights: Tensor,
    *,
    focal_gamma: float = 0.0,
    label_smoothing: float = 0.0,
    logit_adjustment: Tensor | None = None,
    rdrop: float = 0.0,
) -> Loss:
    """Return ``loss(logits, labels, num_items_in_batch)``: the weighted sum divided by the number of labels.

    A label k with the wanted share ``q`` (its target, smoothed) and the predicted probability ``p``, a softmax or
    sigmoid of the logits, costs ``-weights[k] · q · (1 - p) ** gamma · log p``: the weight stands outside of the
    modulating factor (Lin et al. 2017). Of several labels, ``1 - q`` costs the same of ``1 - p``, without weight.

    Args:
        space: of the labels.
        weights: ``(K,)`` as `class_weights` gives them.
        focal_gamma: of the focal loss; 0 is plain cross-entropy.
        label_smoothing: share of a target spread over all labels, or over present and absent.
        logit_adjustment: ``(K,)`` added to the logits here and nowhere else (Menon et al. 2021).
        rdrop: times `_disagreement` of two passes is added to the mean of their losses.

    Returns:
        A loss of ``(N, K)`` logits, or of those of two passes, ``(2, N, K)``.
    """
    total = _LOSSES[space.kind]

    def loss(logits: Tensor, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        items = (labels != UNLABELED).sum() if num_items_in_batch is None else num_items_in_batch
        if logit_adjustment is not None:
            logits = logits + logit_adjustment.to(logits.device)
        passes = logits if logits.ndim == 3 else logits[None]
        found = torch.stack(
            [total(z, labels, weights.to(z.device), focal_gamma, label_smoothing) for z in passes]
        ).mean()
        if rdrop:
            found = found + rdrop * _rdrop_penalty(space, passes, labels)
        return found / max(int(items), 1)

    return loss


def _rdrop_penalty(space: LabelSpace, passes: Tensor, labels: Tensor) -> Tensor:
    """Sum half of Jeffreys' divergence of two passes' probabilities over what is labeled.

    Of probabilities p, q of logits x, y (softmax or sigmoids), that is ``½ Σ (p - q) · (x - y)``. Source: R-Drop
    (Liang et al. 2021), whose alpha, added to the sum of both losses, is twice our ``consistency``.
    """
    p, q = passes.softmax(-1) if space.kind == "single" else passes.sigmoid()
    known = labels != UNLABELED
    return ((p - q) * (passes[0] - passes[1]))[known].sum() / 2


def recipe_loss(space: LabelSpace, targets: Tensor, settings: TrainSettings) -> Loss:
    """Return the loss that a recipe asks for, with weights and shares of the train targets."""
    return make_loss(
        space,
        class_weights(space, targets, settings.class_weights),
        focal_gamma=settings.focal_gamma if settings.loss == "focal" else 0.0,
        label_smoothing=settings.label_smoothing,
        rdrop=settings.rdrop,
        logit_adjustment=settings.logit_adjustment * log_priors(space, targets)
        if settings.logit_adjustment
        else None,
    )


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
