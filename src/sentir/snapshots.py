"""Files of a folder that change all at once: written aside, committed by one rename, then put in place.

A draft holds all of them, ``.saving-…``. Renamed to ``.saved`` it is what the folder holds, whatever else lies there;
its files then take their places, and it goes. So a process killed at any moment leaves the older files or the newer
ones. Files that are not among the older ones are never touched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import put, sync
from sentir.locks import locked

_DRAFT, _SAVED, _LOCK = ".saving-", ".saved", ".saving.lock"
_PATIENCE = 60.0  # seconds to wait for another process that saves there


def current(folder: Path) -> Path:
    """Return where the files of a folder lie whole: there, or in a draft that was committed and not put in place."""
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
                _("Another process has been saving to {folder} for {n:g} seconds; end it, or give another folder.",
                  folder=folder, n=_PATIENCE)
            )  # fmt: skip
        _settle(folder, owned)
        draft = folder / f"{_DRAFT}{uuid4().hex[:8]}"
        try:
            draft.mkdir()
            yield draft
            refuse_foreign(folder, files_below(draft), owned)
            put(draft, folder / _SAVED)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        _settle(folder, owned)


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
    return sorted(name.as_posix() for name in found if not name.parts[0].startswith((_DRAFT, _SAVED)))


def _settle(folder: Path, owned: Callable[[Path], Iterable[str]]) -> None:
    """Put the files of a committed draft in place, if there is one, and sweep what killed processes left."""
    saved = folder / _SAVED
    if saved.is_dir():
        _put_in_place(saved, folder, set(owned(folder)) - set(files_below(saved)))
        os.replace(saved, folder / f"{_DRAFT}{uuid4().hex[:8]}")
        sync(folder)
    for left in folder.glob(f"{_DRAFT}*/"):
        shutil.rmtree(left, ignore_errors=True)


def _put_in_place(saved: Path, folder: Path, gone: Iterable[str]) -> None:
    """Give the folder the files of a draft, which keeps them, and take away those that are gone."""
    for name in files_below(saved):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        part = folder / f"{_DRAFT}{uuid4().hex[:8]}.part"
        _copy(saved / name, part)
        os.replace(part, folder / name)
    for name in gone:
        (folder / name).unlink(missing_ok=True)
        for above in list((folder / name).relative_to(folder).parents)[:-1]:
            if not any((folder / above).iterdir()):
                (folder / above).rmdir()
    for place in {(folder / name).parent for name in files_below(saved)} | {folder}:
        sync(place)


def _copy(source: Path, target: Path) -> None:
    """Make a second name for a file, or a copy where the file system has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
        sync(target)
