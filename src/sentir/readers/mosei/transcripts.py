"""Transcripts of the original distribution: a file per video, a segment per line.

A line is ``video___clip___start___end___text``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.corpus_tables import skip_row
from sentir.files.text_encoding import read_text
from sentir.i18n import _, format_count
from sentir.readers.mosei.segments import Interval, MoseiSegment, parse_interval

_LINE_PATTERN = re.compile(r"(.+?)___(\d+)___(.*?)___(.*?)___(.*)")
_TIME_TOLERANCE = 0.05  # seconds by which times of transcript and label of a segment may differ


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """A line of a transcript; ``interval`` in seconds."""

    video: str
    clip_number: str
    interval: Interval
    text: str


def read_transcripts(files: Sequence[Path], issues: list[Issue]) -> list[TranscriptLine]:
    """Read every transcript among ``files``; unusable lines and files are left out and listed."""
    lines: list[TranscriptLine] = []
    for path in filter(_is_transcript, files):
        try:
            text = read_text(path, issues=issues)
        except CorpusError as error:
            issues.append(Issue("file_unreadable", "problem", str(error), path.name))
            continue
        for n, line in enumerate(text.split("\n"), start=1):
            parsed = _parse_line(line.strip("\r")) if line.strip() else None
            if parsed:
                lines.append(parsed)
            elif line.strip():
                where = _("{file}, line {line}", file=path.name, line=n)
                skip_row(issues, where, _("it is not of the form video___clip___start___end___text"))
    return lines


def attach_transcripts(
    segments: Iterable[MoseiSegment], lines: Sequence[TranscriptLine], name: str, issues: list[Issue]
) -> list[MoseiSegment]:
    """Attach text and clip number of the line with its times to each segment; list those without counterpart.

    Args:
        segments: with times and without texts; those without a split are joined too, but not listed.
        lines: of all transcripts.
        name: name of the corpus.
    """
    by_video: dict[str, list[TranscriptLine]] = {}
    for line in lines:
        by_video.setdefault(line.video, []).append(line)
    joined: list[MoseiSegment] = []
    used: set[int] = set()
    for segment in segments:
        nearest = _find_nearest_line(by_video.get(segment.video, ()), segment.interval)
        if nearest:
            used.add(id(nearest))
            joined.append(replace(segment, text=nearest.text, clip_number=nearest.clip_number))
            continue
        joined.append(segment)
        if segment.split:
            message = _("There is no transcript of this segment; the utterance is kept without text.")
            issues.append(Issue("text_missing", "problem", message, segment.utterance_id(name)))
    note_unlabeled_lines(len(lines) - len(used), name, issues)
    return joined


def note_unlabeled_lines(count: int, where: str, issues: list[Issue]) -> None:
    """Add a note if there are lines of transcripts without labels."""
    if count:
        message = _("Lines of the transcripts without an annotated segment, ignored: {n}.", n=format_count(count))
        issues.append(Issue("transcripts_unlabeled", "note", message, where))


def _is_transcript(path: Path) -> bool:
    folders = [part.casefold() for part in path.parts[:-1]]
    return path.suffix.lower() == ".txt" and folders[-1] == "combined" and "full" not in folders[-3:]


def _parse_line(line: str) -> TranscriptLine | None:
    match = _LINE_PATTERN.fullmatch(line)
    if match is None:
        return None
    video, clip, start, end, text = match.groups()
    interval = parse_interval(start, end)
    return None if interval is None else TranscriptLine(video.strip(), clip, interval, text)


def _find_nearest_line(lines: Iterable[TranscriptLine], interval: Interval | None) -> TranscriptLine | None:
    if interval is None:
        return None

    def distance(line: TranscriptLine) -> float:
        return max(abs(line.interval[0] - interval[0]), abs(line.interval[1] - interval[1]))

    return min((line for line in lines if distance(line) <= _TIME_TOLERANCE), key=distance, default=None)
