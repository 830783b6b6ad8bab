"""Files that are whole or not there: written aside, synced, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

_LONGEST = 100  # characters of a name that its draft repeats: names end at 255 bytes


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft to write beside ``path``; it takes the place of ``path`` when the block ends well.

    The draft has the suffix of ``path``. It is synced before it is renamed, so that a crash leaves the older file
    or the new one. An error, a full disk among them, leaves the older file as it was, and no draft.

    Raises:
        OSError: if the draft cannot be written or renamed.
    """
    draft = path.with_name(f".{path.stem[:_LONGEST]}.{uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield draft
        sync(draft)
        os.replace(draft, path)
        sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk.

    Raises:
        OSError: if it cannot, as when the disk is full.
    """
    folder = path.is_dir()
    if folder and os.name == "nt":  # Windows has no handles of folders
        return
    handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
