"""Which parameters move and how fast: rates by depth, decay of matrices alone, parts that stay still at first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from torch import nn
from transformers import TrainerCallback

from sentir.recipe import TrainSettings

_LAYER = re.compile(r"(?:[A-Za-z_]+\.)*\w*\d+(?=\.)")  # a path up to the first part that ends in a number


def pretrained_parts(model: nn.Module) -> tuple[str, ...]:
    """Return the prefixes of the parameters that a model did not begin with random numbers."""
    return cast(tuple[str, ...], model.pretrained_prefixes)


def parameter_groups(model: nn.Module, settings: TrainSettings) -> list[dict[str, Any]]:
    """Split what can move by learning rate, and by weight decay: matrices have it, norms and biases have not."""
    scales: dict[str, float] = {}
    names = [name for name, _parameter in model.named_parameters()]
    for part in pretrained_parts(model):
        scales |= layer_lr_scales([name for name in names if name.startswith(part)], settings.layer_decay)
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
    """Return what the rate of each parameter of one network is multiplied by: ``layer_decay`` once per layer above it.

    A layer is a path up to its first number (``encoder.layer.3``, ``blocks.0``), and layers come in the order of
    ``names``, from the input up. What has no number belongs below the first layer or to the last one before it.
    Source: Howard and Ruder 2018; Clark et al. 2020 (ELECTRA).
    """
    order: dict[str, int] = {}
    depths = {}
    for name in names:
        found = _LAYER.match(name)
        depths[name] = order.setdefault(found[0], len(order) + 1) if found else len(order)
    return {name: layer_decay ** (len(order) - depth) for name, depth in depths.items()}


class FreezePretrained(TrainerCallback):
    """Keeps pretrained parts still for the first epochs: no gradients, no dropout, no moving batch statistics."""

    def __init__(self, model: nn.Module, epochs: int) -> None:
        self._parts = [model.get_submodule(part.rstrip(".")) for part in pretrained_parts(model)]
        self._parameters = [p for part in self._parts for p in part.parameters() if p.requires_grad]
        self._epochs, self._frozen = epochs, False

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Freeze or thaw."""
        self._frozen = int(state.epoch or 0) < self._epochs
        for parameter in self._parameters:
            parameter.requires_grad_(not self._frozen)

    def set_eval_mode(self) -> None:
        """Put what is frozen in evaluation mode, after the engine has put the whole model in training mode."""
        for part in self._parts if self._frozen else ():
            part.eval()
