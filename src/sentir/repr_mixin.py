"""How values show themselves: in one line at a prompt, in a small table in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from dataclasses import fields
from html import escape
from typing import Any

from sentir.safe_text import printable

_LONGEST, _MOST = 60, 8  # characters of a text, members of a list


class Brief:
    """Shows what `_brief` returns, whatever else it holds. Data classes take it with ``repr=False``."""

    __slots__ = ()

    def _brief(self) -> Mapping[str, object]:
        """Return what is shown; unless a class says it, its fields, of several things how many they are."""
        held: Any = self
        found = {one.name: getattr(held, one.name) for one in fields(held) if one.repr}
        return {key: len(v) if isinstance(v, Sized) and not isinstance(v, str) else v for key, v in found.items()}

    def _told(self) -> dict[str, str]:
        return {key: _short(value) for key, value in self._brief().items() if value is not None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value}' for key, value in self._told().items())})"

    def _repr_html_(self) -> str:
        rows = (f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in self._told().items())
        return f"<table><caption>{type(self).__name__}</caption>{''.join(rows)}</table>"


def few(items: Iterable[object]) -> str:
    """Return the first of many, with commas between them."""
    names = [printable(str(item)) for item in items]
    return ", ".join(names[:_MOST]) + (f", … ({len(names)})" if len(names) > _MOST else "")


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = " ".join(printable(str(value)).split())
    text = text if len(text) <= _LONGEST or isinstance(value, Brief) else f"{text[:_LONGEST]}…"
    return repr(text) if isinstance(value, str) else text
