"""Callbacks that report on a training while it runs: progress bar, throughput and TensorBoard curves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from sentir.context_variables import set_in_block
from sentir.i18n import _
from sentir.optional_dependencies import require_extra
from sentir.paths import to_file_name
from sentir.progress import progress_bar
from sentir.training.hardware import peak_memory, reset_peak_memory

EpochCallback = Callable[[Mapping[str, float]], None]  # called with the results of each epoch
_logging_dir: ContextVar[Path | None] = ContextVar("logging_dir", default=None)


@contextmanager
def log_to_tensorboard(folder: Path | None) -> Iterator[None]:
    """Log each training of this block for TensorBoard, in a subfolder of its own; ``None`` for no logs.

    Raises:
        MissingDependencyError: if tensorboard is not installed.
    """
    if folder is not None:
        require_extra("tensorboard", "--tensorboard")
    with set_in_block(_logging_dir, folder):
        yield


@contextmanager
def make_tensorboard_logger(run_name: str) -> Iterator[TensorBoardLogger | None]:
    """Yield a logger for one training, inside `log_to_tensorboard`; ``None`` outside of it."""
    folder = _logging_dir.get()
    if folder is None:
        yield None
        return
    logger = TensorBoardLogger(folder / to_file_name(run_name))
    try:
        yield logger
    finally:
        logger.writer.close()


class TensorBoardLogger:
    """Writes the curves of one training for TensorBoard."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder))

    def log(self, point: Mapping[str, float]) -> None:
        """Add the values of an epoch, by name."""
        for name, value in point.items():
            if name != "epoch":
                self.writer.add_scalar(name, value, int(point["epoch"]))
        self.writer.flush()


class ProgressBar(TrainerCallback):
    """Shows the steps of a training as a progress bar."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def on_train_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Show the bar at the current step."""
        self._advance = self._stack.enter_context(progress_bar(_("Training"), state.max_steps))
        self._advance(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Advance the bar."""
        self._advance(1)

    def close(self) -> None:
        """Remove the bar."""
        self._stack.close()


class EpochCounter(TrainerCallback):
    """Counts epochs, for random numbers that depend on them."""

    epoch = 0

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Update the epoch, which is fractional where a training is resumed."""
        self.epoch = int(state.epoch or 0)


class Throughput(TrainerCallback):
    """Counts trained utterances and the time for them, without scoring dev and saving checkpoints.

    Attributes:
        threads: of the CPU, on which the last digits of results depend.
    """

    def __init__(self) -> None:
        self.utterances, self.seconds, self.threads = 0, 0.0, torch.get_num_threads()
        self._started_at = 0.0
        reset_peak_memory()

    def on_step_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Start the clock, unless it is running since the last step."""
        self.threads = torch.get_num_threads()
        self._started_at = self._started_at or time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Read the clock."""
        now = time.perf_counter()
        self.seconds, self._started_at = self.seconds + now - self._started_at, now

    def pause(self) -> None:
        """Stop the clock until the next step."""
        self._started_at = 0.0

    def metrics(self) -> dict[str, float]:
        """Return utterances per second, seconds, threads, and peak memory in MB if it is known."""
        rate, memory = self.utterances / self.seconds if self.seconds else 0.0, peak_memory()
        metrics = {
            "utterances_per_second": round(rate, 1),
            "seconds": round(self.seconds, 2),
            "threads": float(self.threads),
        }
        return metrics if memory is None else metrics | {"peak_memory_mb": round(memory, 1)}
