"""Characters that are no text: they command a terminal, break a page, or make a line read in another order."""

from __future__ import annotations

import json
import re
from typing import Any

# Controls but tab and ends of lines, halves of surrogate pairs, overrides of the direction of writing, and what
# is no character: XML can hold none of them, and UTF-8 no half character.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]|\r(?!\n)"
)
_SURROGATES = re.compile("[\ud800-\udfff]")  # of surrogate pairs
_LINE_BREAKS = re.compile("[\t\r\n\u2028\u2029]")


def replace_surrogates(text: str) -> str:
    """Return a text, or the name of a file, with U+FFFD in place of half characters, which no UTF-8 can hold."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def make_printable(text: str) -> str:
    """Return a text, or the name of a file, with U+FFFD in place of what is no text.

    Tabs and ends of lines stay. Everything that is printed, drawn or written for people goes through it.
    """
    return text if text.isascii() and text.isprintable() else _UNPRINTABLE.sub("\ufffd", text)


def to_single_line(text: str) -> str:
    """Return what is `printable` of a text, with a space for every tab and end of a line."""
    return _LINE_BREAKS.sub(" ", make_printable(text))


def is_printable_line(text: str) -> bool:
    """Return whether a text is one line without anything that is no text."""
    return to_single_line(text) == text


def json_dumps(value: Any, *, indent: int | None = 1, **kwargs: Any) -> str:
    r"""Write JSON: letters as they are, and what is no text as ``\uXXXX``, so that nothing is lost.

    Args:
        value: plain values.
        indent: spaces for each level; ``None`` = one line.
        kwargs: as `json.dumps` takes them.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, **kwargs)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
