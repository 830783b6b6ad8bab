"""The plug-ins that a recipe names: Python code, which is run only if that is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sentir.errors import PluginError, RecipeError
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.plugins import is_loaded, load_plugin
from sentir.preflight import require_recipe
from sentir.recipe.relative_paths import resolve_paths
from sentir.recipe.toml import Overrides, parse_overrides, read_toml


def list_recipe_plugins(recipe: PathLike, overrides: Overrides = ()) -> tuple[Path, ...]:
    """Return the plug-ins that a recipe names and that are not loaded; nothing is run.

    Raises:
        RecipeError: if the recipe is missing or not TOML.
    """
    path = require_recipe(recipe)
    return tuple(
        one for one in _list_plugins(path, read_toml(path), parse_overrides(overrides)) if not is_loaded(one)
    )


def load_recipe_plugins(
    path: Path, settings: Mapping[str, Any], changes: Iterable[Mapping[str, Any]], *, allow: bool
) -> None:
    """Load the plug-ins that a recipe names.

    Args:
        path: of the recipe.
        settings: its content.
        changes: overrides of it.
        allow: whether they may be run; if not, they must be loaded already.

    Raises:
        PluginError: if one cannot be loaded, or is not allowed.
        RecipeError: if they are not a list of paths.
    """
    for plugin in _list_plugins(path, settings, changes):
        if not allow and not is_loaded(plugin):
            raise not_allowed_error(path, plugin)
        load_plugin(plugin)


def not_allowed_error(recipe: PathLike, plugin: Path) -> PluginError:
    """Return the error for a plug-in that a recipe may not run."""
    return PluginError(
        _("The recipe {recipe} runs the plug-in {path}, which is Python code. If you trust it, allow it with "
          "--allow-plugins, in Python with load_recipe(…, allow_plugins=True).",
          recipe=recipe, path=plugin.absolute())
    )  # fmt: skip


def _list_plugins(
    path: Path, settings: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]
) -> tuple[Path, ...]:
    """Return the plug-ins of a recipe, with paths relative to the working directory."""
    named = resolve_paths({"plugins": settings.get("plugins", [])}, path.parent)["plugins"]
    for change in changes:
        named = change.get("plugins", named)
    try:
        return TypeAdapter(tuple[Path, ...]).validate_python(named)
    except ValidationError as error:
        raise RecipeError(
            _("{where}: '{key}' cannot be {value!r}: {why}.",
              where=path, key="plugins", value=named, why=_("give a list"))
        ) from error  # fmt: skip
