"""Frozen networks on mel spectrograms: means and deviations of their stages, and a layer that takes these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sentir.models.audio_backbones import get_stage_indices, load_audio_backbone
from sentir.models.weights import SAFETENSORS_FILE

_MIN_STD = 1e-6  # of a channel over train; a constant one becomes 0


class StageEncoder(nn.Module):
    """Mel spectrograms → one vector per clip: mean and deviation of every channel of a network's stages.

    Only batch statistics of pretraining are used, so a vector does not depend on the batch.

    Args:
        backbone_name: a name in `sentir.models.audio_backbones`, or any other of timm's.
        pretrained, weights: as for `load_audio_backbone`.

    Attributes:
        layers: indices of the stages for ``forward_intermediates``, those with a reduction of at least 4.
        pooling: statistics of each channel.

    Raises:
        SentirError: as `load_audio_backbone`.
    """

    input_names = ("mel", "mel_lengths", "has_audio")
    pooling = ("mean", "std")

    def __init__(self, backbone_name: str, *, pretrained: bool = True, weights: Path | None = None) -> None:
        super().__init__()
        backbone: Any = load_audio_backbone(backbone_name, pretrained=pretrained, weights=weights)[0]
        self.backbone: Any = backbone.eval().requires_grad_(False)
        self.layers = get_stage_indices(backbone)
        channels = sum(int(backbone.feature_info[index]["num_chs"]) for index in self.layers)
        self.states_shape = (1, len(self.pooling) * channels)

    def train(self, mode: bool = True) -> StageEncoder:
        """Stay in evaluation mode."""
        return super().train(False)

    def forward(self, mel: Tensor, mel_lengths: Tensor, has_audio: Tensor) -> Tensor:
        """Encode N clips.

        Args:
            mel: ``(N, T, B)`` float32, normalized and padded.
            mel_lengths: ``(N,)`` int64, the padded length of each row, at most T. Rows of equal length are run
                together, and none beyond its own length.
            has_audio: ``(N,)`` bool; the vectors of rows without audio are 0.

        Returns:
            ``(N, 1, d)``.
        """
        outputs = mel.new_zeros(len(mel), *self.states_shape)
        for length in mel_lengths[has_audio].unique().tolist():
            rows = (has_audio & (mel_lengths == length)).nonzero().squeeze(1)
            outputs[rows] = self.encode(mel[rows, :length])
        return outputs

    def encode(self, mel: Tensor) -> Tensor:
        """Encode n clips of one length: ``(n, T, B)`` → ``(n, 1, d)``."""
        image = mel.unsqueeze(1).to(memory_format=torch.channels_last)
        maps = self.backbone.forward_intermediates(image, indices=list(self.layers), intermediates_only=True)
        return torch.cat([_mean_and_std(one) for one in maps], dim=1).unsqueeze(1)


def save_stage_encoder(encoder: StageEncoder, folder: Path) -> None:
    """Save the weights of an encoder as ``model.safetensors``, for its argument ``weights``."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous().cpu() for name, tensor in encoder.backbone.state_dict().items()}
    save_file(tensors, folder / SAFETENSORS_FILE)


def _mean_and_std(x: Tensor) -> Tensor:
    """Return mean and standard deviation over the positions of a map: ``(n, c, t, b)`` → ``(n, 2 · c)``."""
    mean = x.mean((2, 3))
    variance = (x - mean[:, :, None, None]).square().mean((2, 3))
    return torch.cat([mean, variance.sqrt()], dim=1)


class StandardizedStates(nn.Module):
    """Precomputed vectors of a `StageEncoder`, each column standardized by its statistics over train.

    Args:
        states_shape: ``(1, d)``.

    Attributes:
        widths: the width of the vector, as a tuple of one.
        position_width: d.
    """

    input_names = ("audio_states", "has_audio")
    pretrained_prefixes = ()

    def __init__(self, states_shape: tuple[int, int]) -> None:
        super().__init__()
        width = states_shape[1]
        self.widths, self.position_width = (width,), width
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))
        self.mean: Tensor
        self.std: Tensor

    def fit(self, states: Tensor, has_audio: Tensor) -> None:
        """Take the statistics of the ``(N, 1, d)`` states of train, where the ``(N,)`` mask is true."""
        vectors = states[has_audio].flatten(1).double()
        self.mean.copy_(vectors.mean(0))
        self.std.copy_(vectors.std(0, correction=0).clamp(min=_MIN_STD))

    def forward(
        self, audio_states: Tensor, has_audio: Tensor, *, return_positions: bool = False
    ) -> tuple[Tensor, ...]:
        """Standardize N vectors.

        Args:
            audio_states: ``(N, 1, d)``.
            has_audio: ``(N,)`` bool.
            return_positions: whether to return the vector as a position too.

        Returns:
            ``(N, d)``, 0 for rows without audio. With ``return_positions`` also ``(N, 1, d)``, and its ``(N, 1)``
            mask, false for rows without audio.
        """
        here = has_audio.unsqueeze(1)
        vectors = (audio_states.squeeze(1) - self.mean) / self.std * here
        return (vectors, vectors.unsqueeze(1), here) if return_positions else (vectors,)
