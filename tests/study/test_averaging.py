"""A study averages its candidates: what is averaged, selected, saved, and what a recipe cannot ask for."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from study_parts import rows, stages

import sentir
from sentir.corpus.predictions import Predictions
from sentir.errors import RecipeError
from sentir.study.candidates import load_model
from sentir.study.plan import plan_averages

CANDIDATES = {
    "all seeds": {"average": ["plain"]},
    "plain": {},
    "dialogue": {"model": {"context": "dialogue"}},
    "fixed": {"average": ["dialogue", "plain"], "weights": [3, 1]},
    "fitted": {"average": ["plain", "dialogue", "bag of words"], "weights": "dev"},
}


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """What the tests of this module share: a folder, and the report once the study is done."""
    return SimpleNamespace(folder=tmp_path_factory.mktemp("averages"), report=None)


@pytest.fixture
def averaged(once, study, recipe, monkeypatch):
    """A study with averages in a multi-label task."""
    monkeypatch.setenv("SENTIR_STATE_DIR", str(once.folder / "state"))
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(once.folder / "cache"))
    if once.report is None:
        once.report = study(
            recipe(tasks=["feelings"], candidates=CANDIDATES, seeds=[0, 1]), out=once.folder / "out"
        )
    return SimpleNamespace(out=once.folder / "out", report=once.report)


def read_average(folder):
    """Return the saved description of an average, its predictions for dev and its calibration."""
    tree = json.loads((folder / "model" / "sentir.json").read_text(encoding="utf-8"))
    return tree, Predictions.load(folder / "dev.parquet")


def test_averages_are_scored_beside_their_members(averaged):
    dev = {row.model: row for row in rows(averaged.report.scores, split="dev")}
    assert {*CANDIDATES} < {*dev}
    assert dev["plain"].num_seeds == 2 and dev["fixed"].num_seeds == dev["all seeds"].num_seeds == 1
    pairs = {frozenset((c.a, c.b)) for c in averaged.report.comparisons if c.split == "dev"}
    assert {frozenset(("fixed", "plain")), frozenset(("fixed", "dialogue"))} <= pairs
    assert {curve.model for curve in averaged.report.learning_curves} == {"plain", "dialogue"}


def test_an_average_is_that_of_its_members_predictions(averaged):
    trained = {}
    for folder in stages(averaged.out, "train"):
        tree = json.loads((folder / "model" / "sentir.json").read_text(encoding="utf-8"))
        trained[tree["recipe"]["name"], tree["recipe"]["train"]["seed"]] = Predictions.load(
            folder / "dev.parquet"
        )
    for folder in stages(averaged.out, "average"):
        tree, dev = read_average(folder)
        if tree["recipe"]["name"] != "fixed":
            continue
        space = dev.label_space
        z = sum(
            weight * space.logits(trained[name, seed].select(dev.ids).probabilities)
            for name, weight in (("dialogue", 0.375), ("plain", 0.125))
            for seed in (0, 1)
        )
        model = load_model(folder)
        uncalibrated = Predictions(dev.ids, space.probabilities(z), space)
        np.testing.assert_allclose(dev.probabilities, model.tasks[0].apply(uncalibrated).probabilities, atol=1e-6)
        assert [(one["name"], one["weight"]) for one in tree["ensemble"]] == [
            ("dialogue, 0", 0.375), ("dialogue, 1", 0.375), ("plain, 0", 0.125), ("plain, 1", 0.125)
        ]  # fmt: skip


def test_fitted_weights_are_recorded_and_predict(averaged, corpus):
    for folder in stages(averaged.out, "average"):
        tree, dev = read_average(folder)
        if tree["recipe"]["name"] == "fitted":
            weights = [one["weight"] for one in tree["ensemble"]]
            assert sum(weights) == pytest.approx(1) and tree["facts"]["fitted_weights"]
            model = load_model(folder)
            found = model.predict_utterances([u.blind() for u in corpus.dev])
            assert set(found.ids) == set(dev.ids) and model.space.is_valid(found.probabilities)


def test_a_selected_average_is_saved_with_its_card_and_scores(averaged):
    (name,) = averaged.report.best_per_family["tiny", "feelings"]
    assert name in ("all seeds", "fixed", "fitted")
    model = sentir.load(averaged.out / "models" / "tiny-feelings")
    assert model.recipe.name == name and {row["model"] for row in model.facts["scores"]} == {name}
    assert {row["split"] for row in model.facts["scores"]} == {"dev", "test"}
    assert model.thresholds is not None and "joy" in model.predict("I am so happy").labels


BAD = {
    "unknown": ({"average": ["plain", "other"]}, "'other' cannot be averaged"),
    "another average": ({"average": ["plain", "fixed"]}, "'fixed' cannot be averaged"),
    "itself": ({"average": ["bad", "plain"]}, "'bad' cannot be averaged"),
    "twice": ({"average": ["plain", "plain"]}, "names of different candidates"),
    "none": ({"average": []}, "names of different candidates"),
    "baselines": ({"average": ["majority", "bag of words"]}, "needs a trained candidate"),
    "trained": ({"average": ["plain"], "model": {"context": "none"}}, "it cannot have 'model'"),
    "too few weights": (
        {"average": ["plain", "dialogue"], "weights": [1]},
        "a positive number for each",
    ),
    "zero": ({"average": ["plain", "dialogue"], "weights": [1, 0]}, "a positive number"),
    "word": ({"average": ["plain", "dialogue"], "weights": "test"}, '"dev", or a positive number'),
}


@pytest.mark.parametrize("case", BAD)
def test_a_recipe_cannot_ask_for_nonsense(case, recipe):
    settings, expected = BAD[case]
    with pytest.raises(RecipeError, match=expected):
        plan_averages(recipe(candidates=CANDIDATES | {"bad": settings}, seeds=[0, 1]))


def test_one_training_is_no_average(recipe):
    with pytest.raises(RecipeError, match="one that is trained with several"):
        plan_averages(recipe(candidates={"plain": {}, "bad": {"average": ["plain"]}}))
