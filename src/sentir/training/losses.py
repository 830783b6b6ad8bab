"""Losses, one `KindLoss` for each kind of label space, with class weights of mean 1 over train."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from sentir.corpus.labels import Label, LabelSpace
from sentir.recipe import TrainSettings

UNLABELED = -100
Loss = Callable[..., Tensor]
_MIN_SPREAD = 1e-8  # keeps the gradient finite where predictions equal a constant truth
_WEIGHT_POWERS = {"none": 0.0, "sqrt": 0.5, "inverse": 1.0}


def encode_targets(space: LabelSpace, labels: Sequence[tuple[Label, ...] | None]) -> Tensor:
    """Encode the labels of N utterances as targets, see `LabelSpace.encode_targets`; `UNLABELED` for ``None``."""
    encoded = torch.from_numpy(space.encode_targets([row for row in labels if row is not None]))
    targets = torch.full((len(labels), *encoded.shape[1:]), UNLABELED, dtype=encoded.dtype)
    targets[[n for n, row in enumerate(labels) if row is not None]] = encoded
    return targets


def encode_soft_targets(
    space: LabelSpace, labels: Sequence[tuple[Label, ...] | None], scores: Sequence[Mapping[str, float]]
) -> Tensor:
    """Encode the votes or intensities of N utterances, see `LabelSpace.soft_labels`, as ``(N, K)`` float32.

    An utterance without them has its label, or is `UNLABELED`; one of whose votes no label has most counts too.
    """
    targets = torch.full((len(labels), len(space)), UNLABELED, dtype=torch.float32)
    for n, (row, own) in enumerate(zip(labels, scores, strict=True)):
        soft = space.soft_labels(own)
        if soft is None and row is not None:
            soft = tuple(float(name in row) for name in space.names)
        if soft is not None:
            targets[n] = torch.tensor(soft)
    return targets


def stack_targets(targets: Tensor, other_targets: Sequence[Tensor]) -> Tensor:
    """Concatenate the targets of several tasks, ``(N, C)`` float32; those of a single task stay unchanged."""
    if not other_targets:
        return targets
    return torch.cat([t.reshape(len(t), -1).float() for t in (targets, *other_targets)], dim=1)


def class_weights(space: LabelSpace, targets: Tensor, weighting: str) -> Tensor:
    """Return class weights ``count ** -power``; power is 0, ½ or 1 for ``none``, ``sqrt`` and ``inverse``.

    Returns:
        ``(K,)``: in a single-label task, weights with mean 1 over the train utterances; in a multi-label task,
        the weights of present labels, ``(absent / present) ** power``.
    """
    return _LOSSES[space.kind].class_weights(targets, len(space), _WEIGHT_POWERS[weighting])


def _single_weights(targets: Tensor, num_labels: int, power: float) -> Tensor:
    counts = _count_labels(targets, num_labels)
    weights = counts.clamp(min=1) ** -power
    return (weights * counts.sum() / (weights * counts).sum()).float()


def _multi_weights(targets: Tensor, num_labels: int, power: float) -> Tensor:
    present = targets.clamp(min=0).double().sum(0)
    absent = (targets != UNLABELED).double().sum(0) - present
    return ((absent.clamp(min=1) / present.clamp(min=1)) ** power).float()


def _count_labels(targets: Tensor, num_labels: int) -> Tensor:
    """Return how often single-label targets have each label, ``(K,)`` float64; soft ones count in parts."""
    if targets.ndim == 2:
        return targets.clamp(min=0).double().sum(0)
    return torch.bincount(targets[targets != UNLABELED], minlength=num_labels).double()


def _regression_weights(targets: Tensor, num_labels: int, power: float) -> Tensor:
    return torch.ones(num_labels)


def _single_loss(
    logits: Tensor, labels: Tensor, weights: Tensor, focal_gamma: float, label_smoothing: float
) -> Tensor:
    if labels.ndim == 1 and not focal_gamma:
        losses = functional.cross_entropy(
            logits, labels, weights, reduction="none", ignore_index=UNLABELED, label_smoothing=label_smoothing
        )
        return losses.sum()
    labeled = (labels if labels.ndim == 1 else labels[:, 0]) != UNLABELED
    log_p, targets = logits[labeled].log_softmax(-1), labels[labeled]
    if targets.ndim == 1:
        targets = functional.one_hot(targets, logits.shape[-1])
    targets = targets * (1 - label_smoothing) + label_smoothing / logits.shape[-1]
    factor = _focal_factor(log_p, focal_gamma) if focal_gamma else 1.0
    return -(targets * weights * factor * log_p).sum()


def _multi_loss(
    logits: Tensor, labels: Tensor, weights: Tensor, focal_gamma: float, label_smoothing: float
) -> Tensor:
    targets = labels.clamp(min=0) * (1 - label_smoothing) + label_smoothing / 2
    if focal_gamma:
        present, absent = functional.logsigmoid(logits), functional.logsigmoid(-logits)
        losses = -weights * targets * _focal_factor(present, focal_gamma) * present
        losses -= (1 - targets) * _focal_factor(absent, focal_gamma) * absent
    else:
        losses = functional.binary_cross_entropy_with_logits(
            logits, targets, pos_weight=weights, reduction="none"
        )
    return losses[labels != UNLABELED].sum()


def _focal_factor(log_p: Tensor, focal_gamma: float) -> Tensor:
    """Return ``(1 - p) ** gamma``; the clamp keeps gradients finite at p = 1."""
    return (1 - log_p.exp()).clamp(min=1e-6) ** focal_gamma


def _regression_loss(
    logits: Tensor, labels: Tensor, weights: Tensor, focal_gamma: float, label_smoothing: float
) -> Tensor:
    """Sum absolute errors in units of half the scale, as MMSA does."""
    labeled = labels != UNLABELED
    return (logits[labeled].squeeze(-1) - labels[labeled]).abs().sum()


def _concordance_loss(
    logits: Tensor, labels: Tensor, weights: Tensor, focal_gamma: float, label_smoothing: float
) -> Tensor:
    """Return 1 - CCC over the labeled rows (Lin 1989), times their number; 1 each if either side is constant."""
    labeled = labels != UNLABELED
    x, y = logits[labeled].squeeze(-1), labels[labeled].to(logits.dtype)
    if not len(x):
        return logits.sum() * 0
    x_mean, y_mean = x.mean(), y.mean()
    covariance = ((x - x_mean) * (y - y_mean)).mean()
    spread = (x - x_mean).square().mean() + (y - y_mean).square().mean() + (x_mean - y_mean).square()
    return len(x) * (1 - 2 * covariance / (spread + _MIN_SPREAD))


@dataclass(frozen=True, slots=True)
class KindLoss:
    """What training needs to know of one kind of label space.

    Attributes:
        sum_losses: sums the losses of one pass: logits, labels, weights, focal gamma and label smoothing.
        class_weights: makes the weights ``(K,)`` of targets, a number of labels and a power.
        probabilities: of logits, for the R-Drop penalty.
        settings: of the section ``train`` that have an effect on some kinds only, and have one on this one; of
            ``loss`` the values.
    """

    sum_losses: Callable[[Tensor, Tensor, Tensor, float, float], Tensor]
    class_weights: Callable[[Tensor, int, float], Tensor]
    probabilities: Callable[[Tensor], Tensor]
    settings: frozenset[str]


_CLASS_SETTINGS = frozenset(
    {"label_smoothing", "soft_labels", "loss = focal", "rdrop", "sampling", "class_weights"}
)
_LOSSES = {
    "single": KindLoss(
        _single_loss,
        _single_weights,
        lambda z: z.softmax(-1),
        _CLASS_SETTINGS | {"logit_adjustment", "kernel_ridge"},
    ),
    "multi": KindLoss(_multi_loss, _multi_weights, Tensor.sigmoid, _CLASS_SETTINGS),
    "regression": KindLoss(_regression_loss, _regression_weights, Tensor.sigmoid, frozenset({"loss = ccc"})),
}


def loss_settings(space: LabelSpace) -> frozenset[str]:
    """Return `KindLoss.settings` of a label space."""
    return _LOSSES[space.kind].settings


def log_priors(space: LabelSpace, targets: Tensor) -> Tensor:
    """Return ``(K,)`` log frequencies of the labels in train, with a count of at least one."""
    counts = _count_labels(targets, len(space)).clamp(min=1)
    return (counts / counts.sum()).log().float()


def make_loss(
    space: LabelSpace,
    weights: Tensor,
    *,
    ccc: bool = False,
    focal_gamma: float = 0.0,
    label_smoothing: float = 0.0,
    logit_adjustment: Tensor | None = None,
    rdrop: float = 0.0,
) -> Loss:
    """Return ``loss(logits, labels, num_items_in_batch)``: the weighted sum divided by the number of labels.

    The loss of label k is ``-weights[k] · q · (1 - p) ** gamma · log p``, with its smoothed target ``q`` and its
    predicted probability ``p``, a softmax or sigmoid of the logits (Lin et al. 2017). In a multi-label task the
    same term with ``1 - q`` and ``1 - p``, without a weight, is added. In regression it is the absolute error, in
    units of half the scale, or 1 - CCC over the labeled rows of a call.

    Args:
        space: of the labels.
        weights: ``(K,)``, see `class_weights`.
        ccc: whether the loss of a regression is 1 - CCC; without effect on other tasks.
        focal_gamma: of the focal loss; 0 is plain cross-entropy.
        label_smoothing: share of a target that is spread over all labels, or over present and absent.
        logit_adjustment: ``(K,)`` added to the logits in the loss only (Menon et al. 2021).
        rdrop: factor of the R-Drop penalty of two passes, which is added to the mean of their losses.

    Returns:
        A loss of ``(N, K)`` logits, or of those of two passes, ``(2, N, K)``, and of the targets of
        `encode_targets` or `encode_soft_targets`.
    """
    kind_loss = _LOSSES[space.kind]
    num_dimensions = space.encode([]).ndim  # of hard labels
    sum_losses = _concordance_loss if ccc and "loss = ccc" in kind_loss.settings else kind_loss.sum_losses

    def loss(logits: Tensor, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        items = (labels != UNLABELED).sum() if num_items_in_batch is None else num_items_in_batch
        if logit_adjustment is not None:
            logits = logits + logit_adjustment.to(logits.device)
        passes = logits if logits.ndim == 3 else logits[None]
        total = torch.stack(
            [sum_losses(z, labels, weights.to(z.device), focal_gamma, label_smoothing) for z in passes]
        ).mean()
        if rdrop:
            total = total + rdrop * _rdrop_penalty(passes, kind_loss.probabilities(passes), labels)
        columns = len(space) if labels.ndim > num_dimensions else 1  # of an utterance in ``items``
        return total * columns / max(int(items), 1)

    return loss


def _rdrop_penalty(passes: Tensor, probabilities: Tensor, labels: Tensor) -> Tensor:
    """Sum half of the Jeffreys divergence between two passes over labeled rows.

    For probabilities p, q of logits x, y, it is ``½ Σ (p - q) · (x - y)``. Source: R-Drop (Liang et al. 2021),
    whose alpha, which is added to the sum of both losses, is twice our ``rdrop``.
    """
    p, q = probabilities
    labeled = labels != UNLABELED
    return ((p - q) * (passes[0] - passes[1]))[labeled].sum() / 2


def recipe_loss(space: LabelSpace, targets: Tensor, settings: TrainSettings) -> Loss:
    """Return the loss of a recipe, with class weights and priors of the train targets."""
    return make_loss(
        space,
        class_weights(space, targets, settings.class_weights),
        ccc=settings.loss == "ccc",
        focal_gamma=settings.focal_gamma if settings.loss == "focal" else 0.0,
        label_smoothing=settings.label_smoothing,
        rdrop=settings.rdrop,
        logit_adjustment=settings.logit_adjustment * log_priors(space, targets)
        if settings.logit_adjustment
        else None,
    )


def multi_task_loss(spaces: Sequence[LabelSpace], targets: Sequence[Tensor], settings: TrainSettings) -> Loss:
    """Return the loss of one or several tasks: that of the first, plus ``auxiliary_weight`` times each other.

    The first is that of the recipe, the others are plain cross-entropy, or in regression the absolute error, or
    1 - CCC if that is the recipe's loss.
    The sum over a step is divided by its number of labels of all tasks, and each task is weighted by the inverse
    of its share of the labels in train. So all labels of a task have the same weight, and if none is missing, the
    loss of each task is the mean over its labels.

    Args:
        spaces: of T tasks.
        targets: of train, see `encode_targets`, for each task.
        settings: the recipe's ``train`` section.

    Returns:
        A loss of the ``(N, ΣK)`` logits, or of those of two passes, and of the targets of `stack_targets`.
    """
    main_loss = recipe_loss(spaces[0], targets[0], settings)
    if len(spaces) == 1:
        return main_loss
    losses = [main_loss, *(make_loss(s, torch.ones(len(s)), ccc=settings.loss == "ccc") for s in spaces[1:])]
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
        task_losses = [
            weight * task_loss(task_logits, (target if ndim > 1 else target.squeeze(-1)).to(dtype), items)
            for task_loss, weight, (ndim, dtype), task_logits, target in parts
        ]
        return torch.stack(task_losses).sum()

    return loss
