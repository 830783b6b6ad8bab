"""Studies of the real corpora; slow, so only in `make slow`."""

import json
from pathlib import Path

import pytest

from sentir.evaluation.locked.ledger import get_ledger_info, open_test
from sentir.evaluation.scorer import ModelPredictions, Scorer
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.study.baselines import fit_predict_baseline
from sentir.study.run import run_study

pytestmark = [pytest.mark.slow, pytest.mark.shared_data]


def recipe(name: str, **changes) -> Recipe:
    loaded = Recipe.load(Path(__file__).parents[1] / "recipes" / f"{name}.toml")
    return loaded.override({"evaluation": {"resamples": 200, "permutations": 200}} | changes)


@pytest.fixture(scope="module")
def meld_dev(shared_data, tmp_path_factory):
    """Model → weighted F1 on dev in a small study of MELD's emotions; test stays closed."""
    out = tmp_path_factory.mktemp("meld")
    changes = {"model": {"context": "dialogue"}, "train": {"epochs": 8}}
    small = recipe("meld-text", **changes).to_dict()
    small["study"] = {"tasks": ["emotion"], "seeds": [0], "candidates": {"dialogue": {}}, "test": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_STATE_DIR", str(out / "state"))
        patch.setenv("SENTIR_CACHE_DIR", str(out / "cache"))
        run_study([Recipe.parse(small)], root=shared_data / "meld", out=out)
        assert get_ledger_info().first_opening == ""
    rows = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return {row["model"]: row["metrics"]["weighted_f1"]["value"] for row in rows}


def test_the_majority_baseline_of_meld_is_the_published_one(shared_data):
    loaded = recipe("meld-text")
    corpus = read_corpus(loaded.data, shared_data / "meld")
    predictions = fit_predict_baseline("majority", loaded, corpus, "weighted_f1", ["test"])["test"]
    scorer = Scorer(corpus, "test", open_test(corpus, reason="the published baseline"), loaded.evaluation)
    scores = scorer.score(ModelPredictions("majority", (predictions,), (None,)), "baseline")
    assert scores.n == 2610
    assert scores.metrics["weighted_f1"].value == pytest.approx(0.313, abs=0.001)


def test_dialogue_context_improves_meld_dev_over_the_bag_of_words(meld_dev):
    assert meld_dev["bag of words"] == pytest.approx(0.551, abs=0.01)
    assert meld_dev["dialogue"] > meld_dev["bag of words"] > meld_dev["majority"]


def test_every_text_recipe_matches_its_corpus(shared_data):
    for name in ("meld-text", "mosei-text", "thesis-meld-text", "thesis-mosei-text"):
        loaded = recipe(name)
        corpus = read_corpus(loaded.data, shared_data / loaded.data.reader)
        for task in loaded.study.tasks or (loaded.data.task,):
            assert len(corpus.label_space(task)) in (3, 6, 7)
