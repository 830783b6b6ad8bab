"""The contract of a speech backbone."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sentir.audio.decoding import SAMPLING_RATE, Waveform
from sentir.models.speech_backbones import SpeechFeatureExtractor, load_speech_encoder, save_speech_encoder
from sentir.models.speech_encoder import SpeechEncoder

_TOLERANCE = 1e-4
_SAMPLE_COUNTS = (SAMPLING_RATE, 1, SAMPLING_RATE // 2 + 77, SAMPLING_RATE)


def check_speech_backbone(name: str, weights: Path) -> None:
    """Check that a speech backbone keeps what Sentir promises of every one.

    It gives one finite vector per clip and layer, for silence and for clips shorter than one of its frames too;
    clips as long are as many frames; the vectors do not depend on the clip's company in a batch; a clip without
    sound has zeros; gradients reach every parameter that is meant to learn; saved and loaded again, it gives the
    same vectors.

    Args:
        name: a registered backbone, a hub id or a folder.
        weights: folder with its weights and feature extractor, such as `make_tiny_speech_backbone` writes.

    Raises:
        AssertionError: saying which promise is broken.
    """
    encoder, extractor = load_speech_encoder(name, weights=str(weights))
    encoder.eval()
    noise = np.random.default_rng(0)
    waves: list[Waveform | None] = [(0.1 * noise.standard_normal(n)).astype(np.float32) for n in _SAMPLE_COUNTS]
    waves += [None, np.zeros(SAMPLING_RATE, dtype=np.float32)]
    _check_vectors(encoder, extractor, waves)
    _check_gradients(encoder, extractor, waves)
    _check_saving(name, encoder, extractor, waves)


def _encode(
    encoder: SpeechEncoder, extractor: SpeechFeatureExtractor, waveforms: list[Waveform | None]
) -> Tensor:
    return encoder(**extractor.pad(waveforms))


@torch.no_grad()
def _check_vectors(
    encoder: SpeechEncoder, extractor: SpeechFeatureExtractor, waveforms: list[Waveform | None]
) -> None:
    together = _encode(encoder, extractor, waveforms)
    shape = (len(waveforms), *encoder.states_shape)
    assert together.shape == shape, f"the vectors have shape {tuple(together.shape)}, not {shape}"
    assert together.isfinite().all(), "a vector is not finite"
    for vectors, wave in zip(together, waveforms, strict=True):
        if wave is None:
            assert not vectors.any(), "a clip without sound has a vector that is not 0"
            continue
        alone = _encode(encoder, extractor, [wave])[0]
        far = (alone - vectors).abs().max().item()
        assert far <= _TOLERANCE, f"company changes the vectors of a clip of {len(wave)} samples by {far:.1e}"


def _check_gradients(
    encoder: SpeechEncoder, extractor: SpeechFeatureExtractor, waveforms: list[Waveform | None]
) -> None:
    encoder.zero_grad()
    found = _encode(encoder, extractor, waveforms)
    assert found.requires_grad, "no gradient flows through the encoder"
    found.square().sum().backward()
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
        again, extractor_again = load_speech_encoder(name, weights=folder)
        again.eval()
        equal = torch.equal(_encode(again, extractor_again, waveforms), _encode(encoder, extractor, waveforms))
    assert equal, "saving changes the vectors"
