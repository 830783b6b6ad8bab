"""Atomic writing of files: written to a draft, synced, then renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sentir.errors import SentirError
from sentir.i18n import _

_MAX_STEM_CHARACTERS = 100  # that the name of a draft repeats; file names have at most 255 bytes


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield the path of a draft in the folder of ``path``; it replaces ``path`` when the block succeeds.

    The draft has the suffix of ``path``. It is synced before it is renamed, so that a crash leaves the old file
    or the new one. After an error, such as a full disk, the old file is unchanged and the draft is deleted.

    Raises:
        OSError: if the draft cannot be written or renamed; it names ``path``.
    """
    draft = path.with_name(f".{path.stem[:_MAX_STEM_CHARACTERS]}.{uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield draft
        sync_and_rename(draft, path)
    except OSError as error:
        if error.filename in (None, str(draft), draft):  # a full disk gives no file name
            error.filename = str(path)
        raise
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 atomically.

    Raises:
        OSError: if it cannot be written; it names ``path``.
    """
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")


def sync_and_rename(temporary: Path, path: Path) -> None:
    """Sync a file, or a folder with its contents, to the disk and rename it.

    Raises:
        OSError: if it cannot be synced or renamed, as when ``path`` is a folder that is not empty.
    """
    for written in (*temporary.rglob("*"), temporary):
        fsync(written)
    os.replace(temporary, path)
    fsync(path.parent)


def fsync(path: Path) -> None:
    """Flush a file, or the entries of a folder, to the disk.

    Raises:
        OSError: if it cannot, as when the disk is full.
    """
    if path.is_dir() and os.name == "nt":  # Windows has no handles of folders
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_all_disks() -> None:
    """Flush everything to the disks, on systems that can."""
    if hasattr(os, "sync"):  # not on Windows
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


def make_writable_folder(folder: Path) -> None:
    """Create a folder, unless it exists.

    Raises:
        OSError: if it cannot be created, or nothing can be written to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def refuse_folder(path: Path) -> None:
    """Refuse the path of a file that is a folder.

    Raises:
        IsADirectoryError: if it is one.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def prepare_output_path(path: Path) -> None:
    """Create the folder of a file and check that the file can be written, before any work is done for it.

    Raises:
        SentirError: if it cannot be written.
    """
    with write_errors(path):
        refuse_folder(path)
        make_writable_folder(path.parent)
