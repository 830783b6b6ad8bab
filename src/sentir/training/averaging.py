"""The average of a model's weights over its last steps, which is steadier than any one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import TrainerCallback


class WeightAverage(TrainerCallback):
    """An exponential moving average, ``a ← d · a + (1 - d) · w`` after every step (Polyak and Juditsky 1992).

    After n steps ``d`` is at most ``(1 + n) / (10 + n)``, so that the first weights are soon forgotten. Dev
    scores the average; the best one lies on disk.

    Args:
        model: whose weights, running statistics of batch norms included, are averaged.
        decay: d, in 0-1.
        file: where the best average is kept.
    """

    def __init__(self, model: nn.Module, decay: float, file: Path) -> None:
        self.model, self.decay, self.file = model, decay, file
        self._steps, self._best = 0, float("-inf")
        self._average: dict[str, Tensor] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Begin with the weights as they are."""
        self._average = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    @torch.no_grad()
    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Move the average a step towards the weights."""
        self._steps += 1
        decay = min(self.decay, (1 + self._steps) / (10 + self._steps))
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self._average[name].lerp_(tensor, 1 - decay)
            else:
                self._average[name].copy_(tensor)

    def scoring(self, score: Callable[[], float]) -> Callable[[], float]:
        """Return a function that scores the average instead of the model as it is, and keeps the best on disk."""

        def scored() -> float:
            with self._in_place():
                found = score()
            if found > self._best:
                self._best = found
                save_file({k: v.contiguous() for k, v in self._average.items()}, self.file)
            return found

        return scored

    def load_best(self) -> None:
        """Leave the model with the best average."""
        self.model.load_state_dict(load_file(self.file))

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        now = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self._average)
        try:
            yield
        finally:
            self.model.load_state_dict(now)
