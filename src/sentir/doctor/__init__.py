"""What an installation can do here: each check is a `Finding` with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sentir.doctor.finding import Finding
from sentir.doctor.machine import check_accelerator, check_disk, check_memory, check_processors
from sentir.doctor.network import check_hub, check_kaggle
from sentir.doctor.packages import (
    check_extras,
    check_onnxruntime,
    check_python,
    check_ranges,
    check_torch,
)
from sentir.doctor.recordings import check_codecs
from sentir.doctor.storage import check_folders, check_ledger
from sentir.doctor.working import check_starter

Check = Callable[[], Iterable[Finding]]

_LOCAL: tuple[Check, ...] = (
    check_python, check_ranges, check_onnxruntime, check_torch, check_extras, check_codecs, check_processors,
    check_memory, check_accelerator, check_disk, check_folders, check_ledger, check_starter,
)  # fmt: skip
_REMOTE: tuple[Check, ...] = (check_hub, check_kaggle)


def examine(*, offline: bool = False) -> list[Finding]:
    """Return what was found, in a fixed order; nothing is changed, and nothing but reachability is requested.

    Args:
        offline: ask no host.
    """
    checks = _LOCAL if offline else _LOCAL + _REMOTE
    return [finding for check in checks for finding in check()]


__all__ = ["Finding", "examine"]
