"""Transcripts of the original distribution: one file per video, a segment on each line.

A line is ``video___clip___start___end___text``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.corpus_tables import unusable
from sentir.files.text_encoding import read_text
from sentir.i18n import _, thousands
from sentir.readers.mosei.segments import Segment, Times, read_times

_LINE = re.compile(r"(.+?)___(\d+)___(.*?)___(.*?)___(.*)")
_SAME_TIME = 0.05  # seconds between a transcript's times and a label's that mean the same segment


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript; ``start`` and ``end`` are cells, ``times`` the same in seconds."""

    video: str
    clip: str
    start: str
    end: str
    times: Times
    text: str


def read_transcripts(files: Sequence[Path]) -> tuple[list[Line], list[Issue]]:
    """Read every transcript among ``files``; a line or file that is none is left out and listed."""
    lines: list[Line] = []
    issues: list[Issue] = []
    for path in filter(_is_transcript, files):
        try:
            text = read_text(path, issues=issues)
        except CorpusError as error:
            issues.append(Issue("file_unreadable", "problem", str(error), path.name))
            continue
        for n, line in enumerate(text.split("\n"), start=1):
            found = _parse(line.strip("\r")) if line.strip() else None
            if found:
                lines.append(found)
            elif line.strip():
                where = _("{file}, line {line}", file=path.name, line=n)
                issues.append(unusable(where, _("it is not video___clip___start___end___text")))
    return lines, issues


def join_transcripts(
    segments: Iterable[Segment], lines: Sequence[Line], name: str
) -> tuple[list[Segment], list[Issue]]:
    """Give each segment the text and the number of the line that has its times; list what finds no counterpart.

    Args:
        segments: with times and without texts; those without a split are joined, and not listed.
        lines: of all transcripts.
        name: name of the corpus.
    """
    of_video: dict[str, list[Line]] = {}
    for line in lines:
        of_video.setdefault(line.video, []).append(line)
    joined: list[Segment] = []
    issues: list[Issue] = []
    taken: set[int] = set()
    for segment in segments:
        near = _nearest(of_video.get(segment.video, ()), segment.times) if segment.times else None
        if near:
            taken.add(id(near))
            joined.append(replace(segment, text=near.text, clip=near.clip))
            continue
        joined.append(segment)
        if segment.split:
            message = _("There is no transcript of this segment; the utterance stays, without text.")
            issues.append(Issue("text_missing", "problem", message, segment.key(name)))
    return joined, [*issues, *note_unlabeled(len(lines) - len(taken), name)]


def note_unlabeled(n: int, place: str) -> list[Issue]:
    """Return a note if ``n`` lines of transcripts have no label."""
    if not n:
        return []
    message = _("{n} lines of the transcripts belong to no annotated segment; ignored.", n=thousands(n))
    return [Issue("transcripts_unlabeled", "note", message, place)]


def _is_transcript(path: Path) -> bool:
    folders = [part.casefold() for part in path.parts[:-1]]
    return path.suffix.lower() == ".txt" and folders[-1] == "combined" and "full" not in folders[-3:]


def _parse(line: str) -> Line | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    video, clip, start, end, text = match.groups()
    times = read_times(start, end)
    return None if times is None else Line(video.strip(), clip, start, end, times, text)


def _nearest(lines: Iterable[Line], times: Times) -> Line | None:
    close = [line for line in lines if _apart(line.times, times) <= _SAME_TIME]
    return min(close, key=lambda line: _apart(line.times, times), default=None)


def _apart(one: Times, other: Times) -> float:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]))
