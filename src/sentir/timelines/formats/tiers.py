"""Tiers of intervals, as ELAN and Praat have them, → turns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sentir.timelines.document import Turn, sort_turns
from sentir.timelines.formats.text_fields import split_labels

_OWN_TIER = re.compile(r"(speaker|text|emotion)(?: (\d+))?", re.IGNORECASE)


class Interval(NamedTuple):
    """A labeled interval of a tier, in seconds."""

    start: float
    end: float
    text: str


def tier_name(field: str, layer: int) -> str:
    """Return the name of a tier: ``text``, ``text 2`` …"""
    return field if layer == 0 else f"{field} {layer + 1}"


def turns_from_tiers(tiers: Mapping[str, Sequence[Interval]], speakers: Mapping[str, str]) -> list[Turn]:
    """Return the turns of tiers.

    Tiers called ``speaker``, ``text`` and ``emotion``, with or without a number, hold fields of turns, which are
    matched by their times. If there are none of these, each tier holds the texts of a speaker.

    Args:
        tiers: name → intervals.
        speakers: name of a tier → speaker.
    """
    fields: dict[tuple[str, float, float], dict[str, str]] = {}
    for name, intervals in tiers.items():
        if match := _OWN_TIER.fullmatch(name):
            for start, end, text in intervals:
                fields.setdefault((match[2] or "1", start, end), {})[match[1].lower()] = text
    if fields:
        turns = [
            Turn(start, end, one.get("speaker"), one.get("text"), split_labels(one.get("emotion", "")))
            for (_layer, start, end), one in fields.items()
        ]
        return list(sort_turns(turns))
    return list(
        sort_turns(
            [
                Turn(start, end, speakers[name], text)
                for name, intervals in tiers.items()
                for start, end, text in intervals
            ]
        )
    )
