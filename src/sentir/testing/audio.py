"""The contract of an audio backbone."""

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
_MEL_LENGTHS = (100, 300, 0, 200, 100)  # 0: a clip without sound


def check_audio_backbone(name: str) -> None:
    """Check, with random weights, that an audio backbone keeps what Sentir promises of every one.

    It gives two finite vectors per clip, from its shortest mel on; they do not depend on the clip's company in a
    batch; a clip without sound has zeros; the gates read the maps of timm's own network and leave them as they
    are; gradients reach every parameter; saved and loaded again, it gives the same vectors.

    Args:
        name: a registered backbone, or any other of timm's.

    Raises:
        AssertionError: saying which promise is broken.
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
    frames = torch.tensor(_MEL_LENGTHS)
    return {"mel": mel, "mel_lengths": frames.clamp(min=100), "has_audio": frames > 0}


@torch.no_grad()
def _check_vectors(name: str, encoder: AudioEncoder, batch: dict[str, Tensor]) -> None:
    found = encoder(**batch)
    shortest = get_audio_backbone(name).min_frames
    alone = encoder(batch["mel"][:1, :shortest], torch.tensor([shortest]), torch.tensor([True]))
    for vectors, short, width in zip(found, alone, encoder.widths, strict=True):
        shape = (len(_MEL_LENGTHS), width)
        assert vectors.shape == shape, f"the vectors have shape {tuple(vectors.shape)}, not {shape}"
        assert vectors.isfinite().all() and short.isfinite().all(), "a vector is not finite"
        assert vectors[batch["has_audio"]].abs().sum(1).gt(0).all(), "a clip with sound has no vector"
        assert not vectors[~batch["has_audio"]].any(), "a clip without sound has a vector that is not 0"


@torch.no_grad()
def _check_batch_invariance(encoder: AudioEncoder, batch: dict[str, Tensor]) -> None:
    together = encoder(**batch)
    for row, length in enumerate(batch["mel_lengths"].tolist()):
        own = {key: value[row : row + 1] for key, value in batch.items()}
        alone = encoder(**own | {"mel": own["mel"][:, :length]})
        far = max((a[0] - t[row]).abs().max().item() for a, t in zip(alone, together, strict=True))
        assert far <= _TOLERANCE, f"company changes the vectors of a clip of {length} frames by {far:.1e}"


@torch.no_grad()
def _check_gates(encoder: AudioEncoder, mel: Tensor) -> None:
    plain = encoder.backbone.forward_features(mel.unsqueeze(1))
    frames = torch.full((len(mel),), mel.shape[1])
    _local, found = encoder(mel, frames, frames > 0)
    gates = encoder.gate_weights(mel)
    far = ((plain * gates[1].unsqueeze(1)).mean((2, 3)) - found).abs().max().item()
    assert far <= _TOLERANCE, f"the last map is not the one that timm's network gives (by {far:.1e})"
    assert all(gate.min() >= 0 and gate.max() <= 1 for gate in gates), "a gate leaves 0 to 1"


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
        again = AudioEncoder(name, weights=file).eval()
    for gate, kept in ((again.local_gate, encoder.local_gate), (again.global_gate, encoder.global_gate)):
        gate.load_state_dict(kept.state_dict())
    equal = all(torch.equal(a, b) for a, b in zip(again(**batch), encoder(**batch), strict=True))
    assert equal, "saving changes the vectors"
