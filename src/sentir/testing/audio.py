"""The contract test of audio backbones."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from sentir.audio.mel import N_MELS
from sentir.models.audio_backbones import get_audio_backbone
from sentir.models.audio_encoder import AudioEncoder

_TOLERANCE = 1e-5
_MEL_LENGTHS = (100, 300, 0, 200, 100)  # 0: a clip without audio


def check_audio_backbone(name: str) -> None:
    """Check, with random weights, the guarantees of every audio backbone.

    It returns two finite vectors per clip, from its shortest mel spectrogram on; they do not depend on the batch;
    a clip without audio has zeros; the gates take the feature maps of timm's network and do not change them;
    gradients reach every parameter; after saving and loading, it returns the same vectors.

    Args:
        name: a registered backbone, or any other of timm's.

    Raises:
        AssertionError: naming the guarantee that does not hold.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = AudioEncoder(name, pretrained=False).eval()
        batch = _make_batch()
    _check_vectors(name, encoder, batch)
    _check_batch_invariance(encoder, batch)
    _check_gates(encoder, batch["mel"][:, :100])
    _check_gradients(encoder, batch)
    _check_saving(name, encoder, batch)


def _make_batch() -> dict[str, Tensor]:
    mel = torch.zeros(len(_MEL_LENGTHS), max(_MEL_LENGTHS), N_MELS)
    for row, length in zip(mel, _MEL_LENGTHS, strict=True):
        row[:length] = torch.randn(length, N_MELS)
    lengths = torch.tensor(_MEL_LENGTHS)
    return {"mel": mel, "mel_lengths": lengths.clamp(min=100), "has_audio": lengths > 0}


@torch.no_grad()
def _check_vectors(name: str, encoder: AudioEncoder, batch: dict[str, Tensor]) -> None:
    outputs = encoder(**batch)
    min_frames = get_audio_backbone(name).min_frames
    shortest = encoder(batch["mel"][:1, :min_frames], torch.tensor([min_frames]), torch.tensor([True]))
    for vectors, short, width in zip(outputs, shortest, encoder.widths, strict=True):
        shape = (len(_MEL_LENGTHS), width)
        assert vectors.shape == shape, f"the vectors have shape {tuple(vectors.shape)}, not {shape}"
        assert vectors.isfinite().all() and short.isfinite().all(), "a vector is not finite"
        assert vectors[batch["has_audio"]].abs().sum(1).gt(0).all(), "a clip with audio has a vector of zeros"
        assert not vectors[~batch["has_audio"]].any(), "a clip without audio has a vector that is not 0"


@torch.no_grad()
def _check_batch_invariance(encoder: AudioEncoder, batch: dict[str, Tensor]) -> None:
    together = encoder(**batch)
    for row, length in enumerate(batch["mel_lengths"].tolist()):
        own = {key: value[row : row + 1] for key, value in batch.items()}
        alone = encoder(**own | {"mel": own["mel"][:, :length]})
        difference = max((a[0] - t[row]).abs().max().item() for a, t in zip(alone, together, strict=True))
        message = f"the batch changes the vectors of a clip of {length} frames by {difference:.1e}"
        assert difference <= _TOLERANCE, message


@torch.no_grad()
def _check_gates(encoder: AudioEncoder, mel: Tensor) -> None:
    last_map = encoder.backbone.forward_features(mel.unsqueeze(1))
    lengths = torch.full((len(mel),), mel.shape[1])
    _local, pooled = encoder(mel, lengths, lengths > 0)
    gates = encoder.gate_weights(mel)
    difference = ((last_map * gates[1].unsqueeze(1)).mean((2, 3)) - pooled).abs().max().item()
    assert difference <= _TOLERANCE, f"the last map is not that of timm's network (by {difference:.1e})"
    assert all(gate.min() >= 0 and gate.max() <= 1 for gate in gates), "a gate has weights outside 0 to 1"


def _check_gradients(encoder: AudioEncoder, batch: dict[str, Tensor]) -> None:
    encoder.zero_grad()
    sum(vectors.square().sum() for vectors in encoder(**batch)).backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches {name}"
        assert parameter.grad.isfinite().all(), f"the gradient of {name} is not finite"
    encoder.zero_grad()


@torch.no_grad()
def _check_saving(name: str, encoder: AudioEncoder, batch: dict[str, Tensor]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.safetensors"
        save_file(encoder.backbone.state_dict(), file)
        loaded = AudioEncoder(name, weights=file).eval()
    loaded.local_gate.load_state_dict(encoder.local_gate.state_dict())
    loaded.global_gate.load_state_dict(encoder.global_gate.state_dict())
    equal = all(torch.equal(a, b) for a, b in zip(loaded(**batch), encoder(**batch), strict=True))
    assert equal, "saving changes the vectors"
