"""Predictions for dev with permuted features and ablated inputs; test stays sealed."""

from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from tiny_corpora import SPACES, WORDS, tiny_corpus, tiny_recipe

from sentir.corpus.corpus import Corpus
from sentir.corpus.sealed import SealedLabels
from sentir.errors import PredictionsError
from sentir.explanation.detached_copies import ReplayedEncoder
from sentir.explanation.dev_predictor import DevPredictor
from sentir.explanation.modality_ablation import ablate_inputs
from sentir.explanation.model import explain_recognizer
from sentir.explanation.permutation_importance import permutation_importance
from sentir.training.recognizers import fit_recognizer

pytestmark = pytest.mark.usefixtures("one_store")


def test_with_all_inputs_it_predicts_like_the_recognizer(any_trained):
    recognizer, corpus = any_trained
    dev = DevPredictor(recognizer, corpus)
    for _again in range(2):
        found = dev.predict()
        np.testing.assert_allclose(
            found.select(u.id for u in corpus.dev).probabilities,
            recognizer.predict_utterances(corpus.dev).probabilities,
            atol=1e-5,
        )
    assert not any(isinstance(part, ReplayedEncoder) for part in recognizer.model.modules())


def test_each_model_gets_the_replacements_that_it_supports(trained):
    expected = {
        "frozen": {"text": "train_mean"},
        "window": {"text": "train_mean", "context": "without_context"},
        "dialogue": {"text": "train_mean", "context": "without_context", "features": "train_mean"},
        "audio": {"audio": "train_mean", "features": "train_mean"},
        "everything": {
            "text": "missing",
            "audio": "missing",
            "context": "without_context",
            "features": "train_mean",
        },
    }
    for setup, replacements in expected.items():
        dev = DevPredictor(*trained(setup))
        found = ablate_inputs(dev)
        assert {one.ablated: one.replacement for one in found} == replacements
        for one in found:
            assert one.comparison.low is one.comparison.high is None, "three dialogues are too few"
            assert one.comparison.num_clusters == 3 and one.comparison.split == "dev"
            full_score = one.score + one.comparison.difference
            assert full_score == pytest.approx(found[0].score + found[0].comparison.difference)


def test_without_its_only_input_the_score_of_a_model_drops(trained):
    recognizer, corpus = trained("frozen")
    dev = DevPredictor(recognizer, corpus)
    (text,) = ablate_inputs(dev)
    assert text.comparison.difference > 0.2, "the words determine the label, so the score must drop"


def test_without_context_a_model_predicts_each_utterance_separately(trained):
    recognizer, corpus = trained("window")
    found = DevPredictor(recognizer, corpus).without_context()
    for u in corpus.dev[:6]:
        single = recognizer.predict_utterances([replace(u, dialogue="x", turn=0)]).probabilities[0]
        np.testing.assert_allclose(found[u.id], single, atol=1e-5)


def with_features(u):
    """Move the information on the label from the words to two features."""
    label = sorted(WORDS).index(u.labels["emotion"][0])
    noise = np.random.default_rng(crc32(u.id.encode())).normal(0, 0.6, 3).tolist()
    features = {"a": (label == 0) + noise[0], "b": (label == 2) + noise[1], "noise": noise[2]}
    return replace(u, text="I am.", numeric_features=features)


@pytest.fixture(scope="module")
def feature_model(weights, tmp_path_factory):
    corpus = tiny_corpus(with_features)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_CACHE_DIR", str(tmp_path_factory.mktemp("home")))
        recipe = tiny_recipe(
            weights, model={"features": ["tabular", "lexical"]}, train={"epochs": 15, "patience": 15, "lr": 0.02}
        )
        return fit_recognizer(recipe, corpus)[0], corpus


def test_the_features_that_determine_the_label_are_found(feature_model):
    sets, columns = permutation_importance(DevPredictor(*feature_model))
    by_name = {one.name: one for one in (*sets, *columns)}
    assert sets[0].name == "tabular" and sets[0].num_columns == 3 and sets[0].score_drop > 0
    assert {columns[0].name, columns[1].name} == {"tabular.a", "tabular.b"}
    assert by_name["tabular.noise"].score_drop < columns[1].score_drop
    assert all(one.low is one.high is None for one in (*sets, *columns)), "three dialogues are too few"
    assert [one.score_drop for one in columns] == sorted((one.score_drop for one in columns), reverse=True)


def test_a_constant_feature_has_no_importance(feature_model):
    recognizer, _corpus = feature_model
    scaler = recognizer.preprocessor.scaler
    constant = {name for name, sd in zip(scaler.names, scaler.stds, strict=True) if sd == 0}
    _sets, columns = permutation_importance(DevPredictor(*feature_model), num_repeats=2)
    assert constant and all(one.score_drop == 0 for one in columns if one.name in constant)


def test_the_test_split_stays_sealed(feature_model, monkeypatch):
    def reveal(self):
        raise AssertionError("test labels were revealed")

    monkeypatch.setattr(SealedLabels, "_reveal", reveal)
    found = explain_recognizer(*feature_model)
    assert found.n == len(feature_model[1].dev) and found.num_clusters == 3
    assert found.score.low is found.score.high is None, "three dialogues are too few"
    assert found.to_dict()["ablations"][0]["comparison"]["split"] == "dev"


def test_one_dialogue_is_too_few(feature_model):
    recognizer, corpus = feature_model
    first = corpus.dev[0].dialogue
    rows = [u for u in corpus if u.split == "train" or u.dialogue == first]
    with pytest.raises(PredictionsError, match="at least two dialogues in dev"):
        explain_recognizer(recognizer, Corpus.build("tiny", rows, SPACES))
