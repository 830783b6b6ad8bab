"""Exponential moving average (EMA) of a model's weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from transformers import TrainerCallback


class EMACallback(TrainerCallback):
    """Averages weights after each step, ``a ← d · a + (1 - d) · w`` (Polyak and Juditsky 1992).

    After n steps, d is at most ``(1 + n) / (10 + n)``, so that the initial weights are soon forgotten.
    The average is what is scored on dev and kept.

    Args:
        model: whose weights and batch-norm statistics are averaged.
        decay: d, in 0-1.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = model
        self._average = AveragedModel(model, multi_avg_fn=partial(_update, decay), use_buffers=True)

    def on_train_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Start from the current weights, unless a training is resumed."""
        if not self._average.n_averaged:
            self._average.update_parameters(self.model)

    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Update the average."""
        self._average.update_parameters(self.model)

    @contextmanager
    def average_parameters(self) -> Iterator[None]:
        """Use the average as the model's weights inside the block."""
        weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self._average.module.state_dict())
        try:
            yield
        finally:
            self.model.load_state_dict(weights)

    def save(self, file: Path) -> None:
        """Write the average as safetensors."""
        save_model(self._average, str(file))

    def load(self, file: Path) -> None:
        """Load a saved average."""
        load_model(self._average, file)


@torch.no_grad()
def _update(max_decay: float, average: list[Tensor], current: list[Tensor], num_steps: Tensor) -> None:
    """Average tensors of one type; integers, such as counts of batches, are those of the current model."""
    if average[0].is_floating_point():
        n = int(num_steps)
        torch._foreach_lerp_(average, current, 1 - min(max_decay, (1 + n) / (10 + n)))
    else:
        torch._foreach_copy_(average, current)
