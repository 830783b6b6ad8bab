"""What a recipe's study consists of: for every task, its baselines and its candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.recipe import Recipe
from sentir.study.ablation import FULL_RECIPE, ablation_overrides

_CANDIDATE_KEYS = ("model", "train", "data.cleaning", "data.min_train_words")  # what candidates may differ in


@dataclass(frozen=True, slots=True)
class Candidate:
    """One set of settings, trained once with each seed.

    Attributes:
        name: as the recipe calls it.
        recipe: the resolved recipe, with the task filled in.
        seeds: of its trainings.
    """

    name: str
    recipe: Recipe
    seeds: tuple[int, ...]

    def with_seed(self, seed: int) -> Recipe:
        """Return the recipe of one training."""
        return self.recipe.override({"name": self.name, "train": {"seed": seed}})


def plan_candidates(recipe: Recipe) -> dict[str, tuple[Candidate, ...]]:
    """Return task → candidates; a recipe that lists none is its own single candidate.

    Where it says what to ablate, it is a candidate itself, beside those without a part and those it lists.

    Raises:
        RecipeError: if a candidate's overrides do not fit, or change what all candidates must share; if there is
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
    settings = {name: _candidate_recipe(base, name, changes) for name, changes in overrides.items()}
    return {
        task: tuple(
            Candidate(name, own.override({"data": {"task": task}}), study.seeds or (own.train.seed,))
            for name, own in settings.items()
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
