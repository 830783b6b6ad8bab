"""What shows a training while it runs: a bar, how fast it is, and curves for TensorBoard."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.paths import to_file_name
from sentir.progress import progress_bar
from sentir.training.hardware import peak_memory, reset_peak_memory

_logging_dir: Path | None = None


@contextmanager
def log_to_tensorboard(folder: Path | None) -> Iterator[None]:
    """Write the curves of every training of this block for TensorBoard, each into its own folder; none = none.

    Raises:
        SentirError: if the package tensorboard is missing.
    """
    global _logging_dir
    if folder is not None and importlib.util.find_spec("tensorboard") is None:
        raise SentirError(
            _("The package tensorboard is missing; install it with: pip install 'sentir[tensorboard]'.")
        )
    before, _logging_dir = _logging_dir, folder
    try:
        yield
    finally:
        _logging_dir = before


@contextmanager
def make_tensorboard_logger(run_name: str) -> Iterator[TensorBoardLogger | None]:
    """Give what writes the curves of one training, where they are wanted."""
    if _logging_dir is None:
        yield None
        return
    found = TensorBoardLogger(_logging_dir / to_file_name(run_name))
    try:
        yield found
    finally:
        found.writer.close()


class TensorBoardLogger:
    """The curves of one training, as TensorBoard reads them."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder))

    def log(self, point: Mapping[str, float]) -> None:
        """Add what is known of an epoch, by name."""
        for name, value in point.items():
            if name != "epoch":
                self.writer.add_scalar(name, value, int(point["epoch"]))
        self.writer.flush()


class ProgressBar(TrainerCallback):
    """Counts steps for `sentir.progress`."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def on_train_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Draw the bar, as far as the training is already."""
        self._advance = self._stack.enter_context(progress_bar(_("Training"), state.max_steps))
        self._advance(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Move it on."""
        self._advance(1)

    def close(self) -> None:
        """Take the bar away."""
        self._stack.close()


class EpochCounter(TrainerCallback):
    """Knows which epoch runs, for random numbers that depend on it."""

    epoch = 0

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Look at the clock of the engine, which has a fraction where a killed run goes on."""
        self.epoch = int(state.epoch or 0)


class Throughput(TrainerCallback):
    """Counts utterances and the seconds in which the network learns; scoring dev and checkpoints do not count.

    Attributes:
        threads: with how many of the CPU's it learns, on which the last digits of a sum depend.
    """

    def __init__(self) -> None:
        self.utterances, self.seconds, self.threads = 0, 0.0, torch.get_num_threads()
        self._started_at = 0.0
        reset_peak_memory()

    def on_step_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        """Start the clock, unless it runs since the last step."""
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
        """Return utterances per second, seconds, threads, and the most memory held in MB where it is known."""
        rate = self.utterances / self.seconds if self.seconds else 0.0
        memory = peak_memory()
        found = {"utterances_per_second": round(rate, 1), "seconds": round(self.seconds, 2)}
        found["threads"] = float(self.threads)
        return found if memory is None else found | {"peak_memory_mb": round(memory, 1)}
