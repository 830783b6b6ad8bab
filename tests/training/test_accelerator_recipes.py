"""Recipes for an accelerator run, save and load with tiny encoders of the same architectures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sentir.recipe import Recipe
from sentir.recognizer.recognizer import Recognizer
from sentir.testing import make_tiny_speech_backbone, make_tiny_text_backbone
from sentir.training.recognizers import fit_recognizer

RECIPES = Path(__file__).parents[2] / "recipes"
TINY = ["model.hidden_size=16", "train.epochs=2", "train.patience=2", "train.batch_size=8"]


def fit_tiny(name, corpus, *changes):
    return fit_recognizer(Recipe.load(RECIPES / name, [*TINY, *changes]), corpus)


def assert_loads(recognizer, dev, corpus, folder):
    recognizer.save_pretrained(folder)
    loaded = Recognizer.from_pretrained(folder).predict_utterances(corpus.dev)
    np.testing.assert_allclose(loaded.select(dev.ids).probabilities, dev.probabilities, atol=1e-5)


def test_roberta_large_with_a_window_of_turns(corpus, tmp_path):
    weights = make_tiny_text_backbone("roberta-large", tmp_path / "tiny", [u.text for u in corpus])
    recognizer, dev = fit_tiny("meld-roberta-large.toml", corpus, f"model.weights={weights}")
    assert recognizer.model.encoder.transformer.config.model_type == "roberta"
    assert_loads(recognizer, dev, corpus, tmp_path / "model")


def test_adapters_of_a_decoder_whose_last_token_is_pooled(corpus, tmp_path):
    weights = make_tiny_text_backbone("qwen3-embedding-0.6b", tmp_path / "tiny", [u.text for u in corpus])
    recognizer, dev = fit_tiny("meld-decoder-lora.toml", corpus, f"model.weights={weights}")
    encoder = recognizer.model.encoder
    assert encoder.pooling == ("last",) and encoder.transformer.config.model_type == "qwen3"
    before, after = load_file(weights / "model.safetensors"), encoder.transformer.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("q_proj" in name for name in moved) and not any("embed" in name for name in moved)
    assert_loads(recognizer, dev, corpus, tmp_path / "model")


@pytest.mark.slow
@pytest.mark.usefixtures("one_store")
def test_a_frozen_whisper_with_vectors_standardized_by_speaker(spoken, tmp_path):
    weights = make_tiny_speech_backbone("whisper-large-v3", tmp_path / "tiny")
    recognizer, dev = fit_tiny("ravdess-whisper.toml", spoken, f"model.audio.weights={weights}")
    assert recognizer.recipe.model.speaker_normalization
    assert_loads(recognizer, dev, spoken, tmp_path / "model")
