"""`EmotionModel`: a gated convolutional network over mels or a speech encoder, and numeric features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from sentir.models.audio_backbones import load_audio_backbone
from sentir.models.pooled_speech_encoder import PooledSpeechEncoder
from sentir.models.speech_backbones import is_speech_backbone, load_speech_encoder
from sentir.models.speech_encoder import SpeechEncoder


class Gate(nn.Module):
    """Weighs the places of a map by a 1 × 1 convolution and a sigmoid; the map itself is left as it is."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, 1, kernel_size=1)

    def weights(self, x: Tensor) -> Tensor:
        """Score the places of a map: ``(n, c, t, b)`` → ``(n, 1, t, b)`` in 0–1."""
        return self.score(x).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Average the weighed map: ``(n, c, t, b)`` → ``(n, c)``."""
        return (x * self.weights(x)).mean((2, 3))


class AudioEncoder(nn.Module):
    """Mels → a local and a global vector per clip, whatever its company in the batch.

    Args:
        backbone_name: a name in `sentir.models.audio_backbones`, or any other of timm's.
        pretrained, weights: as `load_audio_backbone` takes them.

    Attributes:
        widths: channels c1 and c2 of the local and of the global vector.
        position_width: c2, the width of a step of time.

    Raises:
        SentirError: as `load_audio_backbone`.
    """

    input_names = ("mel", "frames", "has_audio")

    def __init__(self, backbone_name: str, *, pretrained: bool = True, weights: Path | None = None) -> None:
        super().__init__()
        backbone, self.local_map_index, self.widths = load_audio_backbone(
            backbone_name, pretrained=pretrained, weights=weights
        )
        self.backbone: Any = backbone
        self.position_width = self.widths[1]
        self.local_gate = Gate(self.widths[0])
        self.global_gate = Gate(self.widths[1])
        self.pretrained_prefixes = ("backbone.",) if pretrained else ()

    def forward(
        self, mel: Tensor, frames: Tensor, has_audio: Tensor, *, return_positions: bool = False
    ) -> tuple[Tensor, ...]:
        """Encode N clips.

        Args:
            mel: ``(N, T, B)`` float32, normalized; 0 is padding.
            frames: ``(N,)`` int64, the padded length of each row, at most T. Rows of one length are run
                together, none beyond its own length.
            has_audio: ``(N,)`` bool; the vectors of rows without sound are 0.

        Returns:
            ``(N, c1)`` and ``(N, c2)``, the means of the gated local and last maps. With ``return_positions`` also
            ``(N, S, c2)``, the means over bands of the gated last map, and ``(N, S)`` booleans, false where a
            clip has ended.
        """
        near, far = (mel.new_zeros(len(mel), width) for width in self.widths)
        steps = []
        for length in frames[has_audio].unique().tolist():
            rows = (has_audio & (frames == length)).nonzero().squeeze(1)
            local, last = self._feature_maps(mel[rows, :length])
            near = near.index_copy(0, rows, self.local_gate(local).to(near.dtype))
            far = far.index_copy(0, rows, self.global_gate(last).to(far.dtype))
            steps.append((rows, last))
        return (near, far, *self._time_positions(far, steps)) if return_positions else (near, far)

    def _time_positions(self, pooled: Tensor, maps: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Lay out what the global gate lets through over time, given the last maps of rows."""
        longest = max((last.shape[2] for _rows, last in maps), default=1)
        steps = pooled.new_zeros(len(pooled), longest, pooled.shape[1])
        known = torch.zeros(len(pooled), longest, dtype=torch.bool, device=pooled.device)
        for rows, last in maps:
            over_time = (last * self.global_gate.weights(last)).mean(3).transpose(1, 2)
            steps = steps.index_copy(0, rows, pad(over_time, (0, 0, 0, longest - last.shape[2])).to(steps.dtype))
            known[rows, : last.shape[2]] = True
        return steps, known

    def gate_weights(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the gates let through of n mels of one length.

        Args:
            mel: ``(n, T, B)`` normalized, without padding beyond their own length.

        Returns:
            ``(n, t1, b1)`` and ``(n, t2, b2)`` in 0–1, the mel in the coarser grids of the local and last maps.
        """
        local, last = self._feature_maps(mel)
        return self.local_gate.weights(local).squeeze(1), self.global_gate.weights(last).squeeze(1)

    def _feature_maps(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Return the local and the last map of the network, ``(n, c, t, b)`` each."""
        picture = mel.unsqueeze(1).to(memory_format=torch.channels_last)  # a CPU trains 1.4 times as fast on it
        last, (local,) = self.backbone.forward_intermediates(picture, indices=[self.local_map_index])
        return local, last


def build_audio_encoder(
    backbone_name: str,
    *,
    pretrained: bool = True,
    weights: str | None = None,
    speech_encoder: SpeechEncoder | None = None,
    speech_states_shape: tuple[int, int] | None = None,
    layer_pooling: str = "mix",
) -> AudioEncoder | PooledSpeechEncoder:
    """Build what a model hears with: a network over mels, or a speech encoder.

    Args:
        backbone_name: a name in `sentir.models.audio_backbones` or any other of timm's, a name in
            `sentir.models.speech_backbones`, a hub id or a folder.
        pretrained: ``False`` for random weights of the backbone.
        weights: a ``.safetensors`` file for a network over mels, a hub id or folder for a speech encoder, if not
            the weights that its name stands for.
        speech_encoder: a speech encoder to use (and train) instead of loading one.
        speech_states_shape: ``(L, d)`` of speech vectors encoded beforehand; the side then has no encoder of its own and
            takes ``speech_states`` where it would take waves.
        layer_pooling: of a speech encoder, ``mix`` or ``concat``.

    Raises:
        SentirError: if there is no such backbone, or its weights cannot be used.
    """
    if not is_speech_backbone(backbone_name):
        return AudioEncoder(
            backbone_name, pretrained=pretrained, weights=None if weights is None else Path(weights)
        )
    if speech_encoder is None and speech_states_shape is None:
        speech_encoder = load_speech_encoder(backbone_name, weights=weights, pretrained=pretrained, layers=(-1,))[
            0
        ]
    return PooledSpeechEncoder(speech_encoder, states_shape=speech_states_shape, layer_pooling=layer_pooling)


class EmotionModel(nn.Module):
    """Sound and numeric features → K logits per utterance.

    Args:
        backbone_name: as `sound_side` takes it.
        num_extra_features: numeric features per utterance, 0 for none.
        num_classes: K.
        pretrained, weights, speech, states_shape, layer_pooling: as `sound_side` takes them.
        hidden: width of what each of sound and features becomes, and of the head.
        dropout: probability in the head.

    Raises:
        SentirError: as `sound_side`.
    """

    def __init__(
        self,
        backbone_name: str,
        num_extra_features: int = 3,
        num_classes: int = 7,
        *,
        pretrained: bool = True,
        weights: str | None = None,
        speech: SpeechEncoder | None = None,
        states_shape: tuple[int, int] | None = None,
        layer_pooling: str = "mix",
        hidden: int = 256,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.backbone_name = backbone_name
        self.audio = build_audio_encoder(
            backbone_name,
            pretrained=pretrained,
            weights=weights,
            speech_encoder=speech,
            speech_states_shape=states_shape,
            layer_pooling=layer_pooling,
        )
        self.audio_proj = nn.Sequential(nn.Dropout(dropout), nn.Linear(sum(self.audio.widths), hidden), nn.GELU())
        self.feature_proj = (
            nn.Sequential(nn.Linear(num_extra_features, hidden), nn.GELU()) if num_extra_features else None
        )
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(2 * hidden if num_extra_features else hidden, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, num_classes),
        )
        self.input_names = (*self.audio.input_names, *(("features",) if num_extra_features else ()))
        self.pretrained_prefixes = tuple(f"audio.{part}" for part in self.audio.pretrained_prefixes)

    def forward(self, *, features: Tensor | None = None, **audio_inputs: Tensor) -> Tensor:
        """Classify N utterances.

        Args:
            features: ``(N, F)`` scaled numeric features.
            audio_inputs: as `AudioEncoder` or `SpeechSide` takes it.

        Returns:
            ``(N, K)`` logits.
        """
        x = self.audio_proj(torch.cat(self.audio(**audio_inputs), dim=-1))
        if self.feature_proj is not None:
            x = torch.cat([x, self.feature_proj(features)], dim=-1)
        return self.head(x)
