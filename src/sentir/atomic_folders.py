"""Files of a folder that change all at once: written aside, committed by one rename, then put in place.

A draft holds all of them, ``.saving-…``. Renamed to ``.saved`` it is what the folder holds, whatever else lies
there; its files then take their places, and it goes. So a process killed at any moment leaves the older files or
the newer ones. Files that are not among the older ones are never touched.
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
    """Return where the files of a folder lie whole: there, or in a committed draft that is not in place yet."""
    saved = folder / _COMMITTED
    return saved if saved.is_dir() else folder


@contextmanager
def atomic_write_files(folder: Path, owned_files: Callable[[Path], Iterable[str]]) -> Iterator[Path]:
    """Yield a draft folder to write files to; when the block ends well, they replace those that ``owned_files`` names.

    Args:
        folder: made if need be.
        owned_files: of a folder as it is, the names of its files that are ours, ``encoder/config.json`` for instance.

    Raises:
        SentirError: if a new file would replace one that is not ours, or another process has long been saving.
        OSError: if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder / _LOCK, timeout=_LOCK_TIMEOUT) as held:
        if held is False:
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
            older = sorted({*owned_files(folder)} - {*list_files(draft)})
            (draft / _REMOVED_FILES).write_text(json.dumps(older), encoding="utf-8")
            sync_and_rename(draft, folder / _COMMITTED)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        _finish_commit(folder)


def refuse_foreign_files(
    folder: Path, names: Iterable[str], owned_files: Callable[[Path], Iterable[str]]
) -> None:
    """Refuse to write files, or folders, that are there and not ours.

    Raises:
        SentirError: naming the first.
    """
    ours = set(owned_files(folder))
    for name in names:
        path = folder / name
        mine = name in ours or any(one.startswith(f"{name}/") for one in ours)
        if path.exists() and not mine:
            raise SentirError(
                _("{path} is there and was not written by Sentir, so it is not replaced; give another folder.",
                  path=path)
            )  # fmt: skip


def list_files(folder: Path) -> list[str]:
    """Return the names of all files below a folder, but for drafts."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(name.as_posix() for name in found if not name.parts[0].startswith(_INTERNAL_NAMES))


def _finish_commit(folder: Path) -> None:
    """Put the files of a committed draft in place, if there is one, and sweep what killed processes left."""
    saved = folder / _COMMITTED
    if saved.is_dir():
        _install_files(saved, folder)
        os.replace(saved, folder / f"{_DRAFT_PREFIX}{uuid4().hex[:8]}")
        fsync(folder)
    for left in folder.glob(f"{_DRAFT_PREFIX}*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _install_files(saved: Path, folder: Path) -> None:
    """Give the folder the files of a draft, which keeps them, and take away those that are no more."""
    names = list_files(saved)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        part = folder / f"{_DRAFT_PREFIX}{uuid4().hex[:8]}.part"
        _link_or_copy(saved / name, part)
        os.replace(part, folder / name)
    for name in json.loads((saved / _REMOVED_FILES).read_text(encoding="utf-8")):
        (folder / name).unlink(missing_ok=True)
        _remove_empty_parents(folder, name)
    for place in {(folder / name).parent for name in names} | {folder}:
        fsync(place)


def _remove_empty_parents(folder: Path, name: str) -> None:
    """Remove the folders of a file that is no more, unless something else lies in them."""
    for above in list(PurePosixPath(name).parents)[:-1]:
        with suppress(OSError):
            (folder / above).rmdir()


def _link_or_copy(source: Path, target: Path) -> None:
    """Make a second name for a file, or a copy where the file system has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
        fsync(target)
