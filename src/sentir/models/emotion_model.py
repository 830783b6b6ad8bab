"""`EmotionModel`: audio, through a convolutional network or a speech encoder, and numeric features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sentir.models.audio_encoder import build_audio_encoder
from sentir.models.speech_encoder import SpeechEncoder


class EmotionModel(nn.Module):
    """Audio and numeric features → K logits per utterance.

    Args:
        backbone_name: as for `build_audio_encoder`.
        num_extra_features: numeric features per utterance, 0 for none.
        num_classes: K.
        pretrained, weights, speech_encoder, speech_states_shape, layer_pooling: as for `build_audio_encoder`.
        hidden_size: width of the projections of audio and of features, and of the head.
        dropout: probability in the head.

    Raises:
        SentirError: as `build_audio_encoder`.
    """

    def __init__(
        self,
        backbone_name: str,
        num_extra_features: int = 3,
        num_classes: int = 7,
        *,
        pretrained: bool = True,
        weights: str | None = None,
        speech_encoder: SpeechEncoder | None = None,
        speech_states_shape: tuple[int, int] | None = None,
        layer_pooling: str = "mix",
        hidden_size: int = 256,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.backbone_name = backbone_name
        self.audio = build_audio_encoder(
            backbone_name,
            pretrained=pretrained,
            weights=weights,
            speech_encoder=speech_encoder,
            speech_states_shape=speech_states_shape,
            layer_pooling=layer_pooling,
        )
        self.audio_proj = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(sum(self.audio.widths), hidden_size), nn.GELU()
        )
        self.feature_proj = (
            nn.Sequential(nn.Linear(num_extra_features, hidden_size), nn.GELU()) if num_extra_features else None
        )
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(2 * hidden_size if num_extra_features else hidden_size, hidden_size),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, num_classes),
        )
        self.input_names = (*self.audio.input_names, *(("features",) if num_extra_features else ()))
        self.pretrained_prefixes = tuple(f"audio.{prefix}" for prefix in self.audio.pretrained_prefixes)

    def forward(self, *, features: Tensor | None = None, **audio_inputs: Tensor) -> Tensor:
        """Classify N utterances.

        Args:
            features: ``(N, F)`` scaled numeric features.
            audio_inputs: of the `AudioEncoder` or `PooledSpeechEncoder`.

        Returns:
            ``(N, K)`` logits.
        """
        x = self.audio_proj(torch.cat(self.audio(**audio_inputs), dim=-1))
        if self.feature_proj is not None:
            x = torch.cat([x, self.feature_proj(features)], dim=-1)
        return self.head(x)
