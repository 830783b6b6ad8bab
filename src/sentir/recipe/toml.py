"""Nested settings as TOML: overrides in, text out."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from sentir.errors import RecipeError
from sentir.i18n import _


def merge(tree: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``tree`` with ``changes`` laid over it, table by table."""
    merged = dict(tree)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def parse_override(text: str) -> dict[str, Any]:
    """Turn ``train.lr=2e-5`` into a nested dictionary; a value that is not TOML is taken as a string.

    Raises:
        RecipeError: if there is no ``=``.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise RecipeError(_("'{text}' is not an override; write section.key=value.", text=text))
    try:
        parsed = tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    for part in reversed(key.strip().split(".")):
        parsed = {part: parsed}
    return parsed


def toml_text(tree: Mapping[str, Any], prefix: str = "") -> str:
    """Write nested settings the way a recipe reads, values first, then a table for each section.

    TOML has no null: a setting that is not set stands as a comment.
    """
    lines, rest = [], []
    for key, value in tree.items():
        name = key if re.fullmatch(r"[\w-]+", key, re.ASCII) else json.dumps(key, ensure_ascii=False)
        if isinstance(value, Mapping):
            rest.append(toml_text(value, f"{prefix}{name}."))
        elif value is None:
            lines.append(f"# {name} =")
        else:
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False, default=str)}")
    if lines and prefix:
        lines.insert(0, f"[{prefix.rstrip('.')}]")
    return "\n\n".join(block for block in ("\n".join(lines), *rest) if block)
