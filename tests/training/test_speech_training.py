"""From clips to a speech encoder: frozen vectors cached by content, waves decoded on demand and never stored."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_corpora import spoken_recipe

from sentir.corpus.utterances import Clip
from sentir.errors import CorpusError, RecipeError, RecognizerError, UnknownNameError, WeightsError
from sentir.preprocessing.kinds import check_model
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
def test_it_is_trained_saved_and_loaded_and_says_the_same(
    kind, encoder, spoken, weights, speech, tmp_path, monkeypatch
):
    both = {"modality_dropout": 0.2, "context": "dialogue"}
    model = {"kind": kind} | (both if kind == "multimodal" else {})
    recipe = recipe_of(weights, speech, encoder, model=model, train={"epochs": 1, "batch_size": 16})
    recognizer, dev = fit_recognizer(recipe, spoken)
    assert recognizer.facts["weights"]["audio"]["location"] == str(speech)
    own = {name: t.clone() for name, t in recognizer.model.state_dict().items()}
    assert any(name.startswith("audio.encoder.") for name in own) == (encoder == "finetune")
    recognizer.save_pretrained(tmp_path / "model")
    assert (tmp_path / "model" / "speech" / "model.safetensors").is_file()
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "cache"))  # nothing is remembered
    loaded = Recognizer.from_pretrained(tmp_path / "model")
    assert all(torch.equal(t, own[name]) for name, t in loaded.model.state_dict().items())
    np.testing.assert_allclose(
        loaded.predict_utterances(spoken.dev).select(dev.ids).probabilities, dev.probabilities, atol=1e-5
    )


def test_the_same_seed_gives_the_same_weights(spoken, weights, speech):
    recipe = recipe_of(weights, speech, "finetune", train={"epochs": 1, "batch_size": 16})
    one, same = (fit(recipe, spoken) for _time in range(2))
    assert one.training == same.training
    states = one.model.state_dict(), same.model.state_dict()
    assert all(torch.equal(t, states[1][name]) for name, t in states[0].items())


def test_the_company_of_a_clip_changes_nothing(spoken, weights, speech):
    recognizer = fit_recognizer(recipe_of(weights, speech, "finetune", train={"epochs": 1}), spoken)[0]
    together = recognizer.predict_utterances(spoken.dev)
    for u in spoken.dev[:4]:
        np.testing.assert_allclose(recognizer.predict_utterances([u]).probabilities[0], together[u.id], atol=1e-4)


def test_a_light_folder_finds_its_encoder_or_says_that_it_is_another(spoken, weights, speech, tmp_path):
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


def test_a_saved_encoder_that_is_damaged_or_missing_is_named(spoken, weights, speech, tmp_path):
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
        ({"mel": "thesis"}, {}, RecipeError, "'model.audio.mel' does nothing here"),
        (
            {"backbone": "efficientnet_b0", "encoder": "frozen"},
            {},
            RecipeError,
            "'model.audio.encoder' does nothing",
        ),
        (
            {"backbone": "efficientnet_b0", "layers": (0,)},
            {},
            RecipeError,
            "'model.audio.(encoder|layers)' does nothing",
        ),
        (
            {"backbone": "wav2vec"},
            {},
            UnknownNameError,
            "no audio backbone called 'wav2vec'; did you mean wav2vec2",
        ),
        ({}, {"augment": {"masks": 1}}, RecipeError, "'train.augment' does nothing here: .* network over mels"),
        ({"encoder": "frozen"}, {"freeze_epochs": 1}, RecipeError, "'train.freeze_epochs' does nothing here"),
        (
            {"encoder": "frozen"},
            {"gradient_checkpointing": True},
            RecipeError,
            "text or speech encoder that is fine",
        ),
    ],
)
def test_settings_that_do_nothing_are_refused(audio, train, error, message, spoken, weights, speech):
    recipe = recipe_of(weights, speech, "finetune", audio=audio, train=train)
    with pytest.raises(error, match=message):
        check_model(recipe.model)
        check_settings(recipe, spoken.label_space("emotion"))


def test_checkpointed_gradients_are_the_same(spoken, weights, speech):
    plain, saved = (
        fit(recipe_of(weights, speech, "finetune", train={"epochs": 1, "gradient_checkpointing": on}), spoken)
        for on in (False, True)
    )
    for name, tensor in plain.model.state_dict().items():
        torch.testing.assert_close(saved.model.state_dict()[name], tensor, atol=1e-4, rtol=1e-3)


def test_a_train_split_that_cannot_be_heard_is_refused(spoken, weights, speech, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    deaf = replace(
        spoken,
        utterances=tuple(replace(u, clip=Clip(broken)) if u.split == "train" else u for u in spoken.utterances),
    )
    with pytest.raises(CorpusError, match="No train utterance has usable sound"):
        fit(recipe_of(weights, speech, "frozen"), deaf)


def test_weights_out_of_reach_are_noticed_before_anything_is_trained(spoken, weights, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    recipe = spoken_recipe(weights, model={"audio": {"backbone": "hubert", "pretrained": True}})
    with pytest.raises(WeightsError, match="hubert-base-ls960"):
        check_training(recipe, spoken)
    check_training(recipe, spoken, load_weights=False)
