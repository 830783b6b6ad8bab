"""What two candidates of a study differ in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOT_COMPARED = ("train.seed",)  # every candidate is trained with all seeds


def flatten_settings(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a candidate may differ in, of a resolved recipe, flat: ``model.context`` → its value."""
    data = {key: tree["data"][key] for key in ("cleaning", "min_train_words")}
    found = _flatten({"model": tree["model"], "train": tree["train"], "data": data})
    return {key: value for key, value in found.items() if key not in _NOT_COMPARED}


def diff_settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return setting → its value in ``a`` and in ``b``, where they differ; ``None`` where one lacks it."""
    keys = dict.fromkeys((*a, *b))
    return {key: (a.get(key), b.get(key)) for key in keys if a.get(key) != b.get(key)}


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        found |= _flatten(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return found
