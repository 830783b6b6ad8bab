"""The audio of CMU-MOSEI's segments: chunks named by their times, whole videos to be cut, or numbered clips."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sentir.corpus.utterances import Clip, Issue, Utterance
from sentir.files.media_files import is_media_file, note_unused_files, walk_folders
from sentir.i18n import _
from sentir.readers.mosei.segments import Interval, MoseiSegment, is_interval_of

_CHUNK_NAME = re.compile(r"(.+)_(-?\d+(?:\.\d+)?)_(-?\d+(?:\.\d+)?)")
_NUMBERED_NAME = re.compile(r"(.+)_(\d+)")


@dataclass(frozen=True, slots=True)
class _MediaIndex:
    """The media files under a root.

    Attributes:
        full_videos: video → file.
        chunks: video → times and file of each chunk.
        numbered: video and number of the clip → file.
        file_count: how many media files there are.
    """

    full_videos: dict[str, Path] = field(default_factory=dict)
    chunks: dict[str, list[tuple[Interval, Path]]] = field(default_factory=dict)
    numbered: dict[tuple[str, str], Path] = field(default_factory=dict)
    file_count: int = 0


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
    index = _index_media(search_folders, {segment.video for segment in segments.values()})
    if not index.full_videos and not index.chunks and not index.numbered:
        message = _("There is no audio of its videos, neither whole nor in chunks; text only.")
        issues.append(Issue("corpus_without_audio", "note", message, search_folders[0].name))
        return list(utterances)
    with_clips = [replace(u, clip=_find_clip(index, segments[u.id])) for u in utterances]
    message = _("There is no audio of this segment; the utterance is kept without audio.")
    issues += [Issue("audio_file_missing", "problem", message, u.id) for u in with_clips if u.clip is None]
    num_unused = index.file_count - len({u.clip.path for u in with_clips if u.clip})
    note_unused_files(num_unused, search_folders[0], issues)
    return with_clips


def _index_media(search_folders: Sequence[Path], videos: set[str]) -> _MediaIndex:
    """Return the media files of these videos, the nearest file of each."""
    index, file_count = _MediaIndex(), 0
    for folder, files in (entry for root in search_folders for entry in walk_folders(root)):
        for file in filter(is_media_file, files):
            file_count += 1
            _index_file(index, folder / file, videos)
    return replace(index, file_count=file_count)


def _index_file(index: _MediaIndex, path: Path, videos: set[str]) -> None:
    stem, folder = path.name.rpartition(".")[0], path.parent.name
    if stem.isdecimal() and folder in videos:
        index.numbered.setdefault((folder, stem), path)
    elif stem in videos:
        index.full_videos.setdefault(stem, path)
    elif (match := _CHUNK_NAME.fullmatch(stem)) and match[1] in videos:
        index.chunks.setdefault(match[1], []).append(((float(match[2]), float(match[3])), path))
    elif (match := _NUMBERED_NAME.fullmatch(stem)) and match[1] in videos:
        index.numbered.setdefault((match[1], match[2]), path)


def _find_clip(index: _MediaIndex, segment: MoseiSegment) -> Clip | None:
    if segment.interval is not None:
        for named, path in index.chunks.get(segment.video, ()):
            if is_interval_of(segment.interval, named):
                return Clip(path)
        start, end = max(segment.interval[0], 0.0), segment.interval[1]
        if segment.video in index.full_videos and end > start:
            return Clip(index.full_videos[segment.video], start, end)
    numbered = index.numbered.get((segment.video, segment.clip_number))
    return Clip(numbered) if numbered else None
