"""Atomic replacement of several files of a folder: written to a draft, committed by one rename, then installed.

All files are written to a draft folder, ``.saving-…``. Renaming it to ``.saved`` commits them; they then replace
the old ones and the draft is deleted. A process killed at any moment leaves all old files or all new ones. Files
that Sentir did not write are never touched.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from uuid import uuid4

from sentir.errors import SentirError
from sentir.file_locks import hold_lock
from sentir.i18n import _
from sentir.io import fsync, sync_and_rename

_DRAFT_PREFIX, _COMMITTED, _LOCK, _REMOVED_FILES = _INTERNAL_NAMES = (
    ".saving-",
    ".saved",
    ".saving.lock",
    ".gone.json",
)
_LOCK_TIMEOUT = 60.0  # seconds to wait for another process that saves there


def committed_folder(folder: Path) -> Path:
    """Return the folder with the complete files: ``folder``, or its committed draft that is not installed yet."""
    committed = folder / _COMMITTED
    return committed if committed.is_dir() else folder


def has_leftovers(folder: Path) -> bool:
    """Return whether a process that saved there was killed, or still saves."""
    return any(path.name.startswith(_INTERNAL_NAMES) for path in folder.glob(".*"))


@contextmanager
def atomic_write_files(folder: Path, owned_files: Callable[[Path], Iterable[str]]) -> Iterator[Path]:
    """Yield a draft folder; when the block succeeds, its files replace those that ``owned_files`` returns.

    Args:
        folder: created if it does not exist.
        owned_files: returns the names of files in a folder that Sentir wrote, such as ``encoder/config.json``.

    Raises:
        SentirError: if a file that Sentir did not write would be replaced, or another process is still saving.
        OSError: if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder / _LOCK, timeout=_LOCK_TIMEOUT) as acquired:
        if acquired is False:
            raise SentirError(
                _("Another process has been saving to {folder} for {n:g} seconds; end it, or give another "
                  "folder.",
                  folder=folder, n=_LOCK_TIMEOUT)
            )  # fmt: skip
        _finish_commit(folder)
        draft = folder / f"{_DRAFT_PREFIX}{uuid4().hex[:8]}"
        try:
            draft.mkdir()
            yield draft
            refuse_foreign_files(folder, list_files(draft), owned_files)
            removed = sorted({*owned_files(folder)} - {*list_files(draft)})
            (draft / _REMOVED_FILES).write_text(json.dumps(removed), encoding="utf-8")
            sync_and_rename(draft, folder / _COMMITTED)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        _finish_commit(folder)


def refuse_foreign_files(
    folder: Path, names: Iterable[str], owned_files: Callable[[Path], Iterable[str]]
) -> None:
    """Refuse to replace files or folders that Sentir did not write.

    Raises:
        SentirError: naming the first.
    """
    owned = {*owned_files(folder), *_files_being_installed(folder)}
    for name in names:
        path = folder / name
        is_owned = name in owned or any(file.startswith(f"{name}/") for file in owned)
        if path.exists() and not is_owned:
            raise SentirError(
                _("{path} exists and was not written by Sentir, so it is not replaced; give another folder.",
                  path=path)
            )  # fmt: skip


def _files_being_installed(folder: Path) -> list[str]:
    """Return the files that a process which was killed may have installed, or was about to delete."""
    committed = folder / _COMMITTED
    with suppress(FileNotFoundError, NotADirectoryError):  # nothing is being installed, or not any more
        return [*list_files(committed), *_read_removed(committed)]
    return []


def _read_removed(committed: Path) -> list[str]:
    names: list[str] = json.loads((committed / _REMOVED_FILES).read_text(encoding="utf-8"))
    return names


def list_files(folder: Path) -> list[str]:
    """Return the names of all files below a folder, except those in drafts."""
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(name.as_posix() for name in names if not name.parts[0].startswith(_INTERNAL_NAMES))


def _finish_commit(folder: Path) -> None:
    """Install the files of a committed draft, if there is one, and delete what killed processes left behind."""
    committed = folder / _COMMITTED
    if committed.is_dir():
        _install_files(committed, folder)
        os.replace(committed, folder / f"{_DRAFT_PREFIX}{uuid4().hex[:8]}")
        fsync(folder)
    for leftover in folder.glob(f"{_DRAFT_PREFIX}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _install_files(committed: Path, folder: Path) -> None:
    """Link or copy the files of a committed draft into the folder, and delete the files that it no longer has."""
    names = list_files(committed)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        part = folder / f"{_DRAFT_PREFIX}{uuid4().hex[:8]}.part"
        try:
            os.link(committed / name, part)
        except OSError:  # the file system has no hard links
            shutil.copy2(committed / name, part)
            fsync(part)
        os.replace(part, folder / name)
    for name in _read_removed(committed):
        (folder / name).unlink(missing_ok=True)
        for parent in list(PurePosixPath(name).parents)[:-1]:
            with suppress(OSError):  # not empty
                (folder / parent).rmdir()
    for changed in {(folder / name).parent for name in names} | {folder}:
        fsync(changed)
