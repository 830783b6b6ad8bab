"""SubRip subtitles: numbered cues with times in milliseconds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.safe_text import replace_surrogates
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.formats.subtitle_cues import (
    format_emotion,
    format_speaker,
    parse_emotion,
    parse_speaker,
    without_blank_lines,
)
from sentir.timelines.formats.text_fields import make_turn, parse_time, read_utf8, to_milliseconds

ARROW = "-->"
_TAGS = re.compile(r"</?(?:i|b|u|font)(?: [^>]*)?>|\{\\an?\d\}", re.IGNORECASE)


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write a cue per turn."""
    cues = []
    for n, turn in enumerate(timeline.turns, start=1):
        text = format_emotion(turn, format_speaker(turn.speaker, without_blank_lines(turn.text)))
        start, end = (format_time(time, ",") for time in to_milliseconds(turn))
        cues.append(f"{n}\n{start} {ARROW} {end}\n{text}\n\n")
    path.write_text(replace_surrogates("".join(cues)), encoding="utf-8", newline="\n")


def format_time(milliseconds: int, separator: str) -> str:
    """Return ``HH:MM:SS,mmm``."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{separator}{rest:03}"


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read a turn of each cue.

    Raises:
        TimelineError: if a cue has no times.
    """
    turns = []
    for where, times, text in iter_cues(path):
        labels, confidence, text = parse_emotion(_TAGS.sub("", text))
        speaker, text = parse_speaker(text)
        start, end = parse_times(times, where)
        fields = {"speaker": speaker, "text": text.strip() or None, "labels": labels, "confidence": confidence}
        turns.append(make_turn(where, start, end, **fields))
    return {"": [turn for turn in turns if turn is not None]}


def iter_cues(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield place, times and text of the blocks of a file that have times.

    Raises:
        TimelineError: if a block that begins with a number has none.
    """
    lines = read_utf8(path).replace("\r\n", "\n").replace("\r", "\n")
    for block in re.split(r"\n(?:[ \t]*\n)+", lines):
        rows = block.strip("\n").split("\n")
        n = next((n for n, row in enumerate(rows[:2]) if ARROW in row), None)
        if n is not None:
            yield f"{path}, {rows[0][:40]}", rows[n], "\n".join(rows[n + 1 :])
        elif rows[0].strip().isdecimal():
            raise TimelineError(_("{path}: the cue {n} has no times.", path=path, n=rows[0].strip()))


def parse_times(line: str, where: str) -> tuple[float, float]:
    """Return start and end of a line ``start --> end``, without the settings of WebVTT."""
    start, _arrow, end = line.partition(ARROW)
    return parse_time(start, where), parse_time((end.split() or [""])[0], where)
