"""The types of the fields of a turn, which files of other programs may not keep to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

_MAX_INT = 2**53  # from here on, floats do not hold every integer


def find_impossible_field(turn: Any) -> str | None:
    """Return the name of a field of a turn whose value is not of its type; ``None`` if there is none."""
    is_possible = {
        "start": turn.start is None or is_real(turn.start),
        "end": turn.end is None or is_real(turn.end),
        "speaker": isinstance(turn.speaker, str | None),
        "text": isinstance(turn.text, str | None),
        "labels": _are_texts(turn.labels),
        "probabilities": _are_numbers(turn.probabilities),
        "values": _are_numbers(turn.values),
        "confidence": turn.confidence is None or _is_finite(turn.confidence),
        "other_tasks": isinstance(turn.other_tasks, Mapping)
        and all(isinstance(task, str) and _are_numbers(one) for task, one in turn.other_tasks.items()),
        "notes": _are_texts(turn.notes),
        "problem": isinstance(turn.problem, str),
    }
    return next((name for name, possible in is_possible.items() if not possible), None)


def _are_texts(values: object) -> bool:
    return isinstance(values, tuple) and all(isinstance(one, str) for one in values)


def _are_numbers(values: object) -> bool:
    return isinstance(values, Mapping) and all(
        isinstance(name, str) and _is_finite(value) for name, value in values.items()
    )


def is_real(value: object) -> bool:
    """Return whether a value is a number, and not a truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return is_real(value) and abs(value) < (_MAX_INT if isinstance(value, int) else math.inf)
