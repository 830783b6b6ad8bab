"""Who uses a cache.

A process that does holds a lock in its folder until it ends; while any is held, nothing is pruned there.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sentir.errors import SentirError
from sentir.file_locks import AnotherRunError, register_run
from sentir.i18n import _

_FOLDER = ".in-use"
_READER = "reader"  # processes that use a cache share it
_PRUNING_TIMEOUT = 60.0  # seconds
_POLL_INTERVAL = 0.05
_held: dict[str, tuple[Path, ExitStack]] = {}  # name of a cache → its folder, and its lock


class CacheInUseError(SentirError):
    """Another process uses a cache, or prunes it."""

    def __init__(self, folder: Path, error: AnotherRunError) -> None:
        super().__init__(
            _("{folder} is in use by process {pid} on {host} since {since}; try again when that has ended.",
              folder=folder, **error.holder)
        )  # fmt: skip


def register_use(folder: Path) -> None:
    """Keep the cache in a folder from being pruned until this process ends; wait if it is being pruned.

    A folder that does not exist, or cannot be written, holds nothing that could be pruned from here.

    Raises:
        CacheInUseError: if it is being pruned for a minute.
    """
    if (held := _held.get(folder.name)) and held[0] == folder:
        return
    if not folder.is_dir():
        return
    if held:  # another folder is set now
        held[1].close()
    stack, until = ExitStack(), time.monotonic() + _PRUNING_TIMEOUT
    with suppress(OSError):
        _register(folder, stack, until)
    _held[folder.name] = folder, stack


def _register(folder: Path, stack: ExitStack, until: float) -> None:
    while True:
        try:
            register_run(folder / _FOLDER, _READER, stack)
            return
        except AnotherRunError as error:
            if time.monotonic() > until:
                raise CacheInUseError(folder, error) from error
            time.sleep(_POLL_INTERVAL)


@contextmanager
def hold_for_pruning(folder: Path) -> Iterator[None]:
    """Keep other processes from using the cache in a folder inside the block, even on a full disk.

    Raises:
        CacheInUseError: if another process uses it.
        OSError: if the folder cannot be written.
    """
    with ExitStack() as stack:
        try:
            register_run(folder / _FOLDER, "", stack, needs_space=False)
        except AnotherRunError as error:
            raise CacheInUseError(folder, error) from error
        yield


@atexit.register
def end_use() -> None:
    """Allow pruning of the caches that this process has used, before it ends."""
    for _folder, stack in _held.values():
        with suppress(OSError):
            stack.close()
    _held.clear()
