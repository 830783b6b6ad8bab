"""Paths in recipes: relative to the file in TOML, relative to the working directory in a `Recipe`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sentir.paths import make_relative
from sentir.recipe.data import READER_SETTINGS
from sentir.recipe.folds import FoldSettings


def resolve_paths(tree: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings of a recipe in ``folder`` with paths relative to the working directory."""
    return dict(tree) if folder == Path() else _map_paths(tree, lambda path: os.path.normpath(folder / path))


def relativize_paths(tree: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return settings with paths relative to ``folder``; absolute paths are unchanged."""
    return _map_paths(tree, lambda path: path if os.path.isabs(path) else make_relative(path, folder))


def _map_paths(tree: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Change all paths that are strings; other types are refused in validation."""
    changed, data, plugins = dict(tree), tree.get("data"), tree.get("plugins")
    if isinstance(data, Mapping):
        sections = {name: READER_SETTINGS.get(name) for name in READER_SETTINGS} | {"folds": FoldSettings}
        changed["data"] = _change_keys(data, ("root",), change) | {
            name: _change_keys(data[name], section.recipe_paths, change)
            for name, section in sections.items()
            if isinstance(data.get(name), Mapping)
        }
    if isinstance(plugins, list | tuple):
        changed["plugins"] = [change(one) if isinstance(one, str) else one for one in plugins]
    return changed


def _change_keys(section: Mapping[str, Any], keys: Iterable[str], change: Callable[[str], str]) -> dict[str, Any]:
    return {**section, **{key: change(section[key]) for key in keys if isinstance(section.get(key), str)}}
