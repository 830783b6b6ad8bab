"""What times depend on: the machine, and versions of packages."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from sentir.worker_processes import count_cores, count_memory

_PACKAGES = (
    "sentir", "numpy", "onnxruntime", "tokenizers", "av", "soxr", "torch", "transformers", "timm", "scikit-learn",
    "librosa",
)  # fmt: skip


def describe_machine() -> dict[str, str]:
    """Return processor, cores, memory and system; each that may be used beside what is present."""
    return {
        "processor": _processor(),
        "cores": f"{count_cores()} / {os.cpu_count()}",
        "memory": f"{count_memory() / 2**30:.1f} GiB",
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def package_versions() -> Mapping[str, str]:
    """Return package → version of those that are installed."""
    versions = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def _processor() -> str:
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
