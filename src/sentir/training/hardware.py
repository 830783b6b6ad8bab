"""Hardware settings of a training: precision, determinism, threads and memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch
from torch import nn

from sentir.errors import RecipeError, SentirError
from sentir.i18n import _
from sentir.logs import logger
from sentir.models.device import get_best_device
from sentir.worker_processes import count_cores


def resolve_mixed_precision(precision: str) -> str:
    """Return the mixed precision of Trainer for ``train.precision``: ``no``, ``bf16`` or ``fp16``.

    ``auto`` is bfloat16 on CUDA devices that support it, else float32.

    Raises:
        RecipeError: if this machine does not support it.
    """
    device = get_best_device().type
    supports_bf16 = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    choices = {"auto": "bf16" if supports_bf16 else "no", "float32": "no", "bfloat16": "bf16", "float16": "fp16"}
    is_supported = {"bfloat16": supports_bf16 or device == "cpu", "float16": device == "cuda"}
    if not is_supported.get(precision, True):
        raise RecipeError(
            _("'train.precision = {wanted}' is not supported on this machine ({device}); set it to 'auto'.",
              wanted=precision, device=device)
        )  # fmt: skip
    return choices[precision]


@contextmanager
def disable_autocast(model: nn.Module) -> Iterator[None]:
    """Compute in full precision, as a saved model does, without the autocast wrapper of Trainer."""
    wrapped = model.__dict__.pop("forward", None)
    try:
        yield
    finally:
        if wrapped is not None:
            model.__dict__["forward"] = wrapped


@contextmanager
def use_deterministic_algorithms(enabled: bool) -> Iterator[None]:
    """Use only deterministic algorithms of torch in this block, if ``enabled``.

    Raises:
        SentirError: if an operation has none on this machine.
    """
    if not enabled or torch.are_deterministic_algorithms_enabled():
        yield
        return
    is_set = "CUBLAS_WORKSPACE_CONFIG" in os.environ
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required by cuBLAS
    torch.use_deterministic_algorithms(True)
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        why = str(error).partition(".")[0]
        raise SentirError(
            _(
                "The model cannot be trained deterministically here ({why}); set train.deterministic=false.",
                why=why,
            )
        ) from error
    finally:
        torch.use_deterministic_algorithms(False)
        if not is_set:
            del os.environ["CUBLAS_WORKSPACE_CONFIG"]


@contextmanager
def set_num_threads(num_threads: int) -> Iterator[None]:
    """Use so many threads in this block."""
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def limit_threads() -> Iterator[None]:
    """Leave one of the available processors to other programs in this block, unless ``OMP_NUM_THREADS`` is set.

    Threads wait for the slowest of them at every operation. On as many threads as processors, one busy neighbor
    makes a training several times slower, and the last thread is worth little
    (``benchmarks/thread_waiting.py``).
    """
    threads = torch.get_num_threads()
    if "OMP_NUM_THREADS" not in os.environ:
        threads = min(threads, max(1, count_cores() - 1))
    if threads > 1 and "OMP_WAIT_POLICY" not in os.environ:
        _warn_busy_processors(threads)
    with set_num_threads(threads):
        yield


def _warn_busy_processors(threads: int) -> None:
    """Warn if threads would spin for processors that other programs use."""
    total = psutil.cpu_count() or 1
    busy = psutil.cpu_percent(interval=0.1) / 100 * total
    if threads > total - busy + 0.5:
        logger.warning(_("Other programs use {busy:.0f} of {total} processors, and the {threads} threads of this "
                         "training wait for one another: it may be many times slower. Set OMP_NUM_THREADS=1, or "
                         "OMP_WAIT_POLICY=PASSIVE before torch is imported.",
                         busy=busy, total=total, threads=threads))  # fmt: skip


def warn_thread_change(previous: float, current: float | None = None) -> None:
    """Warn that a training was computed with another number of threads before, which changes results.

    Args:
        previous: number of threads then.
        current: number of threads now; by default that of torch.
    """
    current = torch.get_num_threads() if current is None else current
    if previous != current:
        logger.warning(_("Number of threads: {before:.0f} before, {now:.0f} now. Results differ in more than "
                         "their last digits; set OMP_NUM_THREADS={before:.0f} to reproduce them.",
                         before=previous, now=current))  # fmt: skip


def reset_peak_memory() -> None:
    """Reset `peak_memory` of the accelerator; that of a process cannot be reset."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> float | None:
    """Return the peak memory so far in MB: of the CUDA device if there is one, else of this process, if known."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    if sys.platform == "win32":
        return None
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
