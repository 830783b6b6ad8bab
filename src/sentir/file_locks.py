"""File locks, which the operating system releases however a process ends.

Process ids would not do: they repeat in containers and on shared file systems.
"""

from __future__ import annotations

import errno
import json
import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import write_errors, write_text
from sentir.logs import logger

_UNSUPPORTED_ERRNOS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP})
_GATE_TIMEOUT = 5.0  # seconds; the gate is held briefly unless its process is suspended
_RUN_PREFIX = ".run-"


@contextmanager
def hold_lock(path: Path, *, timeout: float = 0.0) -> Iterator[bool | None]:
    """Hold the lock file ``path`` inside the block, unless another process or block holds it.

    Args:
        path: exists only while the lock is held, or after its process was killed.
        timeout: seconds to wait for the lock.

    Yields:
        Whether it is held; ``None`` if the file system has no locks, which is logged once per folder.

    Raises:
        OSError: if the file cannot be created.
    """
    lock = FileLock(path, timeout=timeout, poll_interval=0.01, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        if error.errno not in _UNSUPPORTED_ERRNOS:
            raise
        path.unlink(missing_ok=True)
        _report_missing_locks(path.parent)
        yield None
        return
    try:
        yield True
    finally:
        with suppress(PermissionError):  # Windows does not delete an open file
            path.unlink(missing_ok=True)
        lock.release()


@cache
def _report_missing_locks(folder: Path) -> None:
    logger.warning(
        _("The file system of {folder} has no locks, so Sentir cannot detect another run in the same folder; "
          "start one run at a time.", folder=folder)
    )  # fmt: skip


@contextmanager
def lock_run_folder(folder: Path, *, shared_key: str = "") -> Iterator[None]:
    """Lock the folder of a run, so that no other run writes to it meanwhile.

    Args:
        folder: created if it does not exist.
        shared_key: runs with the same non-empty key may share the folder.

    Raises:
        SentirError: if another run, named in the message, has locked the folder, or it cannot be written.
    """
    with ExitStack() as stack:
        with write_errors(folder):
            _register_run(folder, shared_key, stack)
        yield


def _register_run(folder: Path, shared_key: str, stack: ExitStack) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / f"{_RUN_PREFIX}{uuid4().hex}.lock"
    with hold_lock(folder / f"{_RUN_PREFIX}gate.lock", timeout=_GATE_TIMEOUT):
        for lock in sorted(folder.glob(f"{_RUN_PREFIX}*.lock")):
            _refuse_conflicting_run(lock, shared_key)
        stack.enter_context(hold_lock(own))
        stack.callback(_run_info_path(own).unlink, missing_ok=True)
        now = datetime.now().astimezone().isoformat(" ", "seconds")
        info = {"shared_key": shared_key, "pid": str(os.getpid()), "host": platform.node(), "since": now}
        write_text(_run_info_path(own), json.dumps(info))


def _run_info_path(lock: Path) -> Path:
    return lock.with_suffix(".json")


def _refuse_conflicting_run(lock: Path, shared_key: str) -> None:
    """Refuse to run beside the holder of ``lock``, unless both share a key; delete the files of a dead run."""
    if lock.name == f"{_RUN_PREFIX}gate.lock":
        return
    with hold_lock(lock) as acquired:
        info = _read_run_info(_run_info_path(lock))
        if acquired:
            _run_info_path(lock).unlink(missing_ok=True)
    if acquired is not False or (shared_key and info.get("shared_key") == shared_key):
        return
    raise SentirError(
        _("Another run is writing to {folder} (process {pid} on {host}, since {since}); wait until it ends, or "
          "give another --out.",
          folder=lock.parent, **{key: info.get(key, "?") for key in ("pid", "host", "since")})
    )  # fmt: skip


def _read_run_info(path: Path) -> dict[str, str]:
    """Return what a run wrote about itself; empty if it was killed before."""
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return info if isinstance(info, dict) else {}
