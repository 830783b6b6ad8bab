"""The search space: checked before the first trial, and sampled from in every trial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce
from typing import Any

from optuna import Trial

from sentir.corpus.corpus import Corpus
from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.recipe import Dimension, Recipe, merge_settings
from sentir.training.fitting import check_training

_TUNABLE_SECTIONS = ("model", "train")
_TUNABLE_KEYS = ("data.cleaning", "data.min_train_words")
_SEED_KEY = "train.seed"


def check_search_space(recipe: Recipe, corpus: Corpus) -> None:
    """Check that every setting of ``tune.space`` exists and that all its values are valid, one by one.

    Raises:
        RecipeError: naming the setting, or saying that there is none to tune.
        SentirError: if a choice names something that does not exist or cannot be trained.
    """
    if not recipe.tune.space:
        raise RecipeError(
            _('There is nothing to tune; add settings to the recipe, such as [tune.space] "train.lr" = {example}',
              example="{ low = 1e-4, high = 1e-2, log = true }")
        )  # fmt: skip
    for key, dimension in recipe.tune.space.items():
        for value in dimension.probe_values():
            changed = recipe.override(nest_settings({key: value}), where="tune.space")
            changed.stacked_recipe()
            if dimension.choices:
                check_training(changed, corpus)
        _check_key(key)


def _check_key(key: str) -> None:
    if key == _SEED_KEY:
        raise RecipeError(_("tune.space: a seed cannot be tuned; list seeds in 'tune.seeds'."))
    if key.split(".")[0] not in _TUNABLE_SECTIONS and key not in _TUNABLE_KEYS:
        raise RecipeError(
            _("tune.space: '{key}' cannot be tuned; only settings of {known} can.",
              key=key, known=", ".join((*_TUNABLE_SECTIONS, *_TUNABLE_KEYS)))
        )  # fmt: skip


def suggest_settings(trial: Trial, space: Mapping[str, Dimension]) -> dict[str, Any]:
    """Sample a value for every setting."""
    for key, dimension in space.items():
        if dimension.choices:
            trial.suggest_categorical(key, [json.dumps(choice) for choice in dimension.choices])
        elif dimension.is_integer:
            trial.suggest_int(key, *dimension.bounds, log=dimension.log, step=int(dimension.step or 1))
        else:
            trial.suggest_float(key, *dimension.bounds, log=dimension.log, step=dimension.step)
    return decode_settings(trial.params, space)


def decode_settings(params: Mapping[str, Any], space: Mapping[str, Dimension]) -> dict[str, Any]:
    """Return the parameters of an Optuna trial as settings; choices, which may be lists, are stored as JSON."""
    known = {key: params[key] for key in space if key in params}
    return {key: json.loads(value) if space[key].choices else value for key, value in known.items()}


def nest_settings(flat_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"train.lr": 1e-3}`` as ``{"train": {"lr": 1e-3}}``."""
    trees = (
        reduce(lambda tree, name: {name: tree}, reversed(key.split(".")), v) for key, v in flat_settings.items()
    )
    return reduce(merge_settings, trees, {})


def trial_recipe(recipe: Recipe, trial_settings: Mapping[str, Any], seed: int) -> Recipe:
    """Return the recipe of one training: with the trial's settings, without a study and a search space.

    Raises:
        RecipeError: if the settings contradict each other.
    """
    plain = recipe.to_dict() | {"study": {}, "tune": {}}
    changes = merge_settings(nest_settings(trial_settings), {"train": {"seed": seed}})
    return Recipe.parse(merge_settings(plain, changes), where="tune.space")


def trial_seeds(recipe: Recipe) -> tuple[int, ...]:
    """Return the seeds of every trial's trainings."""
    return recipe.tune.seeds or (recipe.train.seed,)
