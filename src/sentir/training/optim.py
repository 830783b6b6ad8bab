"""Optimizer settings: learning rates by depth, weight decay of matrices, frozen first epochs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from torch import nn
from transformers import TrainerCallback

from sentir.recipe import TrainSettings

_LAYER = re.compile(r"(?:[A-Za-z_]+\.)*\w*\d+(?=\.)")  # a path up to the first part that ends in a number


def get_pretrained_prefixes(model: nn.Module) -> tuple[str, ...]:
    """Return the name prefixes of a model's pretrained parameters."""
    return cast(tuple[str, ...], model.pretrained_prefixes)


def parameter_groups(model: nn.Module, settings: TrainSettings) -> list[dict[str, Any]]:
    """Group trainable parameters by learning rate and weight decay, which only matrices have."""
    scales: dict[str, float] = {}
    names = [name for name, _parameter in model.named_parameters()]
    for prefix in get_pretrained_prefixes(model):
        scales |= layer_lr_scales([name for name in names if name.startswith(prefix)], settings.layer_decay)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rate = settings.encoder_lr * scales[name] if name in scales else settings.lr
            groups.setdefault((rate, parameter.ndim > 1), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": settings.weight_decay if decays else 0.0}
        for (rate, decays), parameters in groups.items()
    ]


def layer_lr_scales(names: Sequence[str], layer_decay: float) -> dict[str, float]:
    """Return the learning-rate factor of each parameter, ``layer_decay`` to the number of layers above it.

    A layer is a path up to its first number (``encoder.layer.3``, ``blocks.0``); layers are in the order of
    ``names``, from the input up. A name without a number belongs to the layer before it, or below the first one.
    Source: Howard and Ruder 2018; Clark et al. 2020 (ELECTRA).
    """
    order: dict[str, int] = {}
    depths = {}
    for name in names:
        layer = _LAYER.match(name)
        depths[name] = order.setdefault(layer[0], len(order) + 1) if layer else len(order)
    return {name: layer_decay ** (len(order) - depth) for name, depth in depths.items()}


class FreezePretrained(TrainerCallback):
    """Freezes pretrained parts in the first epochs: no gradients, no dropout, no batch-norm updates."""

    def __init__(self, model: nn.Module, epochs: int) -> None:
        self._parts = [model.get_submodule(part.rstrip(".")) for part in get_pretrained_prefixes(model)]
        self._parameters = [p for part in self._parts for p in part.parameters() if p.requires_grad]
        self._epochs, self._frozen = epochs, False

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Freeze or unfreeze."""
        self._frozen = int(state.epoch or 0) < self._epochs
        for parameter in self._parameters:
            parameter.requires_grad_(not self._frozen)

    def set_eval_mode(self) -> None:
        """Put frozen parts in evaluation mode, since Trainer puts the whole model in training mode."""
        for part in self._parts if self._frozen else ():
            part.eval()
