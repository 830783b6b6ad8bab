"""The standard folds of CMU-MOSEI: which videos are train, dev and test."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files as package_files
from pathlib import Path

from sentir.corpus.utterances import SPLITS, Issue
from sentir.errors import CorpusError
from sentir.files.splits import parse_split
from sentir.i18n import _
from sentir.readers.mosei.segments import MoseiSegment

SDK_FILE = "cmu_mosei_std_folds.py"
_SDK_FOLDS = {
    "standard_train_fold": "train",
    "standard_valid_fold": "dev",
    "standard_test_fold": "test",
}
_LIST_NAME = re.compile(
    r"(?:(?:cmu|mosei|standard|std)_)*(train|dev|val|valid|validation|test)(?:_(?:fold|ids|videos))?\.txt"
)


def find_folds(files: Sequence[Path]) -> tuple[dict[str, str], str]:
    """Return video → split, and the source of the folds.

    A copy of the SDK's `cmu_mosei_std_folds.py` among ``files`` comes first (parsed, never run), then three lists
    with a video per line (``train.txt``, ``valid.txt``, ``test.txt`` or the like in one folder), then the lists
    that come with Sentir.

    Raises:
        CorpusError: if a file of folds cannot be read, or a video is in two folds.
    """
    for path in files:
        if path.name == SDK_FILE:
            return _map_videos_to_splits(_read_sdk(path), path.name), path.name
    for folder in dict.fromkeys(path.parent for path in files):
        lists = {split: path for path in files if path.parent == folder and (split := _split_from_name(path))}
        if len(lists) == len(SPLITS):
            names = ", ".join(lists[split].name for split in SPLITS)
            return _map_videos_to_splits({split: _read_list(path) for split, path in lists.items()}, names), names
    shipped = json.loads(package_files(__package__).joinpath("folds.json").read_text(encoding="utf-8"))
    return _map_videos_to_splits({split: shipped[split] for split in SPLITS}, ""), _("the standard folds")


def select_in_folds(segments: Sequence[MoseiSegment], name: str, issues: list[Issue]) -> list[MoseiSegment]:
    """Return the segments by split, without those whose video is in no fold; each of these is an issue."""
    message = _("Its video is in no standard fold; the segment was left out.")
    for s in segments:
        if not s.split:
            issues.append(Issue("video_outside_folds", "warning", message, f"{name}/{s.video}/{s.id_suffix}"))
    return sorted((s for s in segments if s.split), key=lambda s: SPLITS.index(s.split))


def _split_from_name(path: Path) -> str | None:
    match = _LIST_NAME.fullmatch(path.name.casefold())
    return parse_split(match[1]) if match else None


def _read_list(path: Path) -> list[str]:
    lines = (line.strip().strip("'\",").strip() for line in _read_text(path).splitlines())
    return [line for line in lines if line]


def _read_sdk(path: Path) -> dict[str, list[str]]:
    folds: dict[str, list[str]] = {}
    try:
        for node in ast.parse(_read_text(path)).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                split = _SDK_FOLDS.get(node.targets[0].id)
                if split:
                    folds[split] = [str(video) for video in ast.literal_eval(node.value)]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise _unreadable_error(path) from error
    if len(folds) < len(SPLITS):
        raise _unreadable_error(path)
    return folds


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable_error(path) from error


def _unreadable_error(path: Path) -> CorpusError:
    return CorpusError(
        _(
            "{file} has no lists of the videos of train, dev and test; download the file again, or remove it to "
            "use the folds that come with Sentir.",
            file=path,
        )
    )


def _map_videos_to_splits(folds: Mapping[str, Sequence[str]], source_name: str) -> dict[str, str]:
    split_of: dict[str, str] = {}
    for split, videos in folds.items():
        for video in videos:
            if split_of.setdefault(video, split) != split:
                raise CorpusError(
                    _(
                        "In the folds of {file}, the video '{video}' is in {one} and in {other}; remove it from "
                        "one of them.",
                        file=source_name,
                        video=video,
                        one=split_of[video],
                        other=split,
                    )
                )
    return split_of
