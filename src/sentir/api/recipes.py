"""Reading a recipe, the first step of every verb."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sentir.recipe import Recipe
from sentir.registry import load_plugin


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, apply overrides such as ``train.lr=2e-5``, and load its plug-ins.

    Raises:
        RecipeError: naming the key that cannot be used.
    """
    recipe = Recipe.load(path, overrides)
    for plugin in recipe.plugins:
        load_plugin(plugin)
    return recipe
