"""Temporary files of a server: in a private folder that is gone afterwards, even if the server was killed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentir.file_locks import hold_lock

_PREFIX = "sentir-serve-"
_LOCK = "lock"


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a new folder that only this user can read, for all temporary files that have names.

    It is removed at the end, and so are the folders of servers that were killed, whose locks nobody holds.
    """
    parent = tempfile.gettempdir()
    for left in Path(parent).glob(f"{_PREFIX}*"):
        _remove_if_left(left)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        with hold_lock(folder / _LOCK):
            yield folder


def _remove_if_left(folder: Path) -> None:
    """Remove the folder of a server that runs no more; others keep theirs."""
    if not (folder / _LOCK).is_file():  # just made, or another user's
        return
    with hold_lock(folder / _LOCK) as is_held:
        if is_held:
            shutil.rmtree(folder, ignore_errors=True)
