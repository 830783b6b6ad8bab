"""The contract test of speech backbones."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sentir.audio.decoding import SAMPLING_RATE, Waveform
from sentir.models.device import to_tensors
from sentir.models.speech_backbones import load_speech_encoder, save_speech_encoder
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.speech_features import SpeechFeatureExtractor

_TOLERANCE = 1e-4
_SAMPLE_COUNTS = (SAMPLING_RATE, 1, SAMPLING_RATE // 2 + 77, SAMPLING_RATE)


def check_speech_backbone(name: str, weights: Path) -> None:
    """Check the guarantees of every speech backbone.

    It returns one finite vector per clip and layer, also for silence and for clips shorter than a frame; they do
    not depend on the batch; a clip without audio has zeros; gradients reach every trainable parameter; after
    saving and loading, it returns the same vectors.

    Args:
        name: a registered backbone, a hub id or a folder.
        weights: folder with its weights and feature extractor, such as `make_tiny_speech_backbone` writes.

    Raises:
        AssertionError: naming the guarantee that does not hold.
    """
    encoder, extractor = load_speech_encoder(name, weights=str(weights))
    encoder.eval()
    rng = np.random.default_rng(0)
    waveforms: list[Waveform | None] = [(0.1 * rng.standard_normal(n)).astype(np.float32) for n in _SAMPLE_COUNTS]
    waveforms += [None, np.zeros(SAMPLING_RATE, dtype=np.float32)]
    _check_vectors(encoder, extractor, waveforms)
    _check_gradients(encoder, extractor, waveforms)
    _check_saving(name, encoder, extractor, waveforms)


def _encode(
    encoder: SpeechEncoder, extractor: SpeechFeatureExtractor, waveforms: list[Waveform | None]
) -> Tensor:
    return encoder(**to_tensors(extractor.pad(waveforms)))


@torch.no_grad()
def _check_vectors(
    encoder: SpeechEncoder, extractor: SpeechFeatureExtractor, waveforms: list[Waveform | None]
) -> None:
    together = _encode(encoder, extractor, waveforms)
    shape = (len(waveforms), *encoder.states_shape)
    assert together.shape == shape, f"the vectors have shape {tuple(together.shape)}, not {shape}"
    assert together.isfinite().all(), "a vector is not finite"
    for vectors, waveform in zip(together, waveforms, strict=True):
        if waveform is None:
            assert not vectors.any(), "a clip without audio has a vector that is not 0"
            continue
        difference = (_encode(encoder, extractor, [waveform])[0] - vectors).abs().max().item()
        message = f"the batch changes the vectors of a clip of {len(waveform)} samples by {difference:.1e}"
        assert difference <= _TOLERANCE, message


def _check_gradients(
    encoder: SpeechEncoder, extractor: SpeechFeatureExtractor, waveforms: list[Waveform | None]
) -> None:
    encoder.zero_grad()
    output = _encode(encoder, extractor, waveforms)
    assert output.requires_grad, "no gradient flows through the encoder"
    output.square().sum().backward()
    for name, parameter in encoder.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, f"no gradient reaches {name}"
            assert parameter.grad.isfinite().all(), f"the gradient of {name} is not finite"
    encoder.zero_grad()


@torch.no_grad()
def _check_saving(
    name: str, encoder: SpeechEncoder, extractor: SpeechFeatureExtractor, waveforms: list[Waveform | None]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save_speech_encoder(encoder, extractor, Path(folder))
        loaded, loaded_extractor = load_speech_encoder(name, weights=folder)
        loaded.eval()
        equal = torch.equal(_encode(loaded, loaded_extractor, waveforms), _encode(encoder, extractor, waveforms))
    assert equal, "saving changes the vectors"
