"""Unprintable characters: terminal controls, bidirectional overrides, and what UTF-8 or XML cannot hold."""

from __future__ import annotations

import json
import re
from typing import Any

# Control characters except tab and line breaks, unpaired surrogates, bidirectional overrides and noncharacters.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]|\r(?!\n)"
)
_SURROGATES = re.compile("[\ud800-\udfff]")  # unpaired, as pairs are one character
_LINE_BREAKS = re.compile("[\t\r\n\u2028\u2029]")


def replace_surrogates(text: str) -> str:
    """Return a text or file name with U+FFFD for unpaired surrogates, which UTF-8 cannot encode."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def make_printable(text: str) -> str:
    """Return a text or file name with U+FFFD for unprintable characters; tabs and line breaks are kept.

    Everything that is printed, drawn or written for people goes through this function.
    """
    return text if text.isascii() and text.isprintable() else _UNPRINTABLE.sub("\ufffd", text)


def to_single_line(text: str) -> str:
    """Return `make_printable` of a text with spaces for tabs and line breaks."""
    return _LINE_BREAKS.sub(" ", make_printable(text))


def is_printable_line(text: str) -> bool:
    """Return whether a text is a single line of printable characters."""
    return to_single_line(text) == text


def json_dumps(value: Any, *, indent: int | None = 1, **kwargs: Any) -> str:
    r"""Return JSON in Unicode with unprintable characters as ``\uXXXX``, so that nothing is lost.

    Args:
        value: plain values.
        indent: spaces for each level; ``None`` for one line.
        kwargs: further arguments of `json.dumps`.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, **kwargs)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
