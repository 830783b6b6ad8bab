"""Tiny speech backbones: real architectures, randomly initialized, with their families' feature extractors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sentir.models.loading import quiet_transformers

_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}


def make_tiny_speech_backbone(name: str, folder: Path, *, norm: str | None = None) -> Path:
    """Write a randomly initialized speech encoder and its feature extractor, in the layout of a named backbone.

    Args:
        name: of a speech backbone of Sentir; those of Whisper have an encoder and a decoder.
        folder: created if needed; the same arguments write the same files.
        norm: of all but Whisper: ``group`` as in base models, or ``layer`` as in large ones; by default its own.

    Returns:
        The folder, for ``model.audio.weights``: 2 layers of width 32, whatever the name.

    Raises:
        KeyError: if the name is not one of these.
    """
    from transformers import Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

    family, _dash, size = name.partition("-")
    bands = 128 if size == "large-v3" else 80
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if family == "whisper":
            model = _make_whisper(bands)
        else:
            model = _make_waveform_model(family, norm or ("layer" if size == "large" else "group"))
    with quiet_transformers():
        model.save_pretrained(folder)
    is_whisper = family == "whisper"
    extractor = WhisperFeatureExtractor(bands) if is_whisper else Wav2Vec2FeatureExtractor(do_normalize=True)
    extractor.save_pretrained(folder)
    return folder


def _make_waveform_model(name: str, norm: str) -> Any:
    from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model, WavLMConfig, WavLMModel

    config, model = {
        "wav2vec2": (Wav2Vec2Config, Wav2Vec2Model),
        "hubert": (HubertConfig, HubertModel),
        "wavlm": (WavLMConfig, WavLMModel),
    }[name]
    return model(config(**_SIZES, feat_extract_norm=norm, do_stable_layer_norm=norm == "layer"))


def _make_whisper(bands: int) -> Any:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    sizes: dict[str, Any] = {"d_model": 32, "vocab_size": 8, "num_mel_bins": bands}
    for part in ("encoder", "decoder"):
        sizes |= {f"{part}_layers": 2, f"{part}_attention_heads": 2, f"{part}_ffn_dim": 64}
    sizes |= dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 0)
    return WhisperForConditionalGeneration(WhisperConfig(**sizes))
