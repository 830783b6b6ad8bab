"""Searching a folder tree for files, level by level, without listing folders of clips."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.safe_text import replace_surrogates

# Levels of folders to search; MELD's train CSV is eight levels below a cache of kagglehub.
MAX_DEPTH = 8
_CLIP_FOLDERS = re.compile(r"(train|dev)_splits\w*|output_repeated_splits\w*|Audio\w*|WAV_\d+|__MACOSX")


def find_by_level(root: Path, is_wanted: Callable[[str], bool]) -> Iterator[list[Path]]:
    """Yield the wanted files of ``root``, then those of its folders, and so on, each level sorted by name.

    Hidden files and folders, folders of clips and unreadable folders are skipped. Links are followed, each folder
    once.

    Args:
        root: a folder.
        is_wanted: returns whether a file of this name is searched for.
    """
    level, visited = [root], {os.path.realpath(root)}
    for _depth in range(MAX_DEPTH + 1):
        listed = [_list_folder(folder, is_wanted) for folder in level]
        yield [path for files, _folders in listed for path in files]
        below = (folder for _files, folders in listed for folder in folders)
        level = list(_skip_visited(below, visited))


def find_newest_version(root: Path) -> Path:
    """Return the newest of kagglehub's numbered version folders of a data set, or ``root`` if there are none.

    Args:
        root: the data set, its ``versions``, or a cache of kagglehub with this data set only.
    """
    cached = sorted(root.glob("datasets/*/*/versions"))
    versions = root if root.name == "versions" else cached[0] if len(cached) == 1 else root / "versions"
    try:
        numbered = [path for path in versions.iterdir() if path.name.isdecimal() and path.is_dir()]
    except OSError:
        return root
    return max(numbered, key=lambda path: int(path.name), default=root)


def require_printable(path: Path) -> None:
    """Reject a path that cannot be written to tables, pages or recipes.

    Raises:
        CorpusError: if a name in it is not UTF-8.
    """
    name = str(path.absolute())
    if replace_surrogates(name) != name:
        raise CorpusError(_("The name of {path} is not UTF-8; rename it.", path=replace_surrogates(str(path))))


def _skip_visited(folders: Iterable[Path], visited: set[str]) -> Iterator[Path]:
    for folder in folders:
        real = os.path.realpath(folder)
        if real not in visited:
            visited.add(real)
            yield folder


def _list_folder(folder: Path, is_wanted: Callable[[str], bool]) -> tuple[list[Path], list[Path]]:
    try:
        with os.scandir(folder) as entries:
            visible = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError:
        return [], []
    files, folders = [], []
    for entry in visible:
        with suppress(OSError):  # skip what cannot be accessed
            if entry.is_dir() and not _CLIP_FOLDERS.fullmatch(entry.name):
                folders.append(Path(entry.path))
            elif is_wanted(entry.name) and entry.is_file():
                files.append(Path(entry.path))
    return files, folders
