"""Stacking: no row is predicted by a model trained on its dialogue, and no label leaks."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from tiny_corpora import spoken_recipe, stacking_on_text, tiny_corpus, tiny_recipe

from sentir.corpus.sealed import SealedLabels
from sentir.errors import CorpusError, RecipeError, UnknownNameError
from sentir.recognizer.embedding_cache import EmbeddingCache
from sentir.recognizer.recognizer import Recognizer
from sentir.study import stacking
from sentir.study.stacking import FULL_MODEL_FOLD, CrossPredictions, assign_folds, cross_predict, train_recognizer

pytestmark = pytest.mark.usefixtures("one_store")
FOLDS = 3
INNER = {"text": {"train": {"epochs": 1}}, "dialogue": {"model": {"context": "dialogue"}, "train": {"epochs": 1}}}


@pytest.fixture
def spied(monkeypatch):
    """Every training with its recipe and corpus, and every prediction with its model."""
    fit, predict, calls = stacking.fit_recognizer, Recognizer.predict_utterances, {"fit": [], "predict": []}

    def fitting(recipe, corpus, **keywords):
        fitted = fit(recipe, corpus, **keywords)
        calls["fit"].append((fitted[0], recipe, corpus))
        return fitted

    def predicting(self, utterances):
        predictions = predict(self, utterances)
        calls["predict"].append((self, predictions))
        return predictions

    monkeypatch.setattr(stacking, "fit_recognizer", fitting)
    monkeypatch.setattr(Recognizer, "predict_utterances", predicting)
    return calls


@pytest.fixture
def locked(monkeypatch):
    """Make reading test labels an error."""

    def refuse(self):
        raise AssertionError("the test labels were read")

    monkeypatch.setattr(SealedLabels, "_reveal", refuse)


def dialogues(utterances):
    return {u.dialogue for u in utterances}


def rows_of(crossed, corpus, dialogue):
    return crossed.predictions.select(u.id for u in corpus if u.dialogue == dialogue).probabilities


def assert_predicted_out_of_fold(corpus, crossed, spied):
    trained_on = {id(model): dialogues(seen.train) for model, _recipe, seen in spied["fit"]}
    predicted_by = {key: (model, p[key]) for model, p in spied["predict"] for key in p.ids}
    for u in corpus:
        model, row = predicted_by[u.id]
        np.testing.assert_array_equal(crossed.predictions[u.id], row)
        if u.split == "train":
            assert u.dialogue not in trained_on[id(model)]
        else:
            assert model is crossed.full_model and trained_on[id(model)] == dialogues(corpus.train)


# Which model predicts which rows


@pytest.fixture(scope="module")
def crossed(corpus, weights):
    return cross_predict(tiny_recipe(weights, train={"epochs": 1}), corpus, FOLDS)


@pytest.mark.parametrize(("task", "inner"), [("emotion", "text"), ("feelings", "dialogue")])
def test_no_row_is_predicted_by_a_model_trained_on_its_dialogue(task, inner, corpus, weights, spied, locked):
    recipe = tiny_recipe(weights, data={"task": task}, **INNER[inner])
    crossed = cross_predict(recipe, corpus, FOLDS)
    assert len(spied["fit"]) == FOLDS + 1
    assert crossed.predictions.ids == tuple(u.id for u in corpus)
    assert crossed.predictions.label_space == corpus.label_space(task)
    assert_predicted_out_of_fold(corpus, crossed, spied)


def test_texts_are_embedded_in_the_batches_of_whole_splits(corpus, weights, tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path))
    added, add = [], EmbeddingCache.add
    monkeypatch.setattr(
        EmbeddingCache, "add", lambda self, keys, rows: added.append(len(keys)) or add(self, keys, rows)
    )
    cross_predict(tiny_recipe(weights, train={"epochs": 1}), corpus, FOLDS)
    texts = [{u.text for u in rows} for rows in (corpus.train, corpus.dev, corpus.test)]
    new = [texts[0], texts[1] - texts[0], texts[2] - texts[1] - texts[0]]
    assert added == [len(one) for one in new if one]


def test_an_audio_model_can_be_stacked_on_too(spoken, weights, spied):
    crossed = cross_predict(spoken_recipe(weights, train={"epochs": 1}), spoken, 2)
    assert_predicted_out_of_fold(spoken, crossed, spied)
    statistics = {found.preprocessor.mel.statistics.means for found, *_rest in spied["fit"]}
    assert len(statistics) == 3, "statistics are those of the train part of each model"


def test_every_training_uses_all_of_dev_and_nothing_of_test(corpus, weights, spied):
    cross_predict(tiny_recipe(weights, train={"epochs": 1}), corpus, FOLDS)
    *parts, (_full, _recipe, whole) = spied["fit"]
    assert whole is corpus
    for _found, _recipe, part in parts:
        assert part.dev == corpus.dev and part.test == () and len(part.train) == 20
    left_out = Counter(u.id for _found, _recipe, part in parts for u in corpus.train if u not in part.train)
    assert left_out == {u.id: 1 for u in corpus.train}


def test_folds_are_whole_dialogues_of_train_and_dev_and_test_are_of_the_full_model(corpus, crossed):
    assert crossed.folds.keys() == {u.id for u in corpus}
    folds = {key: {crossed.folds[u.id] for u in corpus if u.dialogue == key} for key in dialogues(corpus)}
    assert all(len(found) == 1 for found in folds.values())
    assert {f for key in dialogues(corpus.train) for f in folds[key]} == set(range(FOLDS))
    assert {crossed.folds[u.id] for u in (*corpus.dev, *corpus.test)} == {FULL_MODEL_FOLD}


def test_only_the_seed_determines_the_folds(corpus):
    folds = [assign_folds(corpus.train, FOLDS, seed) for seed in (0, 0, 1, 2, 3)]
    assert folds[0] == folds[1] and any(folds[0] != other for other in folds[2:])
    unlabeled = [replace(u, labels={}, text=None) for u in corpus.train]
    assert assign_folds(unlabeled, FOLDS, 0) == folds[0]
    assert set(Counter(folds[0].values()).values()) == {10}


def test_utterances_without_a_dialogue_are_assigned_to_folds_one_by_one(corpus):
    alone = [replace(u, dialogue="") for u in corpus.train]
    assert set(Counter(assign_folds(alone, 5, 0).values()).values()) == {6}
    with pytest.raises(RecipeError, match="'folds' = 7 needs as many dialogues in train, which has 6"):
        assign_folds(corpus.train, 7, 0)


# What labels can affect


@pytest.mark.parametrize("inner", INNER)
def test_labels_of_a_dialogue_do_not_change_its_own_stacked_features(inner, corpus, weights):
    dialogue = corpus.train[0].dialogue

    def swapped(u):
        return replace(u, labels={"emotion": ("joy",), "feelings": ()}) if u.dialogue == dialogue else u

    other = tiny_corpus(swapped)
    recipe = tiny_recipe(weights, **INNER[inner])
    one, two = (cross_predict(recipe, c, FOLDS) for c in (corpus, other))
    np.testing.assert_array_equal(rows_of(one, corpus, dialogue), rows_of(two, other, dialogue))
    fellows = {
        corpus.by_id[key].dialogue for key, fold in one.folds.items() if fold == one.folds[corpus.train[0].id]
    }
    for key in dialogues(corpus):
        same = np.array_equal(rows_of(one, corpus, key), rows_of(two, other, key))
        assert same == (key in fellows), "other models were trained on it"


def test_test_labels_change_no_stacked_feature(corpus, weights):
    other = tiny_corpus(lambda u: replace(u, labels={"emotion": ("joy",)}) if u.split == "test" else u)
    recipe = tiny_recipe(weights, train={"epochs": 1})
    one, two = (cross_predict(recipe, c, FOLDS).predictions for c in (corpus, other))
    np.testing.assert_array_equal(one.probabilities, two.probabilities)


def test_a_stacking_model_is_trained_on_out_of_fold_probabilities(spoken, weights, spied, locked):
    recipe = spoken_recipe(weights, train={"epochs": 1}).override(stacking_on_text(weights))
    outer, dev = train_recognizer(recipe, spoken)
    fits = [(found, seen) for found, made, seen in spied["fit"] if made.name == "tiny"]
    assert [found for found, _seen in fits] == [outer] and len(spied["fit"]) == FOLDS + 2
    seen = fits[0][1]
    names = {f"emotion.{name}" for name in spoken.label_space("emotion").names}
    assert all(u.stacked_probabilities.keys() == names for u in seen)
    trained_on = {id(model): dialogues(part.train) for model, _recipe, part in spied["fit"]}
    predicted_by = {key: (model, p[key]) for model, p in spied["predict"] if model is not outer for key in p.ids}
    for u in seen.train:
        model, row = predicted_by[u.id]
        assert u.dialogue not in trained_on[id(model)] and list(u.stacked_probabilities.values()) == row.tolist()
    assert outer.stacked is not None and trained_on[id(outer.stacked)] == dialogues(spoken.train)
    np.testing.assert_allclose(outer.predict_utterances(spoken.dev).probabilities, dev.probabilities, atol=1e-6)


def test_stacked_features_reach_the_model(spoken, weights):
    recipe = spoken_recipe(weights, train={"epochs": 1}).override(stacking_on_text(weights))
    outer, _dev = train_recognizer(recipe, spoken)
    changed = [replace(u, text="crying lonely crying") for u in spoken.test]
    one, two = (outer.predict_utterances(rows).probabilities for rows in (spoken.test, changed))
    assert np.abs(one - two).max(1).min() > 1e-7, "the text changes the prediction through the inner model"
    assert len(outer.predict_utterances([])) == 0


def test_stacking_can_be_nested(spoken, weights, spied):
    """Its own out-of-fold rows come from within each fold."""
    inner = {"features": ["stacked"], **stacking_on_text(weights, folds=2, train={"epochs": 1})["model"]}
    recipe = tiny_recipe(weights, train={"epochs": 1}).override(
        stacking_on_text(weights, folds=2, model=inner, train={"epochs": 1})
    )
    outer, _dev = train_recognizer(recipe, spoken)
    assert outer.stacked.stacked is not None and len(spied["fit"]) == 1 + 3 * (1 + 3)
    assert outer.predict_utterances(spoken.test).ids == tuple(u.id for u in spoken.test)


# Files and errors


def test_an_inner_model_of_another_task_is_selected_by_a_metric_of_its_own(weights):
    outer = tiny_recipe(weights, evaluation={"metric": "micro_f1"}).override(stacking_on_text(weights))
    assert outer.stacked_recipe().evaluation.metric == "micro_f1"
    other = outer.override({"model": {"stacked": {"task": "feelings"}}})
    assert other.stacked_recipe().evaluation == other.evaluation.model_copy(update={"metric": None})


def test_cross_predictions_are_saved_and_loaded_without_pickle(corpus, crossed, tmp_path):
    crossed.save(tmp_path)
    again = CrossPredictions.load(tmp_path)
    assert again.folds == crossed.folds
    np.testing.assert_array_equal(again.predictions.probabilities, crossed.predictions.probabilities)
    np.testing.assert_allclose(
        again.full_model.predict_utterances(corpus.test).probabilities,
        crossed.full_model.predict_utterances(corpus.test).probabilities,
        atol=1e-6,
    )
    assert json.loads((tmp_path / "folds.json").read_text(encoding="utf-8")) == dict(crossed.folds)
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".parquet", ".safetensors"}


WRONG = {
    "inner kind": ({"stacked": {"model": {"kind": "emotion_modl"}}}, UnknownNameError, "emotion_model"),
    "inner key": (
        {"stacked": {"model": {"hiden": 3}}},
        RecipeError,
        r"model\.stacked.*did you mean 'hidden_size'",
    ),
    "inner task": ({"stacked": {"task": "mood"}}, CorpusError, "no task 'mood'"),
    "inner features": (
        {"stacked": {"model": {"features": ["stacked"]}}},
        RecipeError,
        r"section 'model\.stacked'",
    ),
    "outer context": ({"context": "dialogue"}, RecipeError, r"model\.context"),
    "folds": ({"stacked": {"folds": 7}}, RecipeError, "'folds' = 7"),
}


@pytest.mark.parametrize("case", WRONG)
def test_both_models_are_checked_before_either_is_trained(case, spoken, weights, spied):
    model, error, words = WRONG[case]
    recipe = spoken_recipe(weights).override(stacking_on_text(weights)).override({"model": model})
    with pytest.raises(error, match=words) as caught:
        train_recognizer(recipe, spoken)
    assert not spied["fit"] and "\n" not in str(caught.value)


def test_an_inner_audio_model_needs_clips(corpus, weights, spied):
    inner = {"kind": "emotion_model", "audio": {"pretrained": False}}
    recipe = tiny_recipe(weights, data={"audio": True}).override(stacking_on_text(weights, model=inner))
    with pytest.raises(CorpusError, match="no clips in train"):
        train_recognizer(recipe, corpus)
    assert not spied["fit"]
