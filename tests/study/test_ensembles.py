"""Averages of models predict, are saved, exported and served as one model, with torch and as ONNX graphs."""

import json

import numpy as np
import pytest
from starlette.testclient import TestClient
from tiny_corpora import tiny_recipe
from trained_models import BACKENDS

import sentir
from runtime import run_without_laboratory
from sentir.api.evaluation import to_model_predictions
from sentir.api.export import export_model
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import PredictionsError, RecognizerError
from sentir.evaluation.calibration.fitting import fit_calibration
from sentir.recognizer import frozen_encoders
from sentir.recognizer.recognizer import Recognizer
from sentir.serving.app import create_app
from sentir.serving.settings import ServerSettings
from sentir.study.baseline_model import BaselineModel
from sentir.study.baselines import fit_baseline
from sentir.study.ensemble import Ensemble, Member

pytestmark = pytest.mark.usefixtures("one_store")
TOLERANCE = 1e-5
PREDICT_ONE = """
import json, sys, sentir
print(json.dumps(sentir.load(sys.argv[1]).predict("I am happy.").probabilities))
"""
WEIGHTS = (0.7, 0.3)
FACTS = {"fitted_weights": False, "modalities": ["audio", "text"], "randomly_initialized": []}


def make_ensemble(*models, weights=WEIGHTS):
    """Return an ensemble of models of one task, with a calibration that changes its probabilities."""
    space, first = models[0].space, models[0]
    truth = space.encode([(space.names[n % len(space)],) for n in range(30)])
    calibration = fit_calibration(space, truth, np.full((30, len(space)), 1 / len(space)), ["d"] * 30)
    members = tuple(
        Member(f"m{n}", weight, one) for n, (weight, one) in enumerate(zip(weights, models, strict=True))
    )
    rows = [{"name": one.name, "weight": one.weight, "model": "x", "seed": 0} for one in members]
    facts = {key: first.facts[key] for key in ("corpus", "synthetic", "fingerprint", "versions", "data")}
    recipe = first.recipe.override({"name": "average"})
    return Ensemble(recipe, space, members, None, calibration, facts | FACTS | {"members": rows})


@pytest.fixture(scope="module")
def text_and_both(trained_models, backend):
    """A text model with a window of turns and a multimodal one."""
    return make_ensemble(*(trained_models.load(name, backend) for name in ("text", "multimodal")))


@pytest.fixture(scope="module")
def bag_of_words(corpus, weights):
    recipe = tiny_recipe(weights)
    fitted = fit_baseline("bag of words", recipe, corpus, "weighted_f1")
    return BaselineModel("bag of words", recipe, corpus.label_space("emotion"), fitted, facts={"corpus": "tiny"})


@pytest.fixture
def utterances(spoken):
    return [u.blind() for u in spoken.dev]


def test_it_predicts_the_weighted_average_of_log_probabilities(text_and_both, utterances):
    found = text_and_both.predict_utterances(utterances)
    each = [np.log(one.predict_utterances(utterances).probabilities) for one in text_and_both.models]
    z = (WEIGHTS[0] * each[0] + WEIGHTS[1] * each[1]) / text_and_both.calibration.temperature[0]
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert found.ids == tuple(u.id for u in utterances)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-9)


def test_its_predictions_do_not_depend_on_the_batch(text_and_both, utterances):
    together = text_and_both.predict_utterances(utterances)
    for dialogue in {u.dialogue for u in utterances}:
        rows = [u for u in utterances if u.dialogue == dialogue]
        alone = text_and_both.predict_utterances(rows)
        np.testing.assert_allclose(alone.probabilities, together.select(alone.ids).probabilities, atol=TOLERANCE)


def test_its_embeddings_are_those_of_its_members_side_by_side(text_and_both, utterances):
    found = text_and_both.embed_utterances(utterances)
    each = [one.embed_utterances(utterances) for one in text_and_both.models]
    np.testing.assert_allclose(found, np.concatenate(each, axis=1), atol=TOLERANCE)


def test_it_takes_what_users_give_and_says_what_is_missing(text_and_both, utterances):
    assert text_and_both.modalities == {"text", "audio"} and text_and_both.optional_modalities == {"audio"}
    text, nothing = text_and_both.predict(["So lonely", Utterance("nothing")])
    assert text.labels and sum(text.probabilities.values()) == pytest.approx(1)
    assert nothing.problem == "There is no text. There is no audio."
    abstained = text_and_both.predict("So lonely", abstain=True)
    assert abstained.confidence < text_and_both.calibration.confidence_threshold or not abstained.abstain


