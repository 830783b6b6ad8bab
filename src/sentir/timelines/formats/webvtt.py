"""WebVTT (W3C, 2019): cues with the speaker as voice span, and the emotion before the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape
from pathlib import Path

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.safe_text import replace_surrogates
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.formats.srt import ARROW, format_time, iter_cues, parse_times
from sentir.timelines.formats.subtitle_cues import format_emotion, parse_emotion, without_blank_lines
from sentir.timelines.formats.text_fields import make_turn, read_utf8, to_milliseconds

_VOICE = re.compile(r"<v(?:\.[^ >]*)? ([^>]*)>")
_TAG = re.compile(r"<[^>]*>")


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write a cue per turn."""
    cues = ["WEBVTT\n\n"]
    for turn in timeline.turns:
        text = escape(format_emotion(turn, without_blank_lines(turn.text)), quote=False)
        if turn.speaker:
            text = f"<v {escape(' '.join(turn.speaker.split()), quote=False)}>{text}"
        start, end = (format_time(time, ".") for time in to_milliseconds(turn))
        cues.append(f"{start} {ARROW} {end}\n{text}\n\n")
    path.write_text(replace_surrogates("".join(cues)), encoding="utf-8", newline="\n")


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read a turn of each cue; notes, styles and regions have none.

    Raises:
        TimelineError: if the file does not begin with ``WEBVTT``.
    """
    if not read_utf8(path).startswith("WEBVTT"):
        raise TimelineError(_("{path} is not WebVTT: it must begin with 'WEBVTT'.", path=path))
    turns = []
    for where, times, payload in iter_cues(path):
        if times.startswith(("NOTE", "STYLE", "REGION")):
            continue
        voice = _VOICE.search(payload)
        labels, confidence, text = parse_emotion(unescape(_TAG.sub("", payload)))
        turn = make_turn(
            where,
            *parse_times(times, where),
            speaker=unescape(voice[1]).strip() or None if voice else None,
            text=text.strip() or None,
            labels=labels,
            confidence=confidence,
        )
        turns.append(turn)
    return {"": [turn for turn in turns if turn is not None]}
