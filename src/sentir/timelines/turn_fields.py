"""The types of the fields of turns and timelines, which files of other programs may not keep to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

_MAX_INT = 2**53  # from here on, floats do not hold every integer


def find_impossible_field(turn: Any) -> str | None:
    """Return the name of a field of a turn whose value is not of its type; ``None`` if there is none."""
    return _find_false(
        start=turn.start is None or _is_real(turn.start),
        end=turn.end is None or _is_real(turn.end),
        speaker=isinstance(turn.speaker, str | None),
        text=isinstance(turn.text, str | None),
        labels=_are_texts(turn.labels),
        probabilities=_are_numbers(turn.probabilities),
        values=_are_numbers(turn.values),
        confidence=turn.confidence is None or _is_finite(turn.confidence),
        other_tasks=isinstance(turn.other_tasks, Mapping)
        and all(isinstance(task, str) and _are_numbers(one) for task, one in turn.other_tasks.items()),
        notes=_are_texts(turn.notes),
        problem=isinstance(turn.problem, str),
    )


def find_impossible_source_field(source: Any, max_seconds: float) -> str | None:
    """Return the same of what a timeline was made of."""
    seconds = source.seconds
    return _find_false(
        file=isinstance(source.file, str),
        sha256=isinstance(source.sha256, str),
        seconds=seconds is None or (_is_real(seconds) and 0 <= seconds <= max_seconds),
    )


def find_impossible_document_field(document: Any) -> str | None:
    """Return the same of a timeline, without its turns and its source."""
    return _find_false(
        task=isinstance(document.task, str),
        labels=_are_texts(document.labels),
        model=_are_named(document.model) and _are_texts(tuple(document.model.values())),
        settings=_are_named(document.settings),
        notes=_are_texts(document.notes),
        synthetic=isinstance(document.synthetic, bool),
    )


def _find_false(**checks: bool) -> str | None:
    return next((name for name, is_possible in checks.items() if not is_possible), None)


def _are_named(values: object) -> bool:
    return isinstance(values, Mapping) and all(isinstance(name, str) for name in values)


def _are_texts(values: object) -> bool:
    return isinstance(values, tuple) and all(isinstance(one, str) for one in values)


def _are_numbers(values: object) -> bool:
    return isinstance(values, Mapping) and all(
        isinstance(name, str) and _is_finite(value) for name, value in values.items()
    )


def _is_real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return _is_real(value) and abs(value) < (_MAX_INT if isinstance(value, int) else math.inf)
