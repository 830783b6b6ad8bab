"""`EmotionModel`: audio, through a convolutional network or a speech encoder, and numeric features."""

from __future__ import annotations

from typing import Literal, Unpack

import torch
from torch import Tensor, nn

from sentir.models.classifier import AudioOptions, Classifier
from sentir.models.context import NoContext
from sentir.models.kernel_ridge import KernelRidge


class EmotionModel(Classifier):
    """Audio and numeric features → K logits per utterance.

    Args:
        backbone_name: as for `build_audio_encoder`.
        num_extra_features: numeric features per utterance, 0 for none.
        num_classes: K.
        layer_pooling: of a speech encoder, ``mix`` or ``concat``.
        hidden_size: width of the projections of audio and of features, and of the head; the number of centers of
            the head ``kernel_ridge``.
        dropout: probability in the head.
        head: ``mlp``, or ``kernel_ridge`` on the vectors of audio and the features themselves, which are not
            projected; see `sentir.models.kernel_ridge`.
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
        head: Literal["mlp", "kernel_ridge"] = "mlp",
        **options: Unpack[AudioOptions],
    ) -> None:
        super().__init__()
        self._add_audio(backbone_name, hidden_size, dropout, layer_pooling=layer_pooling, **options)
        width = hidden_size + self._add_features(num_extra_features, hidden_size)
        if head == "kernel_ridge":
            widths = [sum(self.audio.widths), *([num_extra_features] if num_extra_features else [])]
            self.audio_proj, self.feature_proj = nn.Identity(), nn.Identity() if num_extra_features else None
            self.context, self.head = NoContext(sum(widths)), KernelRidge(widths, hidden_size, num_classes)
            return
        self.context = NoContext(width)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(width, hidden_size),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, num_classes),
        )

    def encode(self, *, features: Tensor | None = None, **audio_inputs: Tensor) -> Tensor:
        """Return the ``(N, d)`` vectors of N utterances.

        Args:
            features: ``(N, F)`` scaled numeric features.
            audio_inputs: of the `AudioEncoder` or `PooledSpeechEncoder`.
        """
        x = self.audio_proj(torch.cat(self.audio(**audio_inputs), dim=-1))
        return self._append_features(x, features)
