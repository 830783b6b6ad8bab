"""Finding MELD's tables and clips: in any folder at or below a root, packed or not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentir.audio.decoding import MEDIA_SUFFIXES
from sentir.corpus.utterances import SPLITS, Issue
from sentir.files.archives import ensure_unpacked, find_archives
from sentir.files.corpus_tables import find_csv_files
from sentir.files.folders import find_by_level, find_newest_version
from sentir.files.media_files import walk_folders
from sentir.files.splits import parse_split
from sentir.i18n import _

CLIP_FOLDERS = ("train_splits", "dev_splits_complete", "output_repeated_splits_test")

_CSV_NAMES = tuple(f"{split}_sent_emo.csv" for split in SPLITS)
_CLIP_NAME = re.compile(r"(final_videos_test)?(dia\d+_utt\d+)(\.\w+)")
_SPLIT_NAME = re.compile(r"(?<![a-z])(train|dev|val|valid|validation|test)(?![a-z])")
_ARCHIVE_NAME = re.compile(r"(?:archive|meld[-_.](?:raw|dataset)|train|dev|test)[^/]*", re.IGNORECASE)
_KAGGLE_FOLDERS = {"meld-raw", "meld-dataset"}  # folders of the Kaggle data set zaber666/meld-dataset

ClipVersions = dict[bool, Path]  # the plain clip under False, its `final_videos_test` duplicate under True


@dataclass(frozen=True, slots=True)
class ClipIndex:
    """The clips under some folders.

    Attributes:
        versions: split and stem → the nearest file of each version.
        file_count: how many files are in the folders of clips.
    """

    versions: dict[tuple[str, str], ClipVersions] = field(default_factory=dict)
    file_count: int = 0


@dataclass(frozen=True, slots=True)
class MeldFiles:
    """The files of MELD under a root.

    Attributes:
        tables: the CSV of each split, in the order of `SPLITS`.
        clips: empty if not searched for.
        layout: the recognized layout, in words.
    """

    tables: Sequence[Path]
    clips: ClipIndex
    layout: str


def find_files(root: Path, issues: list[Issue], *, audio: bool) -> MeldFiles:
    """Find the tables, and the clips if ``audio``, unpacking archives where needed.

    Raises:
        CorpusError: if a table is missing, or an archive cannot be unpacked.
    """
    folders, archives = _find_search_folders(root, audio=audio)
    tables = find_csv_files(root, _CSV_NAMES, issues, search_folders=folders)
    clips = find_clips(folders) if audio else ClipIndex()
    return MeldFiles(tables, clips, _describe_layout(tables, clips, archives))


def find_clips(search_folders: Iterable[Path]) -> ClipIndex:
    """Return the clips of every folder of clips; its split is the last one in its path below the root."""
    versions: dict[tuple[str, str], ClipVersions] = {}
    file_count = 0
    for root in search_folders:
        for folder, files in walk_folders(root):
            matches = [
                match
                for match in map(_CLIP_NAME.fullmatch, files)
                if match and match[3].lower() in MEDIA_SUFFIXES
            ]
            if not matches and folder.name not in CLIP_FOLDERS:
                continue
            file_count += len(files)
            split = _split_from_path(folder.relative_to(root))
            for match in matches if split else ():
                own_versions = versions.setdefault((str(split), match[2]), {})
                own_versions.setdefault(match[1] is not None, folder / match[0])
    return ClipIndex(versions, file_count)


def _split_from_path(folder: Path) -> str | None:
    for part in reversed(folder.parts):
        if match := _SPLIT_NAME.search(part.lower()):
            return parse_split(match[1])
    return None


def _find_search_folders(root: Path, *, audio: bool) -> tuple[list[Path], list[Path]]:
    """Return the folders to search, ``root`` first if it is one, and the archives that were unpacked."""
    folders = [] if root.is_file() else [find_newest_version(root)]
    archives = [
        path
        for path in find_archives(folders[0] if folders else root)
        if path == root or _ARCHIVE_NAME.fullmatch(path.name)
    ]
    unpacked = []
    for archive in archives if audio else ():
        if _may_hold_missing_clips(archive, archives, folders):
            _add_folder(folders, ensure_unpacked(archive))
            unpacked.append(archive)
    for archive in archives:
        if missing := _find_missing_tables(folders):
            _add_folder(folders, ensure_unpacked(archive, only=missing))
            unpacked.append(archive)
    return folders, list(dict.fromkeys(unpacked))


def _add_folder(search_folders: list[Path], folder: Path) -> None:
    """Add a folder, unless it is below one that is there."""
    if not any(folder.is_relative_to(other) for other in search_folders):
        search_folders.append(folder)


def _may_hold_missing_clips(archive: Path, archives: Sequence[Path], search_folders: Sequence[Path]) -> bool:
    """Return whether an archive may hold clips of a split without any; a split's own archive comes first."""
    splits_with_clips = {split for split, _stem in find_clips(search_folders).versions}
    own_split = _split_from_path(Path(archive.name))
    splits_with_archives = {_split_from_path(Path(path.name)) for path in archives}
    return bool(({own_split} if own_split else set(SPLITS) - splits_with_archives) - splits_with_clips)


def _find_missing_tables(search_folders: Sequence[Path]) -> list[str]:
    levels = (level for folder in search_folders for level in find_by_level(folder, _CSV_NAMES.__contains__))
    names = {path.name for level in levels for path in level}
    return [name for name in _CSV_NAMES if name not in names]


def _describe_layout(tables: Sequence[Path], clips: ClipIndex, archives: Sequence[Path]) -> str:
    if archives:
        return _("MELD, packed ({archives})", archives=", ".join(path.name for path in archives))
    if _KAGGLE_FOLDERS & {part.lower() for path in tables for part in path.parts}:
        return _("MELD as on Kaggle (zaber666/meld-dataset)")
    if clips.versions:
        return _("MELD as in the authors' archive, unpacked")
    return _("the CSV files of MELD")
