"""The public verbs. The command line, notebooks and servers call these and hold no logic of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.corpus.types import Corpus, Utterance
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.registry import load_plugin

if TYPE_CHECKING:
    from sentir.audit import Audit
    from sentir.corpus.predictions import Predictions
    from sentir.evaluation.results import Comparison, ModelScores
    from sentir.recognizer import Recognizer
    from sentir.report.content import StudyReport


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, apply overrides such as ``train.lr=2e-5``, and load its plug-ins.

    Raises:
        RecipeError: naming the key that cannot be used.
    """
    recipe = Recipe.load(path, overrides)
    for plugin in recipe.plugins:
        load_plugin(plugin)
    return recipe
