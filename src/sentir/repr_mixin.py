"""Representations of results: one line at a prompt, a small table in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from dataclasses import fields
from html import escape
from typing import Any

from sentir.safe_text import make_printable

_MAX_CHARACTERS, _MAX_ITEMS = 60, 8  # of a text, of a list


class ReprMixin:
    """A short representation from `_repr_fields`, for data classes with ``repr=False``."""

    __slots__ = ()

    def _repr_fields(self) -> Mapping[str, object]:
        """Return what is shown, by default the fields, collections as their length."""
        instance: Any = self
        values = {field.name: getattr(instance, field.name) for field in fields(instance) if field.repr}
        return {
            key: len(v) if isinstance(v, Sized) and not isinstance(v, str) else v for key, v in values.items()
        }

    def _repr_values(self) -> dict[str, str]:
        return {key: _abbreviate_value(value) for key, value in self._repr_fields().items() if value is not None}

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{key}={value}' for key, value in self._repr_values().items())})"
        )

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>"
            for key, value in self._repr_values().items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{''.join(rows)}</table>"


def abbreviate_list(items: Iterable[object]) -> str:
    """Return the first items, separated by commas, and the number of all if some are left out."""
    names = [make_printable(str(item)) for item in items]
    return ", ".join(names[:_MAX_ITEMS]) + (f", … ({len(names)})" if len(names) > _MAX_ITEMS else "")


def _abbreviate_value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = " ".join(make_printable(str(value)).split())
    text = text if len(text) <= _MAX_CHARACTERS or isinstance(value, ReprMixin) else f"{text[:_MAX_CHARACTERS]}…"
    return repr(text) if isinstance(value, str) else text
