"""The search space: mistakes are found before the first trial, and sampled values are within it."""

import json
import math
import tomllib

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_corpora import tiny_recipe
from tuning_parts import SPACE

from sentir.errors import RecipeError, UnknownNameError
from sentir.recipe import Dimension, Recipe, dump_toml
from sentir.study.tuning.sampling import ReproducibleSampler
from sentir.study.tuning.search_space import check_search_space, nest_settings, suggest_settings, trial_recipe

LR = "train.lr"
RANGE = {"low": 1e-4, "high": 1e-2}


def all_trials(study, _trial):
    return study


def tuned(weights, **tune):
    return tiny_recipe(weights, tune={"space": SPACE} | tune)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "There is nothing to tune"),
        ({"train.lrr": RANGE}, "tune.space: there is no setting 'train.lrr'; did you mean 'lr'?"),
        ({"trian.lr": RANGE}, "there is no setting 'trian'; did you mean 'train'?"),
        ({"model.hiden": {"choices": [8]}}, "did you mean 'hidden_size'?"),
        ({LR: {"low": -1.0, "high": 1.0}}, "'train.lr' cannot be -1.0: give more than 0"),
        (
            {"model.dropout": {"low": 0.0, "high": 1.0}},
            "'model.dropout' cannot be 1.0: give less than 1",
        ),
        ({"train.epochs": {"low": 1.0, "high": 9.0}}, "'train.epochs' cannot be"),
        ({"train.class_weights": {"choices": ["none", "square"]}}, "'train.class_weights' cannot be 'square'"),
        ({"train.seed": {"low": 0, "high": 9}}, "list seeds in 'tune.seeds'"),
        ({"data.task": {"choices": ["emotion"]}}, "'data.task' cannot be tuned; only settings of model, train,"),
        ({"evaluation.resamples": {"choices": [200]}}, "'evaluation.resamples' cannot be tuned"),
        ({LR: {"low": 1.0, "high": 1.0}}, "'low' must be less than 'high'"),
        ({LR: {"low": 1.0}}, "give either 'choices' or 'low' and 'high'"),
        ({LR: RANGE | {"choices": [1.0]}}, "give either 'choices' or 'low' and 'high'"),
        ({LR: {"low": 0.0, "high": 1.0, "log": True}}, "'log' needs 'low' above 0"),
        ({LR: {"lo": 1.0, "high": 2.0}}, "there is no setting 'tune.space.train.lr.lo'; did you mean 'low'?"),
        ({"train.epochs": {"low": 1, "high": 9, "step": 3}}, "steps of 3 from 'low' do not reach 'high'"),
        ({"model.hidden_size": {"choices": [8, 16, 8]}}, "'choices' lists a value twice"),
        ({"train": {"lr": RANGE}}, 'write the whole setting in quotes: "train.lr"'),
    ],
)
def test_an_invalid_space_raises_one_sentence_that_names_the_setting(space, message, weights, corpus):
    with pytest.raises(RecipeError) as caught:
        check_search_space(tiny_recipe(weights, tune={"space": space}), corpus)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_names_among_the_choices_are_checked(weights, corpus):
    space = {"model.features": {"choices": [[], ["lexica"]]}}
    with pytest.raises(UnknownNameError, match="did you mean lexical"):
        check_search_space(tiny_recipe(weights, tune={"space": space}), corpus)


@pytest.mark.parametrize("tune", [{"folds": 1}, {"seeds": [1, 1]}, {"trials": 0}, {"sampler": "grid"}])
def test_settings_of_the_tuning_itself_are_checked(tune, weights):
    with pytest.raises(RecipeError, match=f"tune.*{next(iter(tune))}"):
        tuned(weights, **tune)


def test_a_recipe_with_a_space_survives_a_round_trip_through_toml(weights):
    space = SPACE | {
        "model.features": {"choices": [[], ["lexical", "dialogue"]]},
        "model.dropout": {"choices": [0.0]},
    }
    recipe = tuned(weights, space=space, folds=3, seeds=[1, 2])
    again = Recipe.parse(tomllib.loads(dump_toml(recipe.to_dict())))
    assert again == recipe and again.override({}) == recipe


numbers = st.integers(1, 50) | st.floats(0.001, 50, allow_subnormal=False)
scalars = st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.floats(-9, 9)
ranges = (
    st.tuples(numbers, numbers, st.booleans())
    .filter(lambda r: r[0] < r[1])
    .map(lambda r: {"low": r[0], "high": r[1], "log": r[2]})
)
lists = st.lists(scalars | st.lists(scalars, max_size=2), min_size=1, max_size=4, unique_by=json.dumps)


@settings(max_examples=20)
@given(st.one_of(ranges, lists.map(lambda found: {"choices": found})), st.integers(0, 99))
def test_sampled_values_are_in_the_space_and_survive_storage(values, seed):
    space = {"model.x": Dimension.model_validate(values)}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    found = suggest_settings(study.ask(), space)["model.x"]
    if "choices" in values:
        assert json.dumps(found) in [json.dumps(choice) for choice in values["choices"]]
    else:
        assert values["low"] <= found <= values["high"]
        assert isinstance(found, int) == space["model.x"].is_integer
    assert json.loads(json.dumps(found)) == found or math.isnan(found)


def test_a_trial_recipe_has_the_settings_without_space_and_study(weights):
    recipe = tuned(weights).override({"study": {"seeds": [5]}})
    found = trial_recipe(recipe, {"train.lr": 0.5, "model.hidden_size": 4, "model.audio.max_seconds": 3}, seed=7)
    assert (found.train.lr, found.model.hidden_size, found.model.audio.max_seconds, found.train.seed) == (
        0.5,
        4,
        3,
        7,
    )
    assert found.train.epochs == recipe.train.epochs and not found.tune.space and not found.study.seeds
    assert nest_settings({"a.b": 1, "a.c.d": 2}) == {"a": {"b": 1, "c": {"d": 2}}}


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_samples_depend_only_on_seed_and_trial_number(sampler, weights):
    def first(seed, numbers):
        tune = tuned(weights, sampler=sampler, seed=seed).tune
        found = []
        for number in numbers:
            study = optuna.create_study(sampler=ReproducibleSampler(tune, lambda _trial, n=number: n, all_trials))
            found.append(tuple(suggest_settings(study.ask(), tune.space).values()))
        return found

    assert first(0, range(4)) == first(0, range(4)) != first(1, range(4))
    assert len(set(first(0, range(20)))) == 20


def test_tpe_uses_earlier_trials_although_every_sample_has_its_own_seed(weights):
    space = {f"train.{name}": {"low": 1e-6, "high": 1.0, "log": True} for name in ("lr", "weight_decay")}

    def late(sampler):
        tune = tuned(weights, sampler=sampler, space=space).tune
        study = optuna.create_study(
            direction="maximize", sampler=ReproducibleSampler(tune, lambda trial: trial.number, all_trials)
        )
        study.optimize(
            lambda trial: sum(min(v / 1e-3, 1e-3 / v) for v in suggest_settings(trial, tune.space).values()), 60
        )
        return sum(trial.value for trial in study.trials[30:])

    assert late("tpe") > 2 * late("random")
