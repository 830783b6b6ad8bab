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

from sentir.corpus.invisible_characters import normalize_name
from sentir.corpus.utterances import Issue
from sentir.files.embedded_media import EmbeddedClip, extract_clip
from sentir.files.media_files import is_media_file
from sentir.i18n import _, format_count, gettext_noop

_OUTER_SPACES, _FILE_URL, _BACKSLASHES = (
    gettext_noop("spaces at the ends"),
    gettext_noop("file://"),
    gettext_noop("backslashes"),
)
_MISSING_SUFFIX = gettext_noop("no suffix")
_NORMALIZERS: tuple[tuple[Callable[[str], str], str], ...] = (
    (lambda name: unicodedata.normalize("NFC", name), gettext_noop("Unicode form of accents")),
    (normalize_name, gettext_noop("invisible characters")),
    (lambda name: normalize_name(name).casefold(), gettext_noop("letter case")),
)
_MAX_LISTED = 3

NameIndex = Mapping[str, Sequence[str]]  # spelling → names of files


@dataclass
class ClipFinder:
    """Finds clips below a folder, and counts what it had to read otherwise than it is written.

    Attributes:
        root: what relative names are relative to.
    """

    root: Path
    _differences: Counter[str] = field(default_factory=Counter)
    _found_cells: list[str] = field(default_factory=list)
    _num_embedded: int = 0
    _folder_indexes: dict[tuple[Path, bool], list[NameIndex]] = field(default_factory=dict)

    def find(self, cell: str) -> tuple[Path, str]:
        """Return where the clip of a cell lies, and a sentence if it is not there, else ``""``.

        Raises:
            CorpusError: if a clip that lies in the table cannot be written to the cache.
        """
        if isinstance(cell, EmbeddedClip):
            self._num_embedded += 1
            return extract_clip(cell), ""
        path = self.root / cell
        if os.path.isfile(path):  # unlike Path.is_file, it takes a name of any length
            return path, ""
        name, how = _clean_path(cell)
        found, more, why = self._resolve(path, Path(name))
        if found is None:
            return path, why
        self._differences.update(list(dict.fromkeys([*how, *more])))
        self._found_cells.append(cell)
        return found, ""

    def exists(self, cell: str) -> bool:
        """Say whether the clip of a cell is there; nothing is written for it."""
        return isinstance(cell, EmbeddedClip) or not self.find(cell)[1]

    def issues(self, where: str) -> list[Issue]:
        """Return a note on names that were read otherwise, and one on clips that lay in the table."""
        found = []
        if self._found_cells:
            how = ", ".join(f"{_(one)}: {format_count(n)}" for one, n in self._differences.most_common())
            message = _(
                "Clips found although the table writes their names differently: {n} ({how}); the first is "
                "'{name}'.",
                n=format_count(len(self._found_cells)),
                how=how,
                name=self._found_cells[0],
            )
            found.append(Issue("clip_renamed", "note", message, where))
        if self._num_embedded:
            message = _(
                "Clips stored inside the table: {n}; extracted to the cache, once.",
                n=format_count(self._num_embedded),
            )
            found.append(Issue("clip_embedded", "note", message, where))
        return found

    def _resolve(self, wanted: Path, name: Path) -> tuple[Path | None, list[str], str]:
        """Return the file that ``name`` means, how it differs, and a sentence if there is not one."""
        place, how = self.root / name.anchor, []
        parts = name.parts[bool(name.anchor) :]
        for n, part in enumerate(parts):
            is_last = n == len(parts) - 1
            found, spelling = self._match_part(place, part, is_last)
            if len(found) != 1:
                beside = self._other_suffixes(place, part) if is_last else ()
                return None, [], _missing_file_message(wanted, None if is_last else place / part, found, beside)
            how += [spelling] if spelling else []
            place /= found[0]
        return (
            (place, how, "") if os.path.isfile(place) else (None, [], _missing_file_message(wanted, None, (), ()))
        )

    def _match_part(self, folder: Path, part: str, is_last: bool) -> tuple[Sequence[str], str]:
        """Return the files or folders in ``folder`` that a part of a name may mean, and how it differs."""
        if part == ".." or (os.path.isfile if is_last else os.path.isdir)(folder / part):
            return [part], ""
        for index, (spelled, how) in zip(
            self._folder_index(folder, is_last), _normalizers_for(is_last), strict=True
        ):
            if found := index.get(spelled(part)):
                return found, how
        return [], ""

    def _folder_index(self, folder: Path, want_files: bool) -> list[NameIndex]:
        """Return the names of the files or folders in a folder, by every way in which they may be written."""
        if (folder, want_files) not in self._folder_indexes:
            names = _list_names(folder, want_files)
            self._folder_indexes[folder, want_files] = [
                _index_names(names, spelled)
                if how != _MISSING_SUFFIX
                else _index_names([*filter(is_media_file, names)], spelled, by_stem=True)
                for spelled, how in _normalizers_for(want_files)
            ]
        return self._folder_indexes[folder, want_files]

    def _other_suffixes(self, folder: Path, part: str) -> Sequence[str]:
        """Return the clips that differ from a name by their suffix alone."""
        return self._folder_index(folder, True)[-1].get(normalize_name(Path(part).stem).casefold(), ())


def _normalizers_for(want_files: bool) -> list[tuple[Callable[[str], str], str]]:
    """Return how a name may differ, from the least to the most; names of files may lack their suffix."""
    return [*_NORMALIZERS, *((spelled, _MISSING_SUFFIX) for spelled, _how in _NORMALIZERS if want_files)]


def _index_names(names: Sequence[str], normalize: Callable[[str], str], *, by_stem: bool = False) -> NameIndex:
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[normalize(Path(name).stem if by_stem else name)].append(name)
    return found


def _list_names(folder: Path, want_files: bool) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if (entry.is_file() if want_files else entry.is_dir()))
    except (OSError, ValueError):  # also a name that holds what no name can
        return []


def _clean_path(cell: str) -> tuple[str, list[str]]:
    """Return the path that a cell writes with spaces around it, as an address, or as Windows does."""
    name, how = cell.strip(), []
    if name != cell:
        how.append(_OUTER_SPACES)
    if name.lower().startswith("file:"):
        name = _path_from_url(name)
        how.append(_FILE_URL)
    if os.sep == "/" and "\\" in name:
        name = name.replace("\\", "/")
        how.append(_BACKSLASHES)
    return name, how


def _path_from_url(name: str) -> str:
    try:
        url = urlsplit(name)
    except ValueError:
        return name
    return url2pathname(url.path if url.netloc in ("", "localhost") else f"{url.netloc}{url.path}")


def _missing_file_message(
    path: Path, folder: Path | None, candidates: Sequence[str], other_suffixes: Sequence[str]
) -> str:
    """Say that there is no file, and what differs: a folder that is not there, names that it may mean."""
    if candidates:
        return _(
            "There is no file {path}; it may mean {names}: write which.",
            path=path,
            names=_(" or ").join(candidates[:_MAX_LISTED]),
        )
    if other_suffixes:
        return _(
            "There is no file {path}; there is {names}.", path=path, names=", ".join(other_suffixes[:_MAX_LISTED])
        )
    if folder is not None:
        return _("There is no file {path}; there is no folder {folder}.", path=path, folder=folder)
    return _("There is no file {path}.", path=path)


def media_root(path: Path) -> Path:
    """Return the folder that a table's clips are relative to, if none is named."""
    return path if path.is_dir() else path.parent
