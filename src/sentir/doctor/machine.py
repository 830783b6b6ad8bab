"""Processors, memory, accelerator and disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from sentir.doctor.finding import Finding
from sentir.doctor.storage import FOLDERS
from sentir.errors import SentirError
from sentir.i18n import _, format_decimal
from sentir.optional_dependencies import is_installed
from sentir.paths import find_existing_folder
from sentir.worker_processes import count_cores, count_memory, count_physical_memory

_GIB = 2**30
_LITTLE_MEMORY = 4 * _GIB  # a training of a CNN on the demo corpora holds 1.5 GB
_LITTLE_DISK = 2 * _GIB


def check_processors() -> Iterator[Finding]:
    """The processors that Sentir may use, beside those of the machine."""
    usable, present = count_cores(), os.cpu_count() or 1
    found = _("{n} of {total} processors may be used", n=usable, total=present)
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads:
        found += f"; OMP_NUM_THREADS={threads}"
    yield Finding("processors", "ok", found)


def check_memory() -> Iterator[Finding]:
    """The memory that Sentir may use: of the machine, or of its container."""
    memory = count_memory()
    found = _("{size} GiB may be used", size=format_decimal(memory / _GIB, 1))
    if memory < (present := count_physical_memory()):
        found += _(
            ", by a limit of the container; the machine has {size}", size=format_decimal(present / _GIB, 1)
        )
    if memory < _LITTLE_MEMORY:
        remedy = _("Predict with exported models, and train with a smaller train.batch_size.")
        yield Finding("memory", "warning", found, remedy)
    else:
        yield Finding("memory", "ok", found)


def check_accelerator() -> Iterator[Finding]:
    """The device that torch would use."""
    if not is_installed("torch"):
        return
    import torch

    from sentir.models.device import get_best_device

    device = get_best_device().type
    if device == "cuda":
        yield Finding("accelerator", "ok", torch.cuda.get_device_name())
    elif device == "cpu" and Path("/proc/driver/nvidia").exists():
        yield Finding(
            "accelerator", "warning", _("an NVIDIA driver is loaded, but this torch cannot use it"),
            _("Install a CUDA build of torch: see pytorch.org/get-started."),
        )  # fmt: skip
    else:
        yield Finding(
            "accelerator", "ok" if device != "cpu" else "note", _("none") if device == "cpu" else device
        )


def check_disk() -> Iterator[Finding]:
    """The space where caches, decoded audio and the ledger are written, a finding per file system."""
    seen = set()
    for variable, find_folder in FOLDERS.items():
        try:
            folder = find_folder()
            existing = find_existing_folder(folder)
        except (SentirError, OSError):  # see `check_folders`
            continue
        if (device := existing.stat().st_dev) in seen:
            continue
        seen.add(device)
        free = shutil.disk_usage(existing).free
        found = _("{size} GiB free for {folder}", size=format_decimal(free / _GIB, 1), folder=folder)
        if free < _LITTLE_DISK:
            remedy = _("Free some space, or set {variable} to a folder on another disk.", variable=variable)
            yield Finding("disk", "warning", found, remedy)
        else:
            yield Finding("disk", "ok", found)
