"""Locks by which processes tell whether another one lives: the system lets go of them however a process ends.

Process ids would not do: in containers and on shared file systems they repeat.
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
from sentir.io import write_text
from sentir.logs import logger

_UNSUPPORTED_ERRNOS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP})
_GATE_TIMEOUT = 5.0  # seconds that a gate is held at most, unless its process was stopped
_RUN_PREFIX = ".run-"


@contextmanager
def hold_lock(path: Path, *, timeout: float = 0.0) -> Iterator[bool | None]:
    """Hold the lock ``path`` inside the block, if no other living process, or block of this one, does.

    Args:
        path: a file that is there only while it is held, or after its process was killed.
        timeout: seconds to wait for another one.

    Yields:
        Whether it is held; ``None`` where the file system has no locks, which is said once.

    Raises:
        OSError: if the file cannot be made.
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
        with suppress(PermissionError):  # on Windows, which deletes no file that is open
            path.unlink(missing_ok=True)
        lock.release()


@cache
def _report_missing_locks(folder: Path) -> None:
    logger.warning(
        _("The file system of {folder} has no locks, so Sentir cannot detect another run in the same folder; start "
          "one run at a time.", folder=folder)
    )  # fmt: skip


@contextmanager
def lock_run_folder(folder: Path, *, shared_key: str = "") -> Iterator[None]:
    """Hold the folder of a run, so that no other run writes there meanwhile.

    Args:
        folder: made if need be.
        shared_key: runs that give the same word here may work in the folder together.

    Raises:
        SentirError: if another run holds the folder, which the message names, or it cannot be written.
    """
    with ExitStack() as held:
        try:
            _register_run(folder, shared_key, held)
        except OSError as error:
            raise SentirError(_("{path} cannot be written: {why}.", path=folder, why=error.strerror)) from error
        yield


def _register_run(folder: Path, shared_key: str, held: ExitStack) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / f"{_RUN_PREFIX}{uuid4().hex}.lock"
    with hold_lock(folder / f"{_RUN_PREFIX}gate.lock", timeout=_GATE_TIMEOUT):
        for lock in sorted(folder.glob(f"{_RUN_PREFIX}*.lock")):
            _refuse_conflicting_run(lock, shared_key)
        held.enter_context(hold_lock(own))
        held.callback(_run_info_path(own).unlink, missing_ok=True)
        write_text(_run_info_path(own), json.dumps(_run_info(shared_key)))


def _run_info(shared_key: str) -> dict[str, str]:
    now = datetime.now().astimezone().isoformat(" ", "seconds")
    return {"shared_key": shared_key, "pid": str(os.getpid()), "host": platform.node(), "since": now}


def _run_info_path(lock: Path) -> Path:
    return lock.with_suffix(".json")


def _refuse_conflicting_run(lock: Path, shared_key: str) -> None:
    """Refuse to work beside the run that holds a lock, unless the two share; sweep what a dead one left."""
    if lock.name == f"{_RUN_PREFIX}gate.lock":
        return
    with hold_lock(lock) as free:
        facts = _read_run_info(_run_info_path(lock))
        if free:
            _run_info_path(lock).unlink(missing_ok=True)
    if free is not False or (shared_key and facts.get("shared_key") == shared_key):
        return
    raise SentirError(
        _("Another run is at work in {folder} (process {pid} on {host}, since {since}); wait until it ends, or "
          "give another --out.",
          folder=lock.parent, **{key: facts.get(key, "?") for key in ("pid", "host", "since")})
    )  # fmt: skip


def _read_run_info(path: Path) -> dict[str, str]:
    """Return what a run says of itself; nothing if it was killed before it could."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
