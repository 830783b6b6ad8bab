"""Chats and transcripts: ``Name: text`` on a line each, without times; indented lines continue a turn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sentir.safe_text import replace_surrogates
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.formats.subtitle_cues import format_speaker, parse_speaker
from sentir.timelines.formats.text_fields import NO_LABEL, read_utf8

_INDENT = "    "


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write a line per turn."""
    lines = []
    for turn in timeline.turns:
        rows = [row.strip() for row in (turn.text or "").splitlines() if row.strip()] or [""]
        first = format_speaker(turn.speaker, rows[0]) or f"{NO_LABEL}:"
        lines.append(f"\n{_INDENT}".join([first, *rows[1:]]).rstrip(" ") + "\n")
    path.write_text(replace_surrogates("".join(lines)), encoding="utf-8", newline="\n")


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read a turn of each line that is not blank."""
    rows: list[str] = []
    for line in read_utf8(path).splitlines():
        if line[:1].isspace() and line.strip() and rows:
            rows[-1] += f"\n{line.strip()}"
        elif line.strip():
            rows.append(line.strip())
    turns = []
    for row in rows:
        speaker, text = parse_speaker(row)
        turns.append(Turn(speaker=speaker, text=text.strip()))
    return {"": turns}
