"""Baselines: majority class and bag of words, without seeing labels of dev and test."""

from dataclasses import replace

import numpy as np
import pytest
from huggingface_hub import ModelCard
from tiny_corpora import SPACES, tiny_corpus, tiny_recipe

from sentir import api
from sentir.corpus.corpus import Corpus
from sentir.corpus.sealed import SealedLabels
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, RecognizerError
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import compute_scores
from sentir.study.baseline_model import BaselineModel, is_baseline_model
from sentir.study.baselines import BASELINES, fit_baseline, fit_predict_baseline

METRICS = {"emotion": "weighted_f1", "feelings": "macro_f1"}


def predicted(name, corpus, task="emotion", splits=("dev", "test"), **changes):
    recipe = tiny_recipe("none", **({"data": {"task": task}} | changes))
    return fit_predict_baseline(name, recipe, corpus, METRICS[task], splits)


def truth(corpus, task, split="dev"):
    return corpus.label_space(task).encode([u.labels[task] for u in corpus.split(split)])


@pytest.mark.parametrize("task", METRICS)
@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_predicts_whole_splits_by_id(name, task, corpus):
    for split, predictions in predicted(name, corpus, task).items():
        assert predictions.ids == tuple(u.id for u in corpus.split(split))
        assert predictions.label_space == corpus.label_space(task) and predictions.source == {"model": name}


def test_the_majority_class_is_the_most_frequent_label_of_train(corpus):
    def mostly_sad(u):
        return replace(u, labels={"emotion": ("sadness",)}) if u.split == "train" and u.turn < 4 else u

    sad = predicted("majority", tiny_corpus(mostly_sad, tasks=SPACES))["dev"]
    assert set(sad.labels().values()) == {("sadness",)}
    assert len(np.unique(sad.probabilities, axis=0)) == 1


def test_the_multilabel_majority_baseline_predicts_all_labels(corpus):
    found = predicted("majority", corpus, "feelings")["dev"]
    thresholds = tune_thresholds(found.label_space, truth(corpus, "feelings"), found.probabilities)
    assert set(found.labels(thresholds).values()) == {("joy", "sadness")}


@pytest.mark.parametrize("task", METRICS)
def test_bag_of_words_beats_the_majority_class(task, corpus):
    dev = truth(corpus, task)
    scores = {}
    for name in BASELINES:
        found = predicted(name, corpus, task)["dev"]
        thresholds = tune_thresholds(found.label_space, dev, found.probabilities)
        scores[name] = compute_scores(found.label_space, dev, found.probabilities, thresholds)[METRICS[task]]
    assert scores["bag of words"] > scores["majority"] + 0.1


@pytest.mark.parametrize("name", BASELINES)
def test_test_labels_are_not_read_and_change_nothing(name, corpus, monkeypatch):
    def refuse(self):
        raise AssertionError("the test labels were read")

    monkeypatch.setattr(SealedLabels, "_reveal", refuse)
    other = tiny_corpus(lambda u: replace(u, labels={"emotion": ("joy",)}) if u.split == "test" else u)
    one, two = predicted(name, corpus)["test"], predicted(name, other)["test"]
    np.testing.assert_array_equal(one.probabilities, two.probabilities)


def test_words_of_dev_and_test_are_not_in_the_vocabulary(corpus):
    def with_new_words(u):
        return u if u.split == "train" else replace(u, text=f"{u.text} zebra zebra")

    one, two = (
        fit_baseline("bag of words", tiny_recipe("none"), given, "weighted_f1").text
        for given in (corpus, tiny_corpus(with_new_words))
    )
    assert one.vocabularies == two.vocabularies
    np.testing.assert_array_equal(one.idf, two.idf)


