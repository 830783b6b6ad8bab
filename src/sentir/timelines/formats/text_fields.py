"""Labels, speakers and times as text fields of annotation formats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.timelines.document import Turn

NO_LABEL = "–"
"""Stands for no label where an annotation must not be empty."""

_TIME = re.compile(r"(?:(?:(\d+) days? )?(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?(?:[eE][-+]?\d+)?|[.,]\d+)")


def percent_encode(text: str, unsafe: str) -> str:
    """Return text with ``%``, white space if ``unsafe`` has any, and the characters of ``unsafe`` as ``%XX``."""
    return "".join(
        "".join(f"%{byte:02X}" for byte in letter.encode()) if letter in unsafe or letter == "%" else letter
        for letter in text
    )


def percent_decode(text: str) -> str:
    """Return what `percent_encode` encoded."""
    return unquote(text, errors="replace") if "%" in text else text


def join_labels(labels: Sequence[str], unsafe: str = "") -> str:
    """Return labels in one field, ``–`` for none; a ``|``, ``%`` or ``–`` within a label is percent-encoded."""
    return "|".join(percent_encode(label, f"|{NO_LABEL}{unsafe}") for label in labels) or NO_LABEL


def split_labels(text: str) -> tuple[str, ...]:
    """Return the labels of `join_labels`; none of an empty field."""
    return () if text in ("", NO_LABEL) else tuple(map(percent_decode, text.split("|")))


def to_milliseconds(turn: Turn) -> tuple[int, int]:
    """Return the start and end of a turn in whole milliseconds, at least one apart."""
    start, end = round((turn.start or 0.0) * 1000), round((turn.end or 0.0) * 1000)
    return start, max(end, start + 1)


def parse_time(text: str, where: str) -> float:
    """Return seconds for ``12.5``, ``1:02:03.5``, ``02:03,500`` or ``0 days 00:00:12.5``.

    Args:
        text: the time.
        where: file and line, for the message.

    Raises:
        TimelineError: if it is none of these.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise TimelineError(_("{where}: '{text}' is not a time.", where=where, text=text.strip()[:40]))
    days, hours, minutes, seconds = match.groups()
    whole = 86_400 * int(days or 0) + 3600 * int(hours or 0) + 60 * int(minutes or 0)
    return float(Decimal(seconds.replace(",", ".")) + whole)


def add_times(start: str, duration: str, where: str) -> tuple[float, float]:
    """Return start and end of a decimal start and duration, without an error of rounding.

    Raises:
        TimelineError: if one of them is not a number.
    """
    try:
        return float(start), float(Decimal(start) + Decimal(duration))
    except (InvalidOperation, ValueError) as error:
        text = f"{start} {duration}"
        raise TimelineError(_("{where}: '{text}' is not a time.", where=where, text=text[:40])) from error


def make_turn(where: str, start: float | None, end: float | None, **fields: object) -> Turn | None:
    """Return a turn; ``None`` if it is empty, that is, its end is its start.

    Raises:
        TimelineError: naming the place, if its times are impossible.
    """
    if start is not None and start == end:
        return None
    try:
        return Turn(start, end, **fields)  # type: ignore[arg-type]
    except TimelineError as error:
        raise TimelineError(f"{where}: {error}") from error


def assign_layers(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Return layers of turns that do not overlap within a layer, the first as full as possible.

    Turns must be in the order of their starts.
    """
    layers: list[list[Turn]] = []
    ends = np.full(len(turns), -np.inf)  # of the layers; one that is not begun is free
    for turn in turns:
        n = int(np.argmax(ends[: len(layers) + 1] <= (turn.start or 0.0)))
        if n == len(layers):
            layers.append([])
        layers[n].append(turn)
        ends[n] = turn.end or 0.0
    return layers


def read_utf8(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without byte order mark, or in UTF-16 with one."""
    content = path.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return content.decode(encoding)
