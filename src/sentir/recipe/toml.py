"""Nested settings: merging, overrides, differences and TOML output."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.safe_text import to_single_line

_NOT_COMPARED = ("train.seed",)  # candidates are trained with all seeds


def read_toml(path: Path) -> dict[str, Any]:
    """Return the settings in a file.

    Raises:
        RecipeError: if it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        if path.suffix.lower() != ".toml":
            raise RecipeError(
                _("{path} is not a recipe, which is a TOML file; for a table, 'sentir corpus init' writes one.",
                  path=path)
            ) from error  # fmt: skip
        raise RecipeError(_("{path} is not valid TOML: {why}.", path=path, why=error)) from error


def merge_settings(tree: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``tree`` with ``changes`` merged into it, table by table."""
    merged = dict(tree)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge_settings(merged[key], value) if both else value
    return merged


Overrides = Iterable[str] | Mapping[str, Any]
"""Strings such as ``train.lr=2e-5``, or setting → value, such as ``{"train.lr": 2e-5}``."""


def parse_overrides(overrides: Overrides) -> Iterator[dict[str, Any]]:
    """Yield overrides as nested dictionaries; a single string is one override.

    Raises:
        RecipeError: if one of them is invalid.
    """
    if isinstance(overrides, Mapping):
        for key, value in overrides.items():
            yield _nest(str(key), value)
    else:
        yield from map(parse_override, [overrides] if isinstance(overrides, str) else overrides)


def parse_override(text: str) -> dict[str, Any]:
    """Parse ``train.lr=2e-5`` as a nested dictionary; a value that is not TOML is a string.

    Raises:
        RecipeError: if there is no ``=``.
    """
    key, equals, value = str(text).partition("=")
    if not equals or not key.strip():
        raise RecipeError(_("'{text}' is not an override; write section.key=value.", text=text))
    return _nest(key.strip(), _parse_value(value))


def _nest(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    tree: dict[str, Any] = value
    return tree


def _parse_value(text: str) -> Any:
    try:
        tree = tomllib.loads(f"v = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text.strip()
    return tree["v"] if len(tree) == 1 else text.strip()  # several lines are not one value


def format_setting(value: Any) -> str:
    """Format the value of a setting on one line; a dash for none."""
    if value is None or value in ([], ""):
        return "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(format_setting, value))
    if isinstance(value, float):
        return f"{value:.3g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def dump_toml(tree: Mapping[str, Any]) -> str:
    """Return nested settings as TOML, without ``None``, which TOML does not have."""
    import tomli_w

    return tomli_w.dumps(_drop_none(tree)).strip("\n")


def format_toml_comment(text: str) -> str:
    """Return a text as a one-line TOML comment."""
    return f"# {to_single_line(text)}\n"


def _drop_none(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _drop_none(value) if isinstance(value, Mapping) else value
        for key, value in tree.items()
        if value is not None
    }


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
