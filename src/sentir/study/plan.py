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
_AVERAGE_KEYS = ("average", "weights")  # of a candidate that is not trained
FITTED_WEIGHTS = "dev"  # of 'weights'


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


@dataclass(frozen=True, slots=True)
class Average:
    """A candidate that averages models of the study: ``study.candidates."…".average``.

    Attributes:
        name: name in the recipe.
        members: names of other candidates, of which every seed is averaged, and of baselines.
        weights: one for each member, of sum 1; ``None`` = fitted on dev.
    """

    name: str
    members: tuple[str, ...]
    weights: tuple[float, ...] | None


def plan_averages(recipe: Recipe) -> tuple[Average, ...]:
    """Return the candidates of a recipe that average others.

    Raises:
        RecipeError: if members or weights do not fit.
    """
    return tuple(
        _plan_average(recipe, name, changes)
        for name, changes in recipe.study.candidates.items()
        if "average" in changes
    )


def _plan_average(recipe: Recipe, name: str, settings: Mapping[str, Any]) -> Average:
    where, members = f"study.candidates.{name}", settings["average"]
    if others := [key for key in settings if key not in _AVERAGE_KEYS]:
        raise RecipeError(
            _("{where}: a candidate with 'average' is not trained, so it cannot have '{key}'; it may have "
              "'weights'.", where=where, key=others[0])
        )  # fmt: skip
    trained = set(_trained_overrides(recipe))
    known = [*trained, *recipe.study.baselines]
    if not isinstance(members, list) or not members or len({*map(str, members)}) < len(members):
        raise RecipeError(_("{where}: 'average' is a list of the names of different candidates.", where=where))
    for member in members:
        if member not in known:
            raise RecipeError(
                _("{where}: '{member}' cannot be averaged; give trained candidates or baselines of this study: "
                  "{known}.", where=where, member=member, known=", ".join(known))
            )  # fmt: skip
    if not trained.intersection(members):
        raise RecipeError(_("{where}: 'average' needs a trained candidate, not only baselines.", where=where))
    if len(members) == 1 and len(recipe.study.seeds) < 2:
        raise RecipeError(
            _("{where}: 'average' needs two candidates, or one that is trained with several 'study.seeds'.",
              where=where)
        )  # fmt: skip
    return Average(name, tuple(members), _normalize_weights(where, settings.get("weights"), len(members)))


def _normalize_weights(where: str, weights: Any, count: int) -> tuple[float, ...] | None:
    """Return weights of sum 1, by default equal ones; ``None`` if they are fitted on dev."""
    if weights == FITTED_WEIGHTS:
        return None
    weights = [1] * count if weights is None else weights
    if not isinstance(weights, list) or len(weights) != count or not all(map(_is_positive, weights)):
        raise RecipeError(
            _("{where}: 'weights' must be \"dev\", or a positive number for each of the {n} members.",
              where=where, n=count)
        )  # fmt: skip
    return tuple(weight / sum(weights) for weight in weights)


def _is_positive(weight: object) -> bool:
    return isinstance(weight, int | float) and not isinstance(weight, bool) and weight > 0


def _trained_overrides(recipe: Recipe) -> dict[str, Mapping[str, Any]]:
    """Return the candidates of a recipe that are trained, and their overrides."""
    listed: dict[str, Mapping[str, Any]] = {
        name: one for name, one in recipe.study.candidates.items() if "average" not in one
    }
    if recipe.study.ablate:
        return {**ablation_overrides(recipe), **listed}
    return listed or {FULL_RECIPE: {}}


def plan_candidates(recipe: Recipe) -> dict[str, tuple[Candidate, ...]]:
    """Return task → candidates that are trained; a recipe that lists none is its only candidate itself.

    With ``study.ablate``, the candidates are the recipe itself, the ablated ones, and those that it lists.

    Raises:
        RecipeError: if a candidate's overrides do not fit, or change what all candidates share; if there is
            nothing to ablate.
    """
    study = recipe.study
    tree = recipe.to_dict() | {"study": {}}
    base = Recipe.parse(tree)
    if study.ablate and FULL_RECIPE in study.candidates:
        raise RecipeError(
            _(
                "study.candidates: with 'study.ablate', '{name}' is the recipe itself; rename the candidate.",
                name=FULL_RECIPE,
            )
        )
    recipes = {
        name: _candidate_recipe(base, name, changes) for name, changes in _trained_overrides(recipe).items()
    }
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
