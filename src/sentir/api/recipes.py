"""Reading a recipe, the first step of every verb."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sentir.places import Place
from sentir.readers import READERS
from sentir.recipe import Data, Recipe
from sentir.registry import load_plugin


def load_recipe(path: Place, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, apply overrides such as ``train.lr=2e-5``, and load its plug-ins.

    Raises:
        RecipeError: naming the key that cannot be used.
    """
    recipe = Recipe.load(Path(path), overrides)
    for plugin in recipe.plugins:
        load_plugin(plugin)
    return recipe


def named_data(corpus: Place, *, root: Place | None = None) -> Data:
    """Return what to read: what a recipe says, or the corpus of a reader, with its clips if there is a ``root``.

    Raises:
        RecipeError: naming the key of the recipe that cannot be used.
        UnknownNameError: if there is no such reader.
    """
    if Path(corpus).suffix == ".toml":
        return load_recipe(Path(corpus)).data
    READERS.get(str(corpus))
    return Data(reader=str(corpus), sound=root is not None)