def test_it_is_saved_and_loaded_as_one_folder(text_and_both, utterances, tmp_path):
    text_and_both.save_pretrained(tmp_path / "model")
    loaded = sentir.load(tmp_path / "model")
    assert isinstance(loaded, Ensemble) and [member.name for member in loaded.members] == ["m0", "m1"]
    expected, found = (one.predict_utterances(utterances) for one in (text_and_both, loaded))
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=TOLERANCE)
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "| m0 | x | 0 | 0.700 |" in card and "from its text and audio" in card
    loaded.members[1].model.save_pretrained(tmp_path / "model")  # a later save leaves nothing of it
    assert not (tmp_path / "model" / "members").exists()
    assert isinstance(sentir.load(tmp_path / "model"), Recognizer)


def test_members_compute_and_save_a_frozen_encoder_once(trained_models, utterances, tmp_path, monkeypatch):
    ensemble = make_ensemble(*(trained_models.load("text", "torch") for _ in WEIGHTS))
    encode, encoded = frozen_encoders._encode_sorted_by_length, []

    def count(encoder, tokenizer, encodings, advance):
        encoded.extend(encodings)
        return encode(encoder, tokenizer, encodings, advance)

    monkeypatch.setattr(frozen_encoders, "_encode_sorted_by_length", count)
    texts = [Utterance(f"new{n}", text=f"I am {n}.") for n in range(4)]
    expected = ensemble.predict_utterances(texts)
    assert len(encoded) == 4
    ensemble.embed_utterances(texts[:1])
    assert len(encoded) == 5
    ensemble.save_pretrained(tmp_path)
    assert [path.parts[-3] for path in sorted(tmp_path.rglob("encoder/model.safetensors"))] == ["0"]
    found = sentir.load(tmp_path).predict_utterances(texts)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=TOLERANCE)


def test_an_exported_ensemble_predicts_without_the_laboratory(trained_models, tmp_path):
    names = ("text", "multimodal")
    trained, exported = (make_ensemble(*(trained_models.load(name, one) for name in names)) for one in BACKENDS)
    exported.save_pretrained(tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))
    done = run_without_laboratory(PREDICT_ONE, tmp_path)
    assert done.returncode == 0, done.stderr
    expected = trained.predict("I am happy.").probabilities
    assert json.loads(done.stdout) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.slow
def test_it_is_exported_and_served_like_a_recognizer(trained_models, bag_of_words, utterances, tmp_path):
    ensemble = make_ensemble(trained_models.load("text", "torch"), bag_of_words)
    ensemble.save_pretrained(tmp_path / "model")
    exported, report = export_model(tmp_path / "model", tmp_path / "onnx")
    (graph,) = report.graphs
    assert report.inputs == "generated" and graph.max_logit_difference < 1e-3
    assert exported.models[0].backend.kind == "onnx" and isinstance(exported.models[1], BaselineModel)
    found, expected = (one.predict_utterances(utterances) for one in (exported, ensemble))
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=TOLERANCE)
    assert to_model_predictions("average", exported, found).family == "text"
    with TestClient(create_app({"average": exported}, ServerSettings())) as client:
        (row,) = client.post("/v1/emotions", json={"inputs": ["I am happy."]}).json()["predictions"]
    assert row["probabilities"] == pytest.approx(exported.predict("I am happy.").probabilities, abs=1e-6)


def test_what_it_cannot_do_is_one_sentence(text_and_both, tmp_path):
    text_and_both.save_pretrained(tmp_path)
    with pytest.raises(RecognizerError, match="an ensemble, which can be neither explained nor trained further"):
        sentir.explain(tmp_path, text="I am happy.")
    with pytest.raises(RecognizerError, match="is an ensemble"):
        Recognizer.from_pretrained(tmp_path)


def test_a_damaged_ensemble_names_the_key(text_and_both, tmp_path):
    text_and_both.save_pretrained(tmp_path)
    tree = json.loads((tmp_path / "sentir.json").read_text(encoding="utf-8"))
    for changes, expected in (
        ({"ensemble": [{"name": "a", "weight": 0.5}, {"name": "b", "weight": 0.4}]}, "must sum to 1"),
        ({"ensemble": []}, "'ensemble'"),
        ({"format": 99}, "a later version of Sentir"),
    ):
        (tmp_path / "sentir.json").write_text(json.dumps(tree | changes), encoding="utf-8")
        with pytest.raises(RecognizerError, match=expected):
            sentir.load(tmp_path)


def test_only_predictions_of_the_same_utterances_and_labels_are_averaged(trained_models, utterances):
    one = trained_models.load("text", BACKENDS[0]).predict_utterances(utterances)
    with pytest.raises(PredictionsError, match="cannot be averaged"):
        Predictions.average_logits([one, one.select(one.ids[1:])], (0.5, 0.5))
    same = Predictions.average_logits([one, one], (0.4, 0.6))
    np.testing.assert_allclose(same.probabilities, one.probabilities, atol=1e-9)
