"""Finding the clips that a table names, also where the spelling of a path differs from the file's.

Nothing is guessed: a name that matches two files is an error.
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
    gettext_noop("leading or trailing spaces"),
    gettext_noop("file://"),
    gettext_noop("backslashes"),
)
_MISSING_SUFFIX = gettext_noop("no suffix")
_NORMALIZERS: tuple[tuple[Callable[[str], str], str], ...] = (
    (lambda name: unicodedata.normalize("NFC", name), gettext_noop("Unicode normalization")),
    (normalize_name, gettext_noop("invisible characters")),
    (lambda name: normalize_name(name).casefold(), gettext_noop("letter case")),
)
_MAX_LISTED = 3

NameIndex = Mapping[str, Sequence[str]]  # spelling → names of files


@dataclass
class ClipFinder:
    """Finds clips below a folder, and counts the names whose spelling differs from the file's.

    Attributes:
        root: the folder that relative paths start from.
    """

    root: Path
    _differences: Counter[str] = field(default_factory=Counter)
    _found_cells: list[str] = field(default_factory=list)
    _num_embedded: int = 0
    _folder_indexes: dict[tuple[Path, bool], list[NameIndex]] = field(default_factory=dict)

    def find(self, cell: str) -> tuple[Path, str]:
        """Return the path of a cell's clip, and an error message if it does not exist, else ``""``.

        Raises:
            CorpusError: if an embedded clip cannot be written to the cache.
        """
        if isinstance(cell, EmbeddedClip):
            self._num_embedded += 1
            return extract_clip(cell), ""
        path = self.root / cell
        if os.path.isfile(path):  # unlike Path.is_file, it accepts a name of any length
            return path, ""
        name, cleaned = _clean_path(cell)
        file, spelled, problem = self._resolve(path, Path(name))
        if file is None:
            return path, problem
        self._differences.update(list(dict.fromkeys([*cleaned, *spelled])))
        self._found_cells.append(cell)
        return file, ""

    def exists(self, cell: str) -> bool:
        """Return whether the clip of a cell exists; an embedded clip is not extracted."""
        return isinstance(cell, EmbeddedClip) or not self.find(cell)[1]

    def issues(self, where: str) -> list[Issue]:
        """Return a note on names spelled differently from their files, and one on embedded clips."""
        issues = []
        if self._found_cells:
            differences = ", ".join(
                f"{_(what)}: {format_count(n)}" for what, n in self._differences.most_common()
            )
            message = _(
                "Clips whose names are spelled differently in the table: {n} ({differences}); the first is "
                "'{name}'.",
                n=format_count(len(self._found_cells)),
                differences=differences,
                name=self._found_cells[0],
            )
            issues.append(Issue("clip_renamed", "note", message, where))
        if self._num_embedded:
            message = _(
                "Clips stored inside the table: {n}; extracted to the cache, once.",
                n=format_count(self._num_embedded),
            )
            issues.append(Issue("clip_embedded", "note", message, where))
        return issues

    def _resolve(self, named: Path, name: Path) -> tuple[Path | None, list[str], str]:
        """Return the file that ``name`` stands for, how its spelling differs, and an error message if any."""
        path, differences = self.root / name.anchor, []
        parts = name.parts[bool(name.anchor) :]
        for n, part in enumerate(parts):
            is_last = n == len(parts) - 1
            matches, difference = self._match_part(path, part, is_last)
            if len(matches) != 1:
                others = self._other_suffixes(path, part) if is_last else ()
                return None, [], _missing_file_message(named, None if is_last else path / part, matches, others)
            differences += [difference] if difference else []
            path /= matches[0]
        if not os.path.isfile(path):
            return None, [], _missing_file_message(named, None, (), ())
        return path, differences, ""

    def _match_part(self, folder: Path, part: str, is_last: bool) -> tuple[Sequence[str], str]:
        """Return the files or folders in ``folder`` that match a part of a path, and how the spelling differs."""
        if part == ".." or (os.path.isfile if is_last else os.path.isdir)(folder / part):
            return [part], ""
        for index, (normalize, difference) in zip(
            self._folder_index(folder, is_last), _normalizers_for(is_last), strict=True
        ):
            if matches := index.get(normalize(part)):
                return matches, difference
        return [], ""

    def _folder_index(self, folder: Path, want_files: bool) -> list[NameIndex]:
        """Return the names of the files or folders in a folder, indexed by each normalization."""
        if (folder, want_files) not in self._folder_indexes:
            names = _list_names(folder, want_files)
            self._folder_indexes[folder, want_files] = [
                _index_names(names, normalize)
                if difference != _MISSING_SUFFIX
                else _index_names([*filter(is_media_file, names)], normalize, by_stem=True)
                for normalize, difference in _normalizers_for(want_files)
            ]
        return self._folder_indexes[folder, want_files]

    def _other_suffixes(self, folder: Path, part: str) -> Sequence[str]:
        """Return the clips that differ from a name only by their suffix."""
        return self._folder_index(folder, True)[-1].get(normalize_name(Path(part).stem).casefold(), ())


def _normalizers_for(want_files: bool) -> list[tuple[Callable[[str], str], str]]:
    """Return the normalizations, mildest first; file names may also lack their suffix."""
    return [*_NORMALIZERS, *((normalize, _MISSING_SUFFIX) for normalize, _what in _NORMALIZERS if want_files)]


def _index_names(names: Sequence[str], normalize: Callable[[str], str], *, by_stem: bool = False) -> NameIndex:
    index: dict[str, list[str]] = defaultdict(list)
    for name in names:
        index[normalize(Path(name).stem if by_stem else name)].append(name)
    return index


def _list_names(folder: Path, want_files: bool) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if (entry.is_file() if want_files else entry.is_dir()))
    except (OSError, ValueError):  # also a name with invalid characters
        return []


def _clean_path(cell: str) -> tuple[str, list[str]]:
    """Return the path in a cell without outer spaces, ``file:`` and backslashes, and which of them it had."""
    name, differences = cell.strip(), []
    if name != cell:
        differences.append(_OUTER_SPACES)
    if name.lower().startswith("file:"):
        name = _path_from_url(name)
        differences.append(_FILE_URL)
    if os.sep == "/" and "\\" in name:
        name = name.replace("\\", "/")
        differences.append(_BACKSLASHES)
    return name, differences


def _path_from_url(name: str) -> str:
    try:
        url = urlsplit(name)
    except ValueError:
        return name
    return url2pathname(url.path if url.netloc in ("", "localhost") else f"{url.netloc}{url.path}")


def _missing_file_message(
    path: Path, folder: Path | None, candidates: Sequence[str], other_suffixes: Sequence[str]
) -> str:
    """Return that a file does not exist, with the missing folder or similar names, if any."""
    if candidates:
        return _(
            "There is no file {path}; it matches {names}: write the exact name.",
            path=path,
            names=_(" or ").join(candidates[:_MAX_LISTED]),
        )
    if other_suffixes:
        return _(
            "There is no file {path}, but there is {names}.",
            path=path,
            names=", ".join(other_suffixes[:_MAX_LISTED]),
        )
    if folder is not None:
        return _("There is no file {path}, as there is no folder {folder}.", path=path, folder=folder)
    return _("There is no file {path}.", path=path)


def media_root(path: Path) -> Path:
    """Return the default folder of a table's clips."""
    return path if path.is_dir() else path.parent
