"""The plan of a recipe's study: the candidates of every task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.recipe import Recipe
from sentir.study.ablation import FULL_RECIPE, ablation_overrides

_CANDIDATE_KEYS = (
    "model",
    "train",
    "data.cleaning",
    "data.min_train_words",
)  # may differ between candidates


@dataclass(frozen=True, slots=True)
class Candidate:
    """One set of settings, trained once with each seed.

    Attributes:
        name: name in the recipe.
        recipe: the resolved recipe, including the task.
        seeds: seeds of its trainings.
    """

    name: str
    recipe: Recipe
    seeds: tuple[int, ...]

    def with_seed(self, seed: int) -> Recipe:
        """Return the recipe of one training."""
        return self.recipe.override({"name": self.name, "train": {"seed": seed}})


def plan_candidates(recipe: Recipe) -> dict[str, tuple[Candidate, ...]]:
    """Return task → candidates; a recipe that lists none is its only candidate itself.

    With ``study.ablate``, the candidates are the recipe itself, the ablated ones, and those that it lists.

    Raises:
        RecipeError: if a candidate's overrides do not fit, or change what all candidates share; if there is
            nothing to ablate.
    """
    study = recipe.study
    tree = recipe.to_dict() | {"study": {}}
    base = Recipe.parse(tree)
    overrides = (
        {**ablation_overrides(recipe), **study.candidates}
        if study.ablate
        else study.candidates or {FULL_RECIPE: {}}
    )
    if study.ablate and FULL_RECIPE in study.candidates:
        raise RecipeError(
            _(
                "study.candidates: with 'study.ablate', '{name}' is the recipe itself; rename the candidate.",
                name=FULL_RECIPE,
            )
        )
    recipes = {name: _candidate_recipe(base, name, changes) for name, changes in overrides.items()}
    return {
        task: tuple(
            Candidate(name, one.override({"data": {"task": task}}), study.seeds or (one.train.seed,))
            for name, one in recipes.items()
        )
        for task in study.tasks or (recipe.data.task,)
    }


def _candidate_recipe(base: Recipe, name: str, changes: Mapping[str, Any]) -> Recipe:
    where = f"study.candidates.{name}"
    data = changes.get("data")
    keys = [key for key in changes if key != "data" or not isinstance(data, Mapping)]
    keys += [f"data.{key}" for key in data] if isinstance(data, Mapping) else []
    if shared := [key for key in keys if key not in _CANDIDATE_KEYS]:
        raise RecipeError(
            _("{where}: a candidate cannot change '{key}'; it may change {known}.",
              where=where, key=shared[0], known=", ".join(_CANDIDATE_KEYS))
        )  # fmt: skip
    return base.override(changes, where=where)
