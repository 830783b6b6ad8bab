"""`EmotionModel`: audio, through a convolutional network or a speech encoder, and numeric features."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from sentir.models.classifier import AudioOptions, Classifier


class EmotionModel(Classifier):
    """Audio and numeric features → K logits per utterance.

    Args:
        backbone_name: as for `build_audio_encoder`.
        num_extra_features: numeric features per utterance, 0 for none.
        num_classes: K.
        layer_pooling: of a speech encoder, ``mix`` or ``concat``.
        hidden_size: width of the projections of audio and of features, and of the head.
        dropout: probability in the head.
        options: see `AudioOptions`.

    Raises:
        SentirError: as `build_audio_encoder`.
    """

    def __init__(
        self,
        backbone_name: str,
        num_extra_features: int = 3,
        num_classes: int = 7,
        *,
        layer_pooling: str = "mix",
        hidden_size: int = 256,
        dropout: float = 0.3,
        **options: Unpack[AudioOptions],
    ) -> None:
        super().__init__()
        self._add_audio(backbone_name, hidden_size, dropout, layer_pooling=layer_pooling, **options)
        feature_size = self._add_features(num_extra_features, hidden_size)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(hidden_size + feature_size, hidden_size),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, num_classes),
        )

    def forward_features(self, *, features: Tensor | None = None, **audio_inputs: Tensor) -> Tensor:
        """Return the ``(N, d)`` vectors that the head classifies.

        Args:
            features: ``(N, F)`` scaled numeric features.
            audio_inputs: of the `AudioEncoder` or `PooledSpeechEncoder`.
        """
        x = self.audio_proj(torch.cat(self.audio(**audio_inputs), dim=-1))
        return self._append_features(x, features)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Classify N utterances, given by the inputs of `forward_features` → ``(N, K)`` logits."""
        return self.head(self.forward_features(**inputs))
