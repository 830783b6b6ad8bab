"""What a training asks of the machine: precision, determinism, threads, and how much memory it took."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from sentir.errors import RecipeError, SentirError
from sentir.i18n import _
from sentir.logs import logger
from sentir.models.device import get_best_device


def resolve_mixed_precision(precision: str) -> str:
    """Return the engine's word for ``train.precision`` on this machine: ``no``, ``bf16`` or ``fp16``.

    ``auto`` is bfloat16 on CUDA that computes in it, else float32.

    Raises:
        RecipeError: if the machine cannot train in it.
    """
    kind = get_best_device().type
    has_bfloat = kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    found = {"auto": "bf16" if has_bfloat else "no", "float32": "no", "bfloat16": "bf16", "float16": "fp16"}[
        precision
    ]
    if (precision == "bfloat16" and not (has_bfloat or kind == "cpu")) or (found == "fp16" and kind != "cuda"):
        raise RecipeError(
            _("'train.precision = {wanted}' cannot be used on this machine ({device}); set it to 'auto'.",
              wanted=precision, device=kind)
        )  # fmt: skip
    return found


@contextmanager
def disable_autocast(model: nn.Module) -> Iterator[None]:
    """Compute as a saved model will, without the mixed precision that the training engine wraps a model in."""
    wrapped = model.__dict__.pop("forward", None)
    try:
        yield
    finally:
        if wrapped is not None:
            model.__dict__["forward"] = wrapped


@contextmanager
def use_deterministic_algorithms(enabled: bool) -> Iterator[None]:
    """Let torch use only algorithms that give the same numbers every time, where ``enabled``.

    Raises:
        SentirError: if an operation of the model has none on this machine.
    """
    if not enabled:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS asks for
    before = torch.are_deterministic_algorithms_enabled()
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
        torch.use_deterministic_algorithms(before)


@contextmanager
def set_num_threads(num_threads: int) -> Iterator[None]:
    """Compute with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def warn_thread_change(previous: float, current: float | None = None) -> None:
    """Say that a training, or part of it, was computed with another number of threads, which changes its numbers.

    Args:
        previous: how many there were then.
        current: how many there are now; torch's, if not given.
    """
    current = torch.get_num_threads() if current is None else current
    if previous != current:
        logger.warning(_("Number of threads: {before:.0f} before, {now:.0f} now. The results differ in more than their "
               "last digits; set OMP_NUM_THREADS={before:.0f} to repeat them.",
               before=previous, now=current))  # fmt: skip


def tune_malloc() -> None:
    """Let glibc keep what a step frees for the next one, where it is what allocates.

    It else maps each large tensor anew, and the kernel clears its pages: a fifth of a step of a small network.
    The parameters' numbers are those of ``malloc.h``.
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        trim_threshold, top_pad, mmap_threshold = -1, -2, -3
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(top_pad, 2**26)
        mallopt(mmap_threshold, 2**30) or mallopt(mmap_threshold, 2**25)  # the most before glibc 2.35


def reset_peak_memory() -> None:
    """Let `peak_memory` begin anew, where the accelerator counts it; a process' own peak stays."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> float | None:
    """Return the most memory held so far in MB: of the accelerator in CUDA, else of this process, if known."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    if sys.platform == "win32":
        return None
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
