"""The audio of CMU-MOSEI's segments: chunks named by their times, whole videos to be cut, or numbered clips."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sentir.corpus.utterances import Clip, Issue, Utterance
from sentir.files.media_files import is_media_file, note_unused_files, walk_folders
from sentir.i18n import _
from sentir.readers.mosei.segments import Interval, MoseiSegment, is_interval_of

_CHUNK_NAME = re.compile(r"(.+)_(-?\d+(?:\.\d+)?)_(-?\d+(?:\.\d+)?)")
_NUMBERED_NAME = re.compile(r"(.+)_(\d+)")

_Files = Mapping[tuple[str, str], Path]  # video, number of the clip ("" for the whole video) → file
_Chunks = Mapping[str, Sequence[tuple[Interval, Path]]]  # video → times and file of each chunk


def has_media(search_folders: Iterable[Path]) -> bool:
    """Return whether there is any audio or video file at or below these folders."""
    return any(
        is_media_file(file) for root in search_folders for _folder, files in walk_folders(root) for file in files
    )


def attach_clips(
    search_folders: Sequence[Path],
    utterances: Iterable[Utterance],
    segments: Mapping[str, MoseiSegment],
    issues: list[Issue],
) -> list[Utterance]:
    """Attach clips from below these folders to the utterances, and list those without.

    A chunk with the segment's times (its start as annotated, or clamped to 0) comes first, then a segment of the
    whole video, then a clip with its number: ``<video>/<number>.mp4`` or ``<video>_<number>.mp4``.
    """
    videos = {segment.video for segment in segments.values()}
    files, chunks, num_files = _index_media(search_folders, videos)
    if not files and not chunks:
        message = _("There is no audio of its videos, neither whole nor in chunks; text only.")
        issues.append(Issue("corpus_without_audio", "note", message, search_folders[0].name))
        return list(utterances)
    with_clips = [replace(u, clip=_find_clip(files, chunks, segments[u.id])) for u in utterances]
    message = _("There is no audio of this segment; the utterance is kept without audio.")
    issues += [Issue("audio_file_missing", "problem", message, u.id) for u in with_clips if u.clip is None]
    num_unused = num_files - len({u.clip.path for u in with_clips if u.clip})
    note_unused_files(num_unused, search_folders[0], issues)
    return with_clips


def _index_media(search_folders: Sequence[Path], videos: set[str]) -> tuple[_Files, _Chunks, int]:
    """Return the nearest file of each video and numbered clip, the chunks, and the number of all files."""
    files: dict[tuple[str, str], Path] = {}
    chunks: dict[str, list[tuple[Interval, Path]]] = {}
    num_files = 0
    for folder, names in (entry for root in search_folders for entry in walk_folders(root)):
        for name in filter(is_media_file, names):
            num_files += 1
            path, stem = folder / name, name.rpartition(".")[0]
            if stem.isdecimal() and folder.name in videos:
                files.setdefault((folder.name, stem), path)
            elif stem in videos:
                files.setdefault((stem, ""), path)
            elif (match := _CHUNK_NAME.fullmatch(stem)) and match[1] in videos:
                chunks.setdefault(match[1], []).append(((float(match[2]), float(match[3])), path))
            elif (match := _NUMBERED_NAME.fullmatch(stem)) and match[1] in videos:
                files.setdefault((match[1], match[2]), path)
    return files, chunks, num_files


def _find_clip(files: _Files, chunks: _Chunks, segment: MoseiSegment) -> Clip | None:
    if segment.interval is not None:
        for named, path in chunks.get(segment.video, ()):
            if is_interval_of(segment.interval, named):
                return Clip(path)
        start, end = max(segment.interval[0], 0.0), segment.interval[1]
        if (segment.video, "") in files and end > start:
            return Clip(files[segment.video, ""], start, end)
    numbered = files.get((segment.video, segment.clip_number)) if segment.clip_number else None
    return Clip(numbered) if numbered else None
