"""Differences between the recipes of two candidates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOT_COMPARED = ("train.seed",)  # candidates are trained with all seeds


def flatten_settings(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in which candidates can differ, flat: ``model.context`` → its value."""
    data = {key: tree["data"][key] for key in ("cleaning", "min_train_words")}
    flat = _flatten({"model": tree["model"], "train": tree["train"], "data": data})
    return {key: value for key, value in flat.items() if key not in _NOT_COMPARED}


def diff_settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return setting → its values in ``a`` and ``b``, where they differ; ``None`` if missing."""
    keys = dict.fromkeys((*a, *b))
    return {key: (a.get(key), b.get(key)) for key in keys if a.get(key) != b.get(key)}


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        flat |= _flatten(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return flat
