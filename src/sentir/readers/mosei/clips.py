"""The sound of CMU-MOSEI's segments: chunks named by their times, whole videos to be cut, or numbered clips."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sentir.corpus.utterances import Clip, Issue, Utterance
from sentir.files.media_files import is_media, list_folders, note_spare
from sentir.i18n import _
from sentir.readers.mosei.segments import Segment, Times

_CHUNK = re.compile(r"(.+)_(-?\d+(?:\.\d+)?)_(-?\d+(?:\.\d+)?)")
_NUMBERED = re.compile(r"(.+)_(\d+)")
_SAME_TIME = 1e-3  # seconds; names of chunks hold four decimals, the labels more or fewer


@dataclass(frozen=True, slots=True)
class _Audio:
    """What lies under a root.

    Attributes:
        whole: video → file.
        chunks: video → times and file of each chunk.
        numbered: video and number of the clip → file.
        count: how many media files there are.
    """

    whole: dict[str, Path] = field(default_factory=dict)
    chunks: dict[str, list[tuple[Times, Path]]] = field(default_factory=dict)
    numbered: dict[tuple[str, str], Path] = field(default_factory=dict)
    count: int = 0


def has_media(places: Iterable[Path]) -> bool:
    """Return whether any sound or video file lies at or below these folders."""
    return any(is_media(file) for place in places for _folder, files in list_folders(place) for file in files)


def with_clips(
    places: Sequence[Path], utterances: Iterable[Utterance], segments: Mapping[str, Segment]
) -> tuple[list[Utterance], list[Issue]]:
    """Give every utterance its clip, where there is one below these folders, and list those without.

    A chunk of the segment's times (its start as annotated, or counted from 0) is taken first, then a cut of the
    whole video, then a clip of its number: ``<video>/<number>.mp4`` or ``<video>_<number>.mp4``.
    """
    rows = list(utterances)
    audio = _find_audio(places, {segment.video for segment in segments.values()})
    if not audio.whole and not audio.chunks and not audio.numbered:
        message = _("There is no audio of its videos, neither whole nor in chunks; text only.")
        return rows, [Issue("audio_absent", "note", message, places[0].name)]
    found = [replace(u, clip=_clip(audio, segments[u.id])) for u in rows]
    message = _("There is no audio of this segment; the utterance stays, without sound.")
    issues = [Issue("audio_missing", "problem", message, u.id) for u in found if u.clip is None]
    spare = audio.count - len({u.clip.path for u in found if u.clip})
    return found, [*issues, *note_spare(spare, places[0])]


def _find_audio(places: Sequence[Path], videos: set[str]) -> _Audio:
    """Return the audio of these videos, the nearest file of each."""
    audio, n = _Audio(), 0
    for folder, files in (listed for place in places for listed in list_folders(place)):
        for file in filter(is_media, files):
            n += 1
            _sort_in(audio, folder / file, videos)
    return replace(audio, count=n)


def _sort_in(audio: _Audio, path: Path, videos: set[str]) -> None:
    stem, folder = path.name.rpartition(".")[0], path.parent.name
    if stem.isdecimal() and folder in videos:
        audio.numbered.setdefault((folder, stem), path)
    elif stem in videos:
        audio.whole.setdefault(stem, path)
    elif (match := _CHUNK.fullmatch(stem)) and match[1] in videos:
        audio.chunks.setdefault(match[1], []).append(((float(match[2]), float(match[3])), path))
    elif (match := _NUMBERED.fullmatch(stem)) and match[1] in videos:
        audio.numbered.setdefault((match[1], match[2]), path)


def _clip(audio: _Audio, segment: Segment) -> Clip | None:
    if segment.times is not None:
        start, end = max(segment.times[0], 0.0), segment.times[1]
        for (chunk_start, chunk_end), path in audio.chunks.get(segment.video, ()):
            near = min(abs(chunk_start - segment.times[0]), abs(chunk_start - start))
            if max(near, abs(chunk_end - end)) <= _SAME_TIME:
                return Clip(path)
        if segment.video in audio.whole and end > start:
            return Clip(audio.whole[segment.video], start, end)
    numbered = audio.numbered.get((segment.video, segment.clip))
    return Clip(numbered) if numbered else None
