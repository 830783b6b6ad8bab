"""Embeddings that several models share while they predict the same utterances: each input is encoded once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from numpy.typing import NDArray

Embeddings = dict[str, NDArray[Any]]

_SHARED: ContextVar[dict[str, Embeddings] | None] = ContextVar("shared_embeddings", default=None)


@contextmanager
def share_embeddings() -> Iterator[None]:
    """Keep what frozen encoders compute inside the block, so that each computes an input once for all models."""
    token = _SHARED.set({})
    try:
        yield
    finally:
        _SHARED.reset(token)


def is_sharing() -> bool:
    """Return whether embeddings are shared now."""
    return _SHARED.get() is not None


def find_shared(digest: str) -> Embeddings:
    """Return key → embedding of an encoder, to be read and extended; an empty one if nothing is shared."""
    shared = _SHARED.get()
    return {} if shared is None else shared.setdefault(digest, {})
