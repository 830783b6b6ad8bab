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
from sentir.file_locks import locked
from sentir.i18n import _
from sentir.io import put, sync

_DRAFT, _SAVED, _LOCK, _GONE = _OWN = (".saving-", ".saved", ".saving.lock", ".gone.json")
_PATIENCE = 60.0  # seconds to wait for another process that saves there


def current(folder: Path) -> Path:
    """Return where the files of a folder lie whole: there, or in a committed draft that is not in place yet."""
    saved = folder / _SAVED
    return saved if saved.is_dir() else folder


@contextmanager
def replacing_files(folder: Path, owned: Callable[[Path], Iterable[str]]) -> Iterator[Path]:
    """Yield a draft folder to write files to; when the block ends well, they replace those that ``owned`` names.

    Args:
        folder: made if need be.
        owned: of a folder as it is, the names of its files that are ours, ``encoder/config.json`` for instance.

    Raises:
        SentirError: if a new file would replace one that is not ours, or another process has long been saving.
        OSError: if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / _LOCK, wait=_PATIENCE) as held:
        if held is False:
            raise SentirError(
                _("Another process has been saving to {folder} for {n:g} seconds; end it, or give another "
                  "folder.",
                  folder=folder, n=_PATIENCE)
            )  # fmt: skip
        _settle(folder)
        draft = folder / f"{_DRAFT}{uuid4().hex[:8]}"
        try:
            draft.mkdir()
            yield draft
            refuse_foreign(folder, files_below(draft), owned)
            older = sorted({*owned(folder)} - {*files_below(draft)})
            (draft / _GONE).write_text(json.dumps(older), encoding="utf-8")
            put(draft, folder / _SAVED)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        _settle(folder)


def refuse_foreign(folder: Path, names: Iterable[str], owned: Callable[[Path], Iterable[str]]) -> None:
    """Refuse to write files, or folders, that are there and not ours.

    Raises:
        SentirError: naming the first.
    """
    ours = set(owned(folder))
    for name in names:
        path = folder / name
        mine = name in ours or any(one.startswith(f"{name}/") for one in ours)
        if path.exists() and not mine:
            raise SentirError(
                _("{path} is there and was not written by Sentir, so it is not replaced; give another folder.",
                  path=path)
            )  # fmt: skip


def files_below(folder: Path) -> list[str]:
    """Return the names of all files below a folder, but for drafts."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(name.as_posix() for name in found if not name.parts[0].startswith(_OWN))


def _settle(folder: Path) -> None:
    """Put the files of a committed draft in place, if there is one, and sweep what killed processes left."""
    saved = folder / _SAVED
    if saved.is_dir():
        _put_in_place(saved, folder)
        os.replace(saved, folder / f"{_DRAFT}{uuid4().hex[:8]}")
        sync(folder)
    for left in folder.glob(f"{_DRAFT}*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _put_in_place(saved: Path, folder: Path) -> None:
    """Give the folder the files of a draft, which keeps them, and take away those that are no more."""
    names = files_below(saved)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        part = folder / f"{_DRAFT}{uuid4().hex[:8]}.part"
        _copy(saved / name, part)
        os.replace(part, folder / name)
    for name in json.loads((saved / _GONE).read_text(encoding="utf-8")):
        (folder / name).unlink(missing_ok=True)
        _remove_empty(folder, name)
    for place in {(folder / name).parent for name in names} | {folder}:
        sync(place)


def _remove_empty(folder: Path, name: str) -> None:
    """Remove the folders of a file that is no more, unless something else lies in them."""
    for above in list(PurePosixPath(name).parents)[:-1]:
        with suppress(OSError):
            (folder / above).rmdir()


def _copy(source: Path, target: Path) -> None:
    """Make a second name for a file, or a copy where the file system has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
        sync(target)
