"""Where MELD's tables and clips lie: in any folder at or below a root, packed or not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentir.audio.decoding import MEDIA_SUFFIXES
from sentir.corpus.utterances import SPLITS, Issue
from sentir.files.archives import find_archives, unpacked
from sentir.files.corpus_tables import find_tables
from sentir.files.folders import levels, newest_version
from sentir.files.media_files import list_folders
from sentir.files.splits import split_named
from sentir.i18n import _

CLIP_FOLDERS = ("train_splits", "dev_splits_complete", "output_repeated_splits_test")

_TABLES = tuple(f"{split}_sent_emo.csv" for split in SPLITS)
_CLIP = re.compile(r"(final_videos_test)?(dia\d+_utt\d+)(\.\w+)")
_SPLIT = re.compile(r"(?<![a-z])(train|dev|val|valid|validation|test)(?![a-z])")
_ARCHIVE = re.compile(r"(?:archive|meld[-_.](?:raw|dataset)|train|dev|test)[^/]*", re.IGNORECASE)
_KAGGLE = {"meld-raw", "meld-dataset"}  # folders of the Kaggle data set zaber666/meld-dataset

Cuts = dict[bool, Path]  # the plain clip under False, its `final_videos_test` twin under True


@dataclass(frozen=True, slots=True)
class Clips:
    """The clips under some folders.

    Attributes:
        cuts: split and stem → the nearest file of each cut.
        files: how many files lie among them.
    """

    cuts: dict[tuple[str, str], Cuts] = field(default_factory=dict)
    files: int = 0


@dataclass(frozen=True, slots=True)
class Files:
    """What lies under a root.

    Attributes:
        tables: the CSV of each split, in the order of `SPLITS`.
        clips: none, if none were looked for.
        layout: what was recognized, as a person says it.
        issues: of finding them.
    """

    tables: Sequence[Path]
    clips: Clips
    layout: str
    issues: Sequence[Issue]


def open_files(root: Path, *, sound: bool) -> Files:
    """Find the tables, and the clips if ``sound``, unpacking what is needed of archives.

    Raises:
        CorpusError: if a table is missing, or an archive cannot be unpacked.
    """
    places, archives = _places(root, sound=sound)
    tables, issues = find_tables(root, _TABLES, places=places)
    clips = find_clips(places) if sound else Clips()
    return Files(tables, clips, _layout(tables, clips, archives), issues)


def find_clips(places: Iterable[Path]) -> Clips:
    """Return the clips of every folder of clips; its path below the root names the split, the last part first."""
    cuts: dict[tuple[str, str], Cuts] = {}
    n = 0
    for place in places:
        for folder, files in list_folders(place):
            named = [match for match in map(_CLIP.fullmatch, files) if match and _is_clip(match)]
            if not named and folder.name not in CLIP_FOLDERS:
                continue
            n += len(files)
            split = _split_of(folder.relative_to(place))
            for match in named if split else ():
                found = cuts.setdefault((str(split), match[2]), {})
                found.setdefault(match[1] is not None, folder / match[0])
    return Clips(cuts, n)


def _is_clip(match: re.Match[str]) -> bool:
    return match[3].lower() in MEDIA_SUFFIXES


def _split_of(folder: Path) -> str | None:
    for part in reversed(folder.parts):
        if match := _SPLIT.search(part.lower()):
            return split_named(match[1])
    return None


def _places(root: Path, *, sound: bool) -> tuple[list[Path], list[Path]]:
    """Return the folders to look in, ``root`` first if it is one, and the archives that were opened."""
    places = [] if root.is_file() else [newest_version(root)]
    archives = [path for path in find_archives(places[0] if places else root) if _is_melds(path, root)]
    used = []
    for archive in archives if sound else ():
        if _holds_missing_clips(archive, archives, places):
            _add(places, unpacked(archive))
            used.append(archive)
    for archive in archives:
        if missing := _missing_tables(places):
            _add(places, unpacked(archive, only=missing))
            used.append(archive)
    return places, list(dict.fromkeys(used))


def _is_melds(archive: Path, root: Path) -> bool:
    return archive == root or _ARCHIVE.fullmatch(archive.name) is not None


def _add(places: list[Path], folder: Path) -> None:
    """Add a folder, unless it lies below one that is looked in anyway."""
    if not any(folder.is_relative_to(place) for place in places):
        places.append(folder)


def _holds_missing_clips(archive: Path, archives: Sequence[Path], places: Sequence[Path]) -> bool:
    """Return whether an archive may hold clips of a split that has none, and no archive of its own."""
    heard = {split for split, _stem in find_clips(places).cuts}
    own = _split_of(Path(archive.name))
    packed = {_split_of(Path(path.name)) for path in archives}
    return bool(({own} if own else set(SPLITS) - packed) - heard)


def _missing_tables(places: Sequence[Path]) -> list[str]:
    found = {path.name for place in places for level in levels(place, _TABLES.__contains__) for path in level}
    return [name for name in _TABLES if name not in found]


def _layout(tables: Sequence[Path], clips: Clips, archives: Sequence[Path]) -> str:
    if archives:
        return _("MELD, packed ({archives})", archives=", ".join(path.name for path in archives))
    if _KAGGLE & {part.lower() for path in tables for part in path.parts}:
        return _("MELD as on Kaggle (zaber666/meld-dataset)")
    if clips.cuts:
        return _("MELD as in the authors' archive, unpacked")
    return _("the CSV files of MELD")
