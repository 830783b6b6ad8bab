"""What a recipe's study consists of: for every task, its baselines and its candidates."""

from __future__ import annotations

from dataclasses import dataclass

from sentir.recipe import Recipe

_DEFAULT = "model"


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


def plan(recipe: Recipe) -> dict[str, tuple[Candidate, ...]]:
    """Return task → candidates; a recipe that lists none is its own single candidate.

    Raises:
        RecipeError: if a candidate's overrides do not fit.
    """
    study = recipe.study
    tree = recipe.tree() | {"study": {}}
    base = Recipe.parse(tree)
    overrides = study.candidates or {_DEFAULT: {}}
    return {
        task: tuple(
            Candidate(
                name,
                base.override(changes, where=f"study.candidates.{name}").override({"data": {"task": task}}),
                study.seeds,
            )
            for name, changes in overrides.items()
        )
        for task in study.tasks or (recipe.data.task,)
    }
