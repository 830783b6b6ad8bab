"""Recognizers on a frozen network on mel spectrograms: cached by content, saved, exported."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pipelines import Pipeline
from safetensors.torch import save_file
from tiny_corpora import TINY_NETWORK, spoken_recipe

from sentir.errors import RecipeError, RecognizerError, SentirError, WeightsError
from sentir.explanation.utterance import explain_utterance
from sentir.export.exporting import exported
from sentir.models.audio_backbones import load_audio_backbone
from sentir.recognizer import frozen_encoders
from sentir.recognizer.recognizer import Recognizer
from sentir.training.fitting import check_training
from sentir.training.recognizers import fit_recognizer

pytestmark = pytest.mark.usefixtures("one_store")
TRAIN = {"epochs": 20, "lr": 0.01, "patience": 20}


@pytest.fixture(scope="module")
def network_weights(tmp_path_factory):
    """A file with weights for the tiny network."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("audio") / "weights.safetensors"
    save_file(load_audio_backbone(TINY_NETWORK, pretrained=False)[0].state_dict(), path)
    return path


@pytest.fixture
def recipe(weights, network_weights):
    return frozen_recipe(weights, network_weights)


def frozen_recipe(weights, network_weights, **model):
    audio = {"pretrained": True, "encoder": "frozen", "weights": str(network_weights)}
    return spoken_recipe(weights, model={"audio": audio, **model}, train=TRAIN)


@pytest.fixture(scope="module")
def trained(spoken, weights, network_weights, sounds):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
        return fit_recognizer(frozen_recipe(weights, network_weights), spoken)


def test_it_learns(trained, spoken):
    recognizer, dev = trained
    labels = recognizer.labels(dev)
    right = [labels[u.id] == u.labels["emotion"] for u in spoken.dev]
    assert np.mean(right) > 0.55, "joy is loud and high; the other two sound alike"


def test_embeddings_are_computed_once_and_do_not_depend_on_the_order_of_rows(recipe, spoken, monkeypatch):
    pipeline = Pipeline(recipe, spoken.train)
    train = list(spoken.train)
    states = pipeline.transform(train).arrays["audio_states"]
    monkeypatch.setattr(frozen_encoders, "_encode_spectrograms", lambda *_: pytest.fail("encoded again"))
    by_label = sorted(train, key=lambda u: u.labels["emotion"])
    again = dict(zip((u.id for u in by_label), pipeline.transform(by_label).arrays["audio_states"], strict=True))
    for u, row in zip(train, states, strict=True):
        np.testing.assert_array_equal(again[u.id], row)
    outside = [replace(u, split="") for u in by_label[:2]]
    monkeypatch.undo()
    alone = pipeline.transform(outside).arrays["audio_states"][0]
    np.testing.assert_allclose(alone, again[by_label[0].id], atol=1e-5)


def test_saved_and_loaded_it_predicts_the_same(trained, spoken, tmp_path):
    recognizer, dev = trained
    recognizer.save_pretrained(tmp_path / "whole")
    recognizer.save_pretrained(tmp_path / "light", skip_frozen_weights=True)
    assert (tmp_path / "whole/speech/model.safetensors").exists() and not (tmp_path / "light/speech").exists()
    for folder in ("whole", "light"):
        loaded = Recognizer.from_pretrained(tmp_path / folder)
        probabilities = loaded.predict_utterances([u.blind() for u in spoken.dev]).probabilities
        np.testing.assert_allclose(probabilities, dev.probabilities, atol=1e-5)


def test_a_light_save_needs_the_weights_it_was_trained_with(trained, network_weights, tmp_path):
    trained[0].save_pretrained(tmp_path / "light", skip_frozen_weights=True)
    text = (tmp_path / "light/sentir.json").read_text()
    other = tmp_path / "other.safetensors"
    torch.manual_seed(2)
    save_file(load_audio_backbone(TINY_NETWORK, pretrained=False)[0].state_dict(), other)
    (tmp_path / "light/sentir.json").write_text(text.replace(str(network_weights), str(other)))
    with pytest.raises(WeightsError, match="is not the one it was trained with"):
        Recognizer.from_pretrained(tmp_path / "light")
    other.unlink()
    with pytest.raises(WeightsError, match=r"other\.safetensors cannot be read \(No such file"):
        Recognizer.from_pretrained(tmp_path / "light")


def test_a_save_without_the_file_of_its_encoder_is_damaged(trained, tmp_path):
    trained[0].save_pretrained(tmp_path)
    (tmp_path / "speech/model.safetensors").unlink()
    with pytest.raises(RecognizerError, match=r"is damaged: speech cannot be used"):
        Recognizer.from_pretrained(tmp_path)


@pytest.mark.slow  # exports an encoder, as a faster test of a frozen speech encoder does
def test_exported_it_predicts_from_spectrograms_without_its_encoder(trained, spoken, tmp_path):
    recognizer, dev = trained
    utterances = [u.blind() for u in spoken.dev]
    with exported(recognizer, utterances, inputs="dev") as (ours, _report):
        ours.save_pretrained(tmp_path)
    assert not (tmp_path / "speech").exists()
    loaded = Recognizer.from_pretrained(tmp_path)
    np.testing.assert_allclose(loaded.predict_utterances(utterances).probabilities, dev.probabilities, atol=1e-5)


def test_what_it_cannot_do_is_refused(recipe, spoken, trained):
    for changes, message in (
        ({"model": {"audio": {"pretrained": False, "weights": None}}}, "frozen' needs pretrained weights"),
        ({"model": {"audio": {"layers": [1]}}}, "'model.audio.layers' has no effect here"),
        (
            {"train": {"augment": {"masks": 2}}},
            "'train.augment' has no effect here: it needs a fine-tuned network",
        ),
    ):
        with pytest.raises(RecipeError, match=message):
            check_training(recipe.override(changes), spoken)
    with pytest.raises(SentirError, match="frozen"):
        explain_utterance(trained[0], [spoken.dev[0]], utterance_id=spoken.dev[0].id)
