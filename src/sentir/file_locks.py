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
from sentir.progress import say

_LOCKLESS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP})
_MOMENT = 5.0  # seconds that a gate is held at most, unless its process was stopped
_RUN = ".run-"


@contextmanager
def locked(path: Path, *, wait: float = 0.0) -> Iterator[bool | None]:
    """Hold the lock ``path`` inside the block, if no other living process, or block of this one, does.

    Args:
        path: a file that is there only while it is held, or after its process was killed.
        wait: seconds to wait for another one.

    Yields:
        Whether it is held; ``None`` where the file system has no locks, which is said once.

    Raises:
        OSError: if the file cannot be made.
    """
    lock = FileLock(path, timeout=wait, poll_interval=0.01, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        if error.errno not in _LOCKLESS:
            raise
        path.unlink(missing_ok=True)
        _say_lockless(path.parent)
        yield None
        return
    try:
        yield True
    finally:
        with suppress(PermissionError):  # on Windows, which deletes no file that is open
            path.unlink(missing_ok=True)
        lock.release()


@cache
def _say_lockless(folder: Path) -> None:
    say(_("The file system of {folder} has no locks: Sentir cannot tell there whether another run works in the "
          "same folder; start one at a time.", folder=folder))  # fmt: skip


@contextmanager
def run_in(folder: Path, *, shares: str = "") -> Iterator[None]:
    """Hold the folder of a run, so that no other run writes there meanwhile.

    Args:
        folder: made if need be.
        shares: runs that give the same word here may work in the folder together.

    Raises:
        SentirError: if another run holds the folder, which the message names, or it cannot be written.
    """
    with ExitStack() as held:
        try:
            _enter(folder, shares, held)
        except OSError as error:
            raise SentirError(_("{path} cannot be written: {why}.", path=folder, why=error.strerror)) from error
        yield


def _enter(folder: Path, shares: str, held: ExitStack) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / f"{_RUN}{uuid4().hex}.lock"
    with locked(folder / f"{_RUN}gate.lock", wait=_MOMENT):
        for lock in sorted(folder.glob(f"{_RUN}*.lock")):
            _refuse_beside(lock, shares)
        held.enter_context(locked(own))
        held.callback(_facts_of(own).unlink, missing_ok=True)
        write_text(_facts_of(own), json.dumps(_facts(shares)))


def _facts(shares: str) -> dict[str, str]:
    now = datetime.now().astimezone().isoformat(" ", "seconds")
    return {"shares": shares, "pid": str(os.getpid()), "host": platform.node(), "since": now}


def _facts_of(lock: Path) -> Path:
    return lock.with_suffix(".json")


def _refuse_beside(lock: Path, shares: str) -> None:
    """Refuse to work beside the run that holds a lock, unless the two share; sweep what a dead one left."""
    if lock.name == f"{_RUN}gate.lock":
        return
    with locked(lock) as free:
        facts = _read_facts(_facts_of(lock))
        if free:
            _facts_of(lock).unlink(missing_ok=True)
    if free is not False or (shares and facts.get("shares") == shares):
        return
    raise SentirError(
        _("Another run is at work in {folder} (process {pid} on {host}, since {since}); wait until it ends, or "
          "give another --out.",
          folder=lock.parent, **{key: facts.get(key, "?") for key in ("pid", "host", "since")})
    )  # fmt: skip


def _read_facts(path: Path) -> dict[str, str]:
    """Return what a run says of itself; nothing if it was killed before it could."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
