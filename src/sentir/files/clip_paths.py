"""Finding the clips that a table names, also where a name is written otherwise than the file's.

Nothing is guessed: a name that fits two files is none.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sentir.corpus.invisible_characters import plain
from sentir.corpus.utterances import Issue
from sentir.files.embedded_media import Embedded, extract
from sentir.files.media_files import is_media
from sentir.i18n import _, mark, thousands

_SPACES, _FILE_URL, _BACKSLASHES = mark("spaces at the ends"), mark("file://"), mark("backslashes")
_NO_SUFFIX = mark("no suffix")
_SPELLINGS: tuple[tuple[Callable[[str], str], str], ...] = (
    (lambda name: unicodedata.normalize("NFC", name), mark("Unicode form of accents")),
    (plain, mark("invisible characters")),
    (lambda name: plain(name).casefold(), mark("letter case")),
)
_MOST_NAMED = 3

Index = Mapping[str, Sequence[str]]  # spelling → names of files


@dataclass
class ClipFinder:
    """Finds clips below a folder, and counts what it had to read otherwise than it is written.

    Attributes:
        root: what relative names are relative to.
    """

    root: Path
    _how: Counter[str] = field(default_factory=Counter)
    _found: list[str] = field(default_factory=list)
    _embedded: int = 0
    _folders: dict[tuple[Path, bool], list[Index]] = field(default_factory=dict)

    def find(self, cell: str) -> tuple[Path, str]:
        """Return where the clip of a cell lies, and a sentence if it is not there, else ``""``.

        Raises:
            CorpusError: if a clip that lies in the table cannot be written to the cache.
        """
        if isinstance(cell, Embedded):
            self._embedded += 1
            return extract(cell), ""
        path = self.root / cell
        if os.path.isfile(path):  # unlike Path.is_file, it takes a name of any length
            return path, ""
        name, how = _as_path(cell)
        found, more, why = self._walk(path, Path(name))
        if found is None:
            return path, why
        self._how.update(list(dict.fromkeys([*how, *more])))
        self._found.append(cell)
        return found, ""

    def has(self, cell: str) -> bool:
        """Say whether the clip of a cell is there; nothing is written for it."""
        return isinstance(cell, Embedded) or not self.find(cell)[1]

    def issues(self, where: str) -> list[Issue]:
        """Return a note on names that were read otherwise, and one on clips that lay in the table."""
        found = []
        if self._found:
            how = ", ".join(f"{_(one)}: {thousands(n)}" for one, n in self._how.most_common())
            message = _(
                "Clips found although the table writes their names differently: {n} ({how}); the first is "
                "'{name}'.",
                n=thousands(len(self._found)),
                how=how,
                name=self._found[0],
            )
            found.append(Issue("clip_renamed", "note", message, where))
        if self._embedded:
            message = _(
                "Clips stored inside the table: {n}; extracted to the cache, once.",
                n=thousands(self._embedded),
            )
            found.append(Issue("clip_embedded", "note", message, where))
        return found

    def _walk(self, wanted: Path, name: Path) -> tuple[Path | None, list[str], str]:
        """Return the file that ``name`` means, how it differs, and a sentence if there is not one."""
        place, how = self.root / name.anchor, []
        parts = name.parts[bool(name.anchor) :]
        for n, part in enumerate(parts):
            is_last = n == len(parts) - 1
            found, spelling = self._match(place, part, is_last)
            if len(found) != 1:
                beside = self._beside(place, part) if is_last else ()
                return None, [], _no_file(wanted, None if is_last else place / part, found, beside)
            how += [spelling] if spelling else []
            place /= found[0]
        return (place, how, "") if os.path.isfile(place) else (None, [], _no_file(wanted, None, (), ()))

    def _match(self, place: Path, part: str, is_last: bool) -> tuple[Sequence[str], str]:
        """Return the files or folders in ``place`` that a part of a name may mean, and how it differs."""
        if part == ".." or (os.path.isfile if is_last else os.path.isdir)(place / part):
            return [part], ""
        for index, (spelled, how) in zip(self._index(place, is_last), _ways(is_last), strict=True):
            if found := index.get(spelled(part)):
                return found, how
        return [], ""

    def _index(self, place: Path, files: bool) -> list[Index]:
        """Return the names of the files or folders in a folder, by every way in which they may be written."""
        if (place, files) not in self._folders:
            names = _listed(place, files)
            self._folders[place, files] = [
                _by(names, spelled) if how != _NO_SUFFIX else _by([*filter(is_media, names)], spelled, stem=True)
                for spelled, how in _ways(files)
            ]
        return self._folders[place, files]

    def _beside(self, place: Path, part: str) -> Sequence[str]:
        """Return the clips that differ from a name by their suffix alone."""
        return self._index(place, True)[-1].get(plain(Path(part).stem).casefold(), ())


def _ways(files: bool) -> list[tuple[Callable[[str], str], str]]:
    """Return how a name may differ, from the least to the most; names of files may lack their suffix."""
    return [*_SPELLINGS, *((spelled, _NO_SUFFIX) for spelled, _how in _SPELLINGS if files)]


def _by(names: Sequence[str], spelled: Callable[[str], str], *, stem: bool = False) -> Index:
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[spelled(Path(name).stem if stem else name)].append(name)
    return found


def _listed(place: Path, files: bool) -> list[str]:
    try:
        with os.scandir(place) as entries:
            return sorted(entry.name for entry in entries if (entry.is_file() if files else entry.is_dir()))
    except (OSError, ValueError):  # also a name that holds what no name can
        return []


def _as_path(cell: str) -> tuple[str, list[str]]:
    """Return the path that a cell writes with spaces around it, as an address, or as Windows does."""
    name, how = cell.strip(), []
    if name != cell:
        how.append(_SPACES)
    if name.lower().startswith("file:"):
        name = _of_url(name)
        how.append(_FILE_URL)
    if os.sep == "/" and "\\" in name:
        name = name.replace("\\", "/")
        how.append(_BACKSLASHES)
    return name, how


def _of_url(name: str) -> str:
    try:
        url = urlsplit(name)
    except ValueError:
        return name
    return url2pathname(url.path if url.netloc in ("", "localhost") else f"{url.netloc}{url.path}")


def _no_file(path: Path, folder: Path | None, several: Sequence[str], beside: Sequence[str]) -> str:
    """Say that there is no file, and what differs: a folder that is not there, names that it may mean."""
    if several:
        return _(
            "There is no file {path}; it may mean {names}: write which.",
            path=path,
            names=_(" or ").join(several[:_MOST_NAMED]),
        )
    if beside:
        return _("There is no file {path}; there is {names}.", path=path, names=", ".join(beside[:_MOST_NAMED]))
    if folder is not None:
        return _("There is no file {path}; there is no folder {folder}.", path=path, folder=folder)
    return _("There is no file {path}.", path=path)
