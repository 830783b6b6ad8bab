"""Reading a recipe, the first step of every verb."""

from __future__ import annotations

from pathlib import Path

from sentir.paths import PathLike
from sentir.readers import READERS
from sentir.recipe import DataSettings, Overrides, Recipe
from sentir.registry import load_plugin


def load_recipe(path: PathLike, overrides: Overrides = ()) -> Recipe:
    """Read a recipe, apply overrides, and load its plug-ins.

    Args:
        path: of a TOML file, or the name of a recipe that comes with Sentir, such as ``meld-text``.
        overrides: setting → value, ``{"train.lr": 2e-5}``, or texts such as ``train.lr=2e-5``.

    Raises:
        RecipeError: naming the key that cannot be used.
    """
    recipe = Recipe.load(path, overrides)
    for plugin in recipe.plugins:
        load_plugin(plugin)
    return recipe


def as_recipe(recipe: PathLike | Recipe) -> Recipe:
    """Return a recipe, loaded if it was given by its path or name.

    Raises:
        RecipeError: as `load_recipe`.
    """
    return recipe if isinstance(recipe, Recipe) else load_recipe(recipe)


def as_data(corpus: PathLike | DataSettings | Recipe, *, root: PathLike | None = None) -> DataSettings:
    """Return what to read, of what names it, as `named_data` does, or is it.

    Raises:
        SentirError: as `named_data`.
    """
    if isinstance(corpus, DataSettings):
        return corpus
    return corpus.data if isinstance(corpus, Recipe) else resolve_data(corpus, root=root)


def resolve_data(corpus: PathLike, *, root: PathLike | None = None) -> DataSettings:
    """Return what to read: what a recipe says, or the corpus of a reader, with its clips if there is a ``root``.

    Raises:
        RecipeError: naming the key of the recipe that cannot be used.
        UnknownNameError: if there is no such reader.
    """
    if Path(corpus).suffix == ".toml":
        return load_recipe(corpus).data
    READERS.get(str(corpus))
    return DataSettings(reader=str(corpus), audio=root is not None)
