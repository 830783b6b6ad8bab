"""Files that are whole or not there: written aside, synced, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sentir.errors import SentirError
from sentir.i18n import _

_MAX_STEM_CHARACTERS = 100  # characters of a name that its draft repeats: names end at 255 bytes


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a draft to write beside ``path``; it takes the place of ``path`` when the block ends well.

    The draft has the suffix of ``path``. It is synced before it is renamed, so that a crash leaves the older file
    or the new one. An error, a full disk among them, leaves the older file as it was, and no draft.

    Raises:
        OSError: if the draft cannot be written or renamed; it names ``path``.
    """
    draft = path.with_name(f".{path.stem[:_MAX_STEM_CHARACTERS]}.{uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield draft
        sync_and_rename(draft, path)
    except OSError as error:
        if error.filename in (None, str(draft), draft):  # a full disk names no file
            error.filename = str(path)
        raise
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all.

    Raises:
        OSError: if it cannot be written; it names ``path``.
    """
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")


def sync_and_rename(temporary: Path, path: Path) -> None:
    """Give a file, or a folder with all that lies in it, its name, once the disk has it.

    Raises:
        OSError: if it cannot be synced or renamed, as when ``path`` is a folder that holds something.
    """
    for inner in (*temporary.rglob("*"), temporary):
        fsync(inner)
    os.replace(temporary, path)
    fsync(path.parent)


def fsync(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk.

    Raises:
        OSError: if it cannot, as when the disk is full.
    """
    folder = path.is_dir()
    if folder and os.name == "nt":  # Windows has no handles of folders
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_all_disks() -> None:
    """Have the system write everything to its disks, where it can be asked to."""
    if hasattr(os, "sync"):  # Windows has none
        os.sync()


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn errors of writing ``path`` into one sentence.

    Raises:
        SentirError: if it cannot be written.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise SentirError(_("{path} cannot be written: {why}.", path=path, why=why)) from error
