"""Atomic writing of files: written to a draft, synced, then renamed."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from sentir.errors import SentirError
from sentir.i18n import _, gettext_noop

_MAX_STEM_CHARACTERS = 100  # that the name of a draft repeats; file names have at most 255 bytes
_DRAFT_NAME = re.compile(r"\..*\.[0-9a-f]{8}\.part(\..*)?")
STALE_SECONDS = 3600
_NO_SPACE = gettext_noop("free some disk space, or choose another folder")
_NO_PERMISSION = gettext_noop("make it writable, or choose another folder")
_ADVICE = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.EACCES: _NO_PERMISSION,
    errno.EPERM: _NO_PERMISSION,
    errno.EROFS: _NO_PERMISSION,
    errno.EFBIG: gettext_noop("raise the limit of file sizes (ulimit -f), or choose another folder"),
    errno.EMFILE: gettext_noop("raise the limit of open files (ulimit -n)"),
    errno.EISDIR: gettext_noop("choose another name"),
}
_DEFAULT_ADVICE = gettext_noop("check the path")


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
        why = explain_os_error(error)
        raise SentirError(_("{path} cannot be written: {why}.", path=path, why=why)) from error


def explain_os_error(error: OSError) -> str:
    """Return why a file or folder cannot be used, and what to do, as clauses for a message that names it."""
    advice = _(_ADVICE.get(error.errno or 0, _DEFAULT_ADVICE))
    why = os.strerror(error.errno) if error.errno else error
    return f"{why}; {advice}"


def make_writable_folder(folder: Path) -> None:
    """Create a folder, unless it exists, and delete the drafts that killed processes left there.

    Raises:
        OSError: if it cannot be created, or nothing can be written to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    delete_stale_files(path for path in folder.iterdir() if _DRAFT_NAME.fullmatch(path.name))


def delete_stale_files(unfinished: Iterable[Path]) -> None:
    """Delete unfinished files that have not changed for so long that no process is still writing them."""
    for path in unfinished:
        with suppress(FileNotFoundError):  # another process has deleted or renamed it
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


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
