"""Recipes and corpora given by name, path or value."""

from __future__ import annotations

from pathlib import Path

from sentir.paths import PathLike
from sentir.readers import READERS
from sentir.recipe import DataSettings, Overrides, Recipe


def load_recipe(path: PathLike, overrides: Overrides = (), *, allow_plugins: bool = False) -> Recipe:
    """Read a recipe, apply overrides, and load its plug-ins.

    Args:
        path: of a TOML file, or the name of a recipe that comes with Sentir, such as ``meld-text``.
        overrides: setting → value, ``{"train.lr": 2e-5}``, or strings such as ``train.lr=2e-5``.
        allow_plugins: whether the plug-ins that it names, which are Python code, may be run.

    Raises:
        RecipeError: naming the invalid key.
        PluginError: if a plug-in cannot be loaded, or is not allowed.
    """
    return Recipe.load(path, overrides, allow_plugins=allow_plugins)


def as_recipe(recipe: PathLike | Recipe) -> Recipe:
    """Return a recipe, loaded if it is given by its path or name.

    Raises:
        RecipeError: as `load_recipe`.
    """
    return recipe if isinstance(recipe, Recipe) else load_recipe(recipe)


def as_data(corpus: PathLike | DataSettings | Recipe, *, root: PathLike | None = None) -> DataSettings:
    """Return the data settings of a corpus given by a reader's name, a recipe or its path, or as settings.

    Raises:
        SentirError: as `resolve_data`.
    """
    if isinstance(corpus, DataSettings):
        return corpus
    return corpus.data if isinstance(corpus, Recipe) else resolve_data(corpus, root=root)


def resolve_data(corpus: PathLike, *, root: PathLike | None = None) -> DataSettings:
    """Return the data settings of a recipe, or of a reader by its name, with clips if there is a ``root``.

    Raises:
        RecipeError: naming the invalid key of the recipe.
        UnknownNameError: if there is no such reader.
    """
    if Path(corpus).suffix == ".toml":
        return load_recipe(corpus).data
    READERS.get(str(corpus))
    return DataSettings(reader=str(corpus), audio=root is not None)
