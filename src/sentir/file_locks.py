"""File locks, which the operating system releases however a process ends, and the heartbeat of their holders.

Process ids would not do: they repeat in containers and on shared file systems. Some of these hold locks within
each machine alone, without an error, so a process of another machine counts as ended when its heartbeat stops.
"""

from __future__ import annotations

import errno
import json
import math
import os
import platform
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from uuid import uuid4

from filelock import FileLock, Timeout

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import STALE_SECONDS, make_writable_folder, write_errors, write_text
from sentir.logs import logger

_UNSUPPORTED_ERRNOS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP})
_GATE_TIMEOUT = 5.0  # seconds; the gate is held briefly unless its process is suspended
_RUN_PREFIX = ".run-"
SILENCE_SECONDS = 60  # without a heartbeat, after which the process of another machine counts as ended
_HEARTBEAT_SECONDS = 20.0


class AnotherRunError(SentirError):
    """Another run has locked the folder.

    Attributes:
        holder: its ``pid``, ``host``, and ``since`` when; ``?`` for what is not known.
    """

    def __init__(self, folder: Path, info: Mapping[str, str]) -> None:
        self.holder = {key: info.get(key, "?") for key in ("pid", "host", "since")}
        super().__init__(
            _("Another run is writing to {folder} (process {pid} on {host}, since {since}); wait until it ends, "
              "or give another --out.",
              folder=folder, **self.holder)
        )  # fmt: skip


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


def make_presence_name() -> str:
    """Return a new name for `hold_presence`, which says on which machine it was made."""
    return f"{_host()}.{uuid4().hex}"


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "_", platform.node())


@contextmanager
def hold_presence(folder: Path, name: str) -> Iterator[None]:
    """Show in a folder, inside the block, that this process lives: by a lock, and by a file touched every 20 s.

    Args:
        folder: of all processes that look for one another.
        name: of `make_presence_name`.

    Raises:
        OSError: if the folder cannot be written.
    """
    lock, beat = _presence_files(folder, name)
    stop = threading.Event()

    def keep_touching() -> None:
        while not stop.wait(_HEARTBEAT_SECONDS):
            with suppress(OSError):  # a full disk, or a server that is away for a while
                beat.touch()

    with hold_lock(lock):
        beat.touch()
        thread = threading.Thread(target=keep_touching, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            beat.unlink(missing_ok=True)


def is_present(folder: Path, name: str) -> bool:
    """Return whether the process lives that holds a presence: by its lock on this machine, else by its heartbeat.

    Raises:
        OSError: if the folder cannot be written.
    """
    lock, beat = _presence_files(folder, name)
    is_alive = None
    if name.removeprefix(_RUN_PREFIX).startswith(f"{_host()}."):
        with hold_lock(lock) as is_free:
            is_alive = None if is_free is None else not is_free
    if is_alive is None:
        is_alive = _count_silent_seconds(beat) < SILENCE_SECONDS
    if not is_alive:
        lock.unlink(missing_ok=True)
        beat.unlink(missing_ok=True)
    return is_alive


def delete_absent(folder: Path) -> None:
    """Delete what `hold_presence` left of processes that were killed over an hour ago.

    Raises:
        OSError: if the folder cannot be written.
    """
    for beat in folder.glob("*.beat"):
        if _count_silent_seconds(beat) > STALE_SECONDS:
            is_present(folder, beat.stem)


def _presence_files(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.lock", folder / f"{name}.beat"


def _count_silent_seconds(beat: Path) -> float:
    """Return the age of a file by the clock of its file system; infinite if there is none."""
    with NamedTemporaryFile(dir=beat.parent, prefix=".clock-") as now, suppress(FileNotFoundError):
        return os.fstat(now.fileno()).st_mtime - beat.stat().st_mtime
    return math.inf


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
        AnotherRunError: if another run has locked the folder.
        SentirError: if it cannot be written.
    """
    with ExitStack() as stack:
        with write_errors(folder):
            register_run(folder, shared_key, stack)
        yield


def register_run(folder: Path, shared_key: str, stack: ExitStack, *, needs_space: bool = True) -> None:
    """Lock the folder of a run until a stack is closed; see `lock_run_folder`.

    Args:
        folder: created if it does not exist.
        shared_key: runs with the same non-empty key may share the folder.
        stack: releases the lock.
        needs_space: whether a full disk is an error; else other runs may not learn who has locked it.

    Raises:
        AnotherRunError: if a run with another key has locked the folder.
        OSError: if it cannot be written.
    """
    make_writable_folder(folder)
    own = f"{_RUN_PREFIX}{make_presence_name()}"
    with hold_lock(folder / f"{_RUN_PREFIX}gate.lock", timeout=_GATE_TIMEOUT):
        for lock in sorted(folder.glob(f"{_RUN_PREFIX}*.lock")):
            _refuse_conflicting_run(lock, shared_key)
        stack.enter_context(hold_presence(folder, own))
        info_path = folder / f"{own}.json"
        stack.callback(info_path.unlink, missing_ok=True)
        now = datetime.now().astimezone().isoformat(" ", "seconds")
        info = {"shared_key": shared_key, "pid": str(os.getpid()), "host": platform.node(), "since": now}
        with nullcontext() if needs_space else suppress(OSError):
            write_text(info_path, json.dumps(info))


def _refuse_conflicting_run(lock: Path, shared_key: str) -> None:
    """Refuse to run beside the holder of ``lock``, unless both share a key; delete the files of a dead run."""
    if lock.name == f"{_RUN_PREFIX}gate.lock":
        return
    info_path = lock.with_suffix(".json")
    info = _read_run_info(info_path)
    if not is_present(lock.parent, lock.stem):
        info_path.unlink(missing_ok=True)
        return
    if shared_key and info.get("shared_key") == shared_key:
        return
    raise AnotherRunError(lock.parent, info)


def _read_run_info(path: Path) -> dict[str, str]:
    """Return what a run wrote about itself; empty if it was killed before."""
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return info if isinstance(info, dict) else {}
