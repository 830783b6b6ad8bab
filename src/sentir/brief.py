"""How values show themselves: in one line at a prompt, in a small table in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from sentir.characters import printable

_LONGEST, _MOST = 60, 8  # characters of a text, members of a list


class Brief:
    """Shows what `_brief` returns, whatever else it holds. Data classes take it with ``repr=False``."""

    __slots__ = ()

    def _brief(self) -> Mapping[str, object]:
        raise NotImplementedError

    def __repr__(self) -> str:
        told = ", ".join(f"{key}={_short(value)}" for key, value in self._brief().items())
        return f"{type(self).__name__}({told})"

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th>{escape(key)}</th><td>{escape(_short(v))}</td></tr>" for key, v in self._brief().items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{''.join(rows)}</table>"


def few(items: Iterable[object]) -> str:
    """Return the first of many, with commas between them."""
    names = [printable(str(item)) for item in items]
    return ", ".join(names[:_MOST]) + (f", … ({len(names)})" if len(names) > _MOST else "")


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if not isinstance(value, str):
        return " ".join(printable(str(value)).split())
    text = " ".join(printable(value).split())
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