def test_the_bag_of_words_uses_the_turn_before_in_the_dialogue(corpus):
    def hinted(u):  # an odd turn has the label that the text of the turn before it names
        joy = (int(u.dialogue.rpartition("dia")[2]) + u.turn // 2) % 2
        return replace(u, text="so it is" if u.turn % 2 else ("zig" if joy else "zag"),
                       labels={"emotion": ("joy" if joy else "sadness",)})  # fmt: skip

    found = predicted("bag of words", tiny_corpus(hinted))["dev"].labels()
    gold = {u.id: u.labels["emotion"] for u in tiny_corpus(hinted).dev}
    assert [found[key] for key in gold] == list(gold.values())


def test_a_label_that_train_never_has_gets_probability_0(corpus):
    def joyless(u):
        return replace(u, labels={}) if u.split == "train" and u.labels["emotion"] == ("joy",) else u

    for name in BASELINES:
        p = predicted(name, tiny_corpus(joyless))["dev"].probabilities
        assert p.shape == (15, 3) and (p[:, 0] == 0).all()


def test_text_is_cleaned_by_the_recipe_and_may_be_missing(corpus):
    without_text = tiny_corpus(lambda u: replace(u, text=None) if u.turn == 0 else u)
    assert isinstance(without_text, Corpus)
    p = predicted("bag of words", without_text)["dev"].probabilities
    np.testing.assert_array_equal(p[0], p[5])
    lowercased = predicted("bag of words", corpus, data={"task": "emotion", "cleaning": ["lowercase"]})["dev"]
    np.testing.assert_array_equal(
        lowercased.probabilities, predicted("bag of words", corpus)["dev"].probabilities
    )


def test_texts_without_a_common_word_raise_one_sentence():
    distinct = tiny_corpus(lambda u: replace(u, text=u.id.replace("/", "x")), tasks=SPACES)
    with pytest.raises(CorpusError, match="remove 'bag of words' from study"):
        predicted("bag of words", distinct)


@pytest.mark.parametrize("task", METRICS)
@pytest.mark.parametrize("name", ["majority", "bag of words"])
def test_a_saved_baseline_predicts_the_same(name, task, corpus, tmp_path):
    recipe = tiny_recipe("none", data={"task": task})
    fitted, cuts = fit_baseline(name, recipe, corpus, METRICS[task]), np.array([0.4, 0.6])
    own = BaselineModel(
        name, recipe, corpus.label_space(task), fitted, cuts if task == "feelings" else None, {"corpus": "tiny"}
    )
    own.save_pretrained(tmp_path / "saved")
    loaded = BaselineModel.from_pretrained(tmp_path / "saved")
    assert is_baseline_model(tmp_path / "saved") and (loaded.space, loaded.modalities) == (
        own.space,
        own.modalities,
    )
    found, expected = (one.predict_utterances(corpus.dev).probabilities for one in (loaded, own))
    np.testing.assert_array_equal(found, expected)
    assert {path.suffix for path in (tmp_path / "saved").iterdir()} == {".json", ".npz", ".md"}
    card = ModelCard.load(tmp_path / "saved" / "README.md")
    assert card.data.library_name == "sentir" and card.data.base_model is None and "simple baseline" in card.text
    (prediction,) = api.predict(tmp_path / "saved", ["I am happy."])
    (expected,) = (
        own.predict_utterances([Utterance("x", "dev", text="I am happy.")]).labels(own.thresholds).values()
    )
    assert prediction.labels == expected and not prediction.problem
    with pytest.raises(RecognizerError, match=f"'{name}' is a baseline"):
        api.explain(tmp_path / "saved", text="I am happy.")


def test_a_damaged_baseline_or_one_of_another_version_raises(corpus, tmp_path):
    recipe = tiny_recipe("none")
    fitted = fit_baseline("bag of words", recipe, corpus, "weighted_f1")
    BaselineModel("bag of words", recipe, corpus.label_space("emotion"), fitted).save_pretrained(tmp_path)
    metadata = tmp_path / "sentir.json"
    current = metadata.read_text()
    metadata.write_text(current.replace('"format": 4', '"format": 3'))
    with pytest.raises(RecognizerError, match="has format 3, and this version of Sentir reads 4; train"):
        api.predict(tmp_path, ["Hello."])
    metadata.write_text(current)
    (tmp_path / "model.npz").write_bytes(b"no")
    with pytest.raises(RecognizerError, match="is damaged"):
        api.predict(tmp_path, ["Hello."])
