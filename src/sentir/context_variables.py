"""Values of a ``with`` block, each seen only by its own thread or task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def set_in_block(variable: ContextVar[T], value: T) -> Iterator[None]:
    """Set a context variable inside a ``with`` block."""
    before = variable.get()
    variable.set(value)
    try:
        yield
    finally:
        variable.set(before)
