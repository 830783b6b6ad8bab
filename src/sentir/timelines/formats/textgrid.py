"""Praat's TextGrid, the long text format: a tier each for speakers, texts and emotions.

The intervals of a tier cover the whole recording and cannot overlap: turns that do are in further tiers,
``text 2`` and so on. An interval without a text is one without a turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.safe_text import make_printable
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.formats.text_fields import assign_layers, join_labels, make_turn, read_utf8
from sentir.timelines.formats.tiers import Interval, tier_name, turns_from_tiers

_TOKEN = re.compile(r'"(?:[^"]|"")*"|![^\n]*|<[^>\s]*>|[^\s"!]+')
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?")


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write a TextGrid."""
    end = timeline.duration or 1.0
    tiers = []
    for n, layer in enumerate(assign_layers(timeline.turns) or [[]]):
        for field in ("speaker", "text", "emotion"):
            intervals = [Interval(turn.start or 0.0, turn.end or 0.0, _cell(turn, field)) for turn in layer]
            tiers.append((tier_name(field, n), list(_fill_gaps(intervals, end))))
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0 ", f"xmax = {_number(end)} ",
        "tiers? <exists> ", f"size = {len(tiers)} ", "item []: ",
    ]  # fmt: skip
    for n, (name, intervals) in enumerate(tiers, start=1):
        lines += [
            f"    item [{n}]:", '        class = "IntervalTier" ', f'        name = "{name}" ',
            "        xmin = 0 ", f"        xmax = {_number(end)} ",
            f"        intervals: size = {len(intervals)} ",
        ]  # fmt: skip
        for k, (start, stop, text) in enumerate(intervals, start=1):
            lines += [
                f"        intervals [{k}]:", f"            xmin = {_number(start)} ",
                f"            xmax = {_number(stop)} ", f"            text = {_quote(text)} ",
            ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _cell(turn: Turn, field: str) -> str:
    return join_labels(turn.labels) if field == "emotion" else getattr(turn, field) or ""


def _fill_gaps(intervals: Sequence[Interval], end: float) -> Iterator[Interval]:
    last = 0.0
    for one in intervals:
        if one.start > last:
            yield Interval(last, one.start, "")
        yield one
        last = one.end
    if last < end:
        yield Interval(last, end, "")


def _number(value: float) -> str:
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def _quote(text: str) -> str:
    doubled = make_printable(text).replace('"', '""')
    return f'"{doubled}"'


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read the intervals with a text, in long or short format; point tiers have no turns.

    Raises:
        TimelineError: if the file is not a TextGrid, or cut off.
    """
    text = read_utf8(path)
    if "TextGrid" not in text[:200]:
        raise TimelineError(_("{path} is not a TextGrid.", path=path))
    try:
        tiers = dict(_read_tiers(_values(text)))
    except (StopIteration, ValueError, RuntimeError) as error:
        raise TimelineError(_("{path} is not a complete TextGrid.", path=path)) from error
    spoken = {name: [one for one in tier if _is_turn(one, str(path))] for name, tier in tiers.items()}
    return {"": turns_from_tiers(spoken, {name: name for name in spoken})}


def _is_turn(interval: Interval, where: str) -> bool:
    has_text = bool(interval.text.strip())
    return has_text and make_turn(where, interval.start, interval.end) is not None


def _values(text: str) -> Iterator[str]:
    """Yield the free-standing numbers and strings and flags, all that Praat itself reads of the file."""
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token[0] == '"' or token[0] == "<" or _NUMBER.fullmatch(token):
            yield token


def _read_tiers(values: Iterator[str]) -> Iterator[tuple[str, list[Interval]]]:
    """Yield the name and intervals of the interval tiers; names that occur twice get a number."""
    names: dict[str, int] = {}
    for _header in range(5):  # two strings, two times, <exists>
        next(values)
    for _tier in range(int(next(values))):
        kind, name = _unquote(next(values)), _unquote(next(values))
        next(values), next(values)
        intervals = []
        for _interval in range(int(next(values))):
            if kind == "IntervalTier":
                intervals.append(Interval(float(next(values)), float(next(values)), _unquote(next(values))))
            else:
                next(values), next(values)
        names[name] = names.get(name, 0) + 1
        if kind == "IntervalTier":
            yield (name if names[name] == 1 else f"{name} {names[name]}"), intervals


def _unquote(token: str) -> str:
    if token[0] != '"':
        raise ValueError(token)
    return token[1:-1].replace('""', '"')
