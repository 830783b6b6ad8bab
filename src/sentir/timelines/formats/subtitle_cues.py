"""Cues of subtitles: emotion and speaker as text before what is said, ``[joy 0.83] Ana: I got it!``."""

from __future__ import annotations

import re

from sentir.timelines.document import Turn
from sentir.timelines.formats.text_fields import (
    NO_LABEL,
    join_labels,
    percent_decode,
    percent_encode,
    split_labels,
)

_EMOTION = re.compile(rf"\[([^\]\n]*) (\d\.\d\d|{NO_LABEL})\](?: |$)")
_SPEAKER = re.compile(r"([^\s:]+(?: [^\s:]+){0,3}):(?: |$)")
_BRACKETED = re.compile(r"\[(.+)\]")  # as WhisperX writes speakers
_WHITE_SPACE = re.compile(r"\s")


def format_emotion(turn: Turn, text: str) -> str:
    """Return a text with the labels and the confidence of a turn before it."""
    if not turn.labels and turn.confidence is None and not _EMOTION.match(text):
        return text
    confidence = NO_LABEL if turn.confidence is None else f"{turn.confidence:.2f}"
    labels = join_labels(turn.labels, "]\r\n")
    return f"[{labels} {confidence}] {text}"


def parse_emotion(text: str) -> tuple[tuple[str, ...], float | None, str]:
    """Return labels, confidence and the text after them; brackets of another form belong to the text."""
    match = _EMOTION.match(text)
    if match is None:
        return (), None, text
    confidence = None if match[2] == NO_LABEL else float(match[2])
    return split_labels(match[1]), confidence, text[match.end() :]


def format_speaker(speaker: str | None, text: str) -> str:
    """Return a text with ``Name: `` before it; ``–: `` where a text alone would look as if it had a name."""
    if not speaker:
        return f"{NO_LABEL}: {text}" if _SPEAKER.match(text) else text
    name = percent_encode(speaker, f":{NO_LABEL}[<{{\r\n")
    if not re.fullmatch(r"[^\s:]+(?: [^\s:]+){0,3}", name):
        name = _WHITE_SPACE.sub(lambda match: percent_encode(match[0], match[0]), name)
    return f"{name}: {text}"


def parse_speaker(text: str) -> tuple[str | None, str]:
    """Return the speaker of ``Name: text``, a name of at most four words, and the text."""
    match = _SPEAKER.match(text)
    if match is None:
        return None, text
    bracketed = _BRACKETED.fullmatch(match[1])
    name = bracketed[1] if bracketed else match[1]
    return None if name == NO_LABEL else percent_decode(name), text[match.end() :]


def without_blank_lines(text: str | None) -> str:
    """Return a text without its blank lines, which would end a cue."""
    return "\n".join(line for line in (text or "").splitlines() if line.strip())
