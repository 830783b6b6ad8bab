"""Studies of the real corpora; slow, so only in `make slow`."""

import json
from pathlib import Path

import pytest

from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.study.run import run_study

pytestmark = [pytest.mark.slow, pytest.mark.shared_data]


def recipe(name: str, **changes) -> Recipe:
    loaded = Recipe.load(Path(__file__).parents[1] / "recipes" / f"{name}.toml")
    return loaded.override({"evaluation": {"resamples": 200, "permutations": 200}} | changes)


@pytest.fixture(scope="module")
def meld(shared_data, tmp_path_factory):
    """The rows of a small study of MELD: emotion, one seed, without and with context, an empty ledger."""
    out = tmp_path_factory.mktemp("meld")
    candidates = {"no context": {"model": {"context": "none"}}, "dialogue": {"model": {"context": "dialogue"}}}
    study = {"tasks": ["emotion"], "seeds": [0]}
    small = recipe("meld-text").to_dict()
    small["study"] = study | {"candidates": candidates}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_STATE_DIR", str(out / "state"))
        patch.setenv("SENTIR_CACHE_DIR", str(out / "cache"))
        run_study([Recipe.parse(small)], root=shared_data / "meld", out=out)
    return json.loads((out / "results.json").read_text(encoding="utf-8"))


def value(rows, model: str, split: str) -> float:
    return next(r["metrics"]["weighted_f1"]["value"] for r in rows if (r["model"], r["split"]) == (model, split))


def test_the_baselines_on_meld_are_the_published_ones(meld):
    assert value(meld, "majority", "test") == pytest.approx(0.313, abs=0.001)
    assert value(meld, "bag of words", "test") == pytest.approx(0.552, abs=0.01)


def test_dialogue_context_improves_meld_dev_over_the_bag_of_words(meld):
    assert value(meld, "dialogue", "dev") > value(meld, "no context", "dev") > value(meld, "bag of words", "dev")
    assert value(meld, "dialogue", "dev") > 0.56


def test_all_test_utterances_of_meld_are_scored_once(meld):
    assert {row["n"] for row in meld if row["split"] == "test"} == {2610}
    assert sum(row["role"] == "selected" and row["split"] == "test" for row in meld) == 1


def test_every_text_recipe_matches_its_corpus(shared_data):
    for name in ("meld-text", "mosei-text", "thesis-meld-text", "thesis-mosei-text"):
        loaded = recipe(name)
        corpus = read_corpus(loaded.data, shared_data / loaded.data.reader)
        for task in loaded.study.tasks or (loaded.data.task,):
            assert len(corpus.label_space(task)) in (3, 6, 7)
