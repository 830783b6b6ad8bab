"""Training models with a frozen or fine-tuned speech encoder: saving, loading and invalid settings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_corpora import spoken_recipe

from sentir.corpus.utterances import Clip
from sentir.errors import CorpusError, RecipeError, RecognizerError, UnknownNameError, WeightsError
from sentir.recognizer.model_checks import check_model
from sentir.recognizer.recognizer import Recognizer
from sentir.testing import make_tiny_speech_backbone
from sentir.training.fitting import check_training, fit
from sentir.training.recognizers import fit_recognizer
from sentir.training.setting_checks import check_settings

pytestmark = pytest.mark.usefixtures("one_store")


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    return make_tiny_speech_backbone("wav2vec2", tmp_path_factory.mktemp("wav2vec2"))


def recipe_of(weights, speech, encoder, **changes):
    audio = {"backbone": "wav2vec2", "weights": str(speech), "encoder": encoder, "pretrained": True}
    model = {"audio": audio | changes.pop("audio", {})} | changes.pop("model", {})
    return spoken_recipe(weights, model=model, **changes)


@pytest.mark.parametrize("kind", ["emotion_model", "multimodal"])
@pytest.mark.parametrize("encoder", ["frozen", "finetune"])
def test_saved_and_loaded_it_predicts_the_same(kind, encoder, spoken, weights, speech, tmp_path, monkeypatch):
    multimodal = {"modality_dropout": 0.2, "context": "dialogue"}
    model = {"kind": kind} | (multimodal if kind == "multimodal" else {})
    recipe = recipe_of(weights, speech, encoder, model=model, train={"epochs": 1, "batch_size": 16})
    recognizer, dev = fit_recognizer(recipe, spoken)
    assert recognizer.facts["weights"]["audio"]["location"] == str(speech)
    state = {name: t.clone() for name, t in recognizer.model.state_dict().items()}
    assert any(name.startswith("audio.encoder.") for name in state) == (encoder == "finetune")
    recognizer.save_pretrained(tmp_path / "model")
    assert (tmp_path / "model" / "speech" / "model.safetensors").is_file()
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "cache"))  # an empty cache
    loaded = Recognizer.from_pretrained(tmp_path / "model")
    assert all(torch.equal(t, state[name]) for name, t in loaded.model.state_dict().items())
    np.testing.assert_allclose(
        loaded.predict_utterances(spoken.dev).select(dev.ids).probabilities, dev.probabilities, atol=1e-5
    )


def test_attention_over_frames_is_saved_with_the_head_and_refused_for_a_frozen_encoder(
    spoken, weights, speech, tmp_path
):
    audio = {"frame_pooling": "attention"}
    recipe = recipe_of(weights, speech, "finetune", audio=audio, train={"epochs": 1, "batch_size": 16})
    recognizer, dev = fit_recognizer(recipe, spoken)
    assert recognizer.model.audio.frame_attention.query.any()
    recognizer.save_pretrained(tmp_path / "model")
    loaded = Recognizer.from_pretrained(tmp_path / "model").predict_utterances(spoken.dev)
    np.testing.assert_allclose(loaded.select(dev.ids).probabilities, dev.probabilities, atol=1e-5)
    with pytest.raises(RecipeError, match=r"frame_pooling' has no effect here: it needs a fine-tuned speech"):
        check_settings(recipe_of(weights, speech, "frozen", audio=audio), spoken.label_space("emotion"))


def test_the_same_seed_gives_the_same_weights(spoken, weights, speech):
    recipe = recipe_of(weights, speech, "finetune", train={"epochs": 1, "batch_size": 16})
    one, same = (fit(recipe, spoken) for _time in range(2))
    assert one.training == same.training
    states = one.model.state_dict(), same.model.state_dict()
    assert all(torch.equal(t, states[1][name]) for name, t in states[0].items())


def test_predictions_do_not_depend_on_the_batch(spoken, weights, speech):
    recognizer = fit_recognizer(recipe_of(weights, speech, "finetune", train={"epochs": 1}), spoken)[0]
    together = recognizer.predict_utterances(spoken.dev)
    for u in spoken.dev[:4]:
        np.testing.assert_allclose(recognizer.predict_utterances([u]).probabilities[0], together[u.id], atol=1e-4)


def test_an_encoder_that_was_not_saved_is_loaded_unless_it_is_another(spoken, weights, speech, tmp_path):
    recipe = recipe_of(weights, speech, "frozen", train={"epochs": 1})
    recognizer, dev = fit_recognizer(recipe, spoken)
    recognizer.save_pretrained(tmp_path / "light", skip_frozen_weights=True)
    assert not (tmp_path / "light" / "speech").exists()
    loaded = Recognizer.from_pretrained(tmp_path / "light")
    np.testing.assert_array_equal(
        loaded.predict_utterances(spoken.dev).select(dev.ids).probabilities, dev.probabilities
    )
    other = make_tiny_speech_backbone("hubert", tmp_path / "hubert")
    facts = tmp_path / "light" / "sentir.json"
    facts.write_text(facts.read_text(encoding="utf-8").replace(str(speech), str(other)), encoding="utf-8")
    with pytest.raises(WeightsError, match="not the one it was trained with"):
        Recognizer.from_pretrained(tmp_path / "light")


def test_a_damaged_or_missing_encoder_is_an_error(spoken, weights, speech, tmp_path):
    recognizer = fit_recognizer(recipe_of(weights, speech, "finetune", train={"epochs": 1}), spoken)[0]
    recognizer.save_pretrained(tmp_path / "model", skip_frozen_weights=True)
    file = tmp_path / "model" / "speech" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(RecognizerError, match="damaged: speech cannot be used"):
        Recognizer.from_pretrained(tmp_path / "model")
    for path in (tmp_path / "model" / "speech").iterdir():
        path.unlink()
    (tmp_path / "model" / "speech").rmdir()
    with pytest.raises(RecognizerError, match=r"damaged: speech cannot be used \(it is missing\)"):
        Recognizer.from_pretrained(tmp_path / "model")


@pytest.mark.parametrize(
    ("audio", "train", "error", "message"),
    [
        ({"pretrained": False, "encoder": None}, {}, RecipeError, "encoder = frozen' needs pretrained weights"),
        ({"mel": "thesis"}, {}, RecipeError, "'model.audio.mel' has no effect here"),
        (
            {"backbone": "efficientnet_b0", "layers": (0,)},
            {},
            RecipeError,
            "'model.audio.(encoder|layers)' has no effect",
        ),
        (
            {"backbone": "wav2vec"},
            {},
            UnknownNameError,
            "no audio backbone called 'wav2vec'; did you mean wav2vec2",
        ),
        ({}, {"augment": {"masks": 1}}, RecipeError, "'train.augment' has no effect here: .* network on mel"),
        ({"encoder": "frozen"}, {"freeze_epochs": 1}, RecipeError, "'train.freeze_epochs' has no effect here"),
        (
            {"encoder": "frozen"},
            {"gradient_checkpointing": True},
            RecipeError,
            "needs a fine-tuned text or speech encoder",
        ),
    ],
)
def test_settings_without_effect_are_refused(audio, train, error, message, spoken, weights, speech):
    recipe = recipe_of(weights, speech, "finetune", audio=audio, train=train)
    with pytest.raises(error, match=message):
        check_model(recipe.model)
        check_settings(recipe, spoken.label_space("emotion"))


def test_gradient_checkpointing_gives_the_same_weights(spoken, weights, speech):
    plain, checkpointed = (
        fit(recipe_of(weights, speech, "finetune", train={"epochs": 1, "gradient_checkpointing": on}), spoken)
        for on in (False, True)
    )
    for name, tensor in plain.model.state_dict().items():
        torch.testing.assert_close(checkpointed.model.state_dict()[name], tensor, atol=1e-4, rtol=1e-3)


def test_a_train_split_without_usable_audio_is_refused(spoken, weights, speech, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio")
    silent = replace(
        spoken,
        utterances=tuple(replace(u, clip=Clip(broken)) if u.split == "train" else u for u in spoken.utterances),
    )
    with pytest.raises(CorpusError, match="No train utterance has usable audio"):
        fit(recipe_of(weights, speech, "frozen"), silent)


def test_unavailable_weights_are_an_error_before_anything_is_trained(spoken, weights, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    recipe = spoken_recipe(weights, model={"audio": {"backbone": "hubert", "pretrained": True}})
    with pytest.raises(WeightsError, match="hubert-base-ls960"):
        check_training(recipe, spoken)
    check_training(recipe, spoken, load_weights=False)
