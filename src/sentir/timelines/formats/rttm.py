"""RTTM, the Rich Transcription Time Marked format of NIST (2009).

A ``SPEAKER`` line has ten fields: type, file, channel, onset, duration, orthography, subtype, name, confidence
and look-ahead. The name is the speaker, the subtype holds the labels, which other programs ignore. Fields cannot
hold white space, which is percent-encoded, as is ``%``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.safe_text import replace_surrogates
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.formats.text_fields import (
    add_times,
    join_labels,
    make_turn,
    percent_decode,
    percent_encode,
    read_utf8,
    split_labels,
)

_NONE = "<NA>"
_UNSAFE = "< \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write a ``SPEAKER`` line per turn."""
    file = _field(Path(timeline.source.file).stem)
    lines = "".join(_line(file, turn) for turn in timeline.turns)
    path.write_text(replace_surrogates(lines), encoding="utf-8")


def _line(file: str, turn: Turn) -> str:
    start, end = Decimal(repr(turn.start)), Decimal(repr(turn.end))
    confidence = _NONE if turn.confidence is None else f"{turn.confidence:.6f}"
    labels = join_labels(turn.labels, _UNSAFE) if turn.labels else _NONE
    fields = (file, "1", f"{start:f}", f"{end - start:f}", _NONE, labels, _field(turn.speaker), confidence, _NONE)
    return f"SPEAKER {' '.join(fields)}\n"


def _field(text: str | None) -> str:
    return percent_encode(text, _UNSAFE) if text else _NONE


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read the ``SPEAKER`` lines; others, such as ``SPKR-INFO``, have no turns.

    Raises:
        TimelineError: if a line has fewer than eight fields, or impossible times.
    """
    by_file: dict[str, list[Turn]] = {}
    for n, line in enumerate(read_utf8(path).split("\n"), start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        where = f"{path}, {n}"
        if len(fields) < 8:
            raise TimelineError(_("{where}: a SPEAKER line needs 8 to 10 fields, not {n}.", where=where,
                                  n=len(fields)))  # fmt: skip
        fields += [_NONE] * (9 - len(fields))
        start, end = add_times(fields[3], fields[4], where)
        labels = () if fields[6] == _NONE else split_labels(fields[6])
        confidence = None if fields[8] in (_NONE, "<na>") else _number(fields[8], where)
        turn = make_turn(where, start, end, speaker=_value(fields[7]), labels=labels, confidence=confidence)
        if turn is not None:
            by_file.setdefault(_value(fields[1]) or "", []).append(turn)
    return by_file


def _value(field: str) -> str | None:
    return None if field in (_NONE, "<na>") else percent_decode(field)


def _number(field: str, where: str) -> float:
    try:
        return float(field)
    except ValueError as error:
        raise TimelineError(_("{where}: '{text}' is not a number.", where=where, text=field[:40])) from error
