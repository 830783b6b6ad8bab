"""Exponential moving average (EMA) of a model's weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import TrainerCallback


class EMACallback(TrainerCallback):
    """Averages weights after each step, ``a ← d · a + (1 - d) · w`` (Polyak and Juditsky 1992).

    After n steps, d is at most ``(1 + n) / (10 + n)``, so that the initial weights are soon forgotten.
    The average is what is scored on dev and kept.

    Args:
        model: whose weights and batch-norm statistics are averaged.
        decay: d, in 0-1.

    Attributes:
        steps: n.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay, self.steps = model, decay, 0
        self._average: dict[str, Tensor] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Start from the current weights, or the average of a resumed training."""
        state = self.model.state_dict()
        average = self._average or {name: tensor.detach().clone() for name, tensor in state.items()}
        self._average = {name: average[name].to(tensor.device) for name, tensor in state.items()}

    @torch.no_grad()
    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Update the average."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self._average[name].lerp_(tensor, 1 - decay)
            else:
                self._average[name].copy_(tensor)

    @contextmanager
    def average_parameters(self) -> Iterator[None]:
        """Use the average as the model's weights inside the block."""
        weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self._average)
        try:
            yield
        finally:
            self.model.load_state_dict(weights)

    def save(self, file: Path) -> None:
        """Write the average as safetensors."""
        save_file({name: tensor.contiguous() for name, tensor in self._average.items()}, file)

    def load(self, file: Path, steps: int) -> None:
        """Load a saved average of so many steps."""
        self._average, self.steps = load_file(file), steps
