"""`Classifier`: the branches that the three networks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from sentir.models.audio_encoder import build_audio_encoder
from sentir.models.dropout import FastDropout
from sentir.models.pooling import build_layer_pooling
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.text_encoder import TextEncoder, load_text_encoder


class AudioOptions(TypedDict, total=False):
    """How audio is encoded, as for `build_audio_encoder`."""

    pretrained: bool
    weights: str | None
    speech_encoder: SpeechEncoder | None
    audio_states_shape: tuple[int, int] | None


class Classifier(nn.Module):
    """A network of branches, one per modality, whose vectors are fused and classified.

    Attributes:
        input_names: of the tensors that ``forward`` takes.
        encode: inputs of N utterances → their ``(N, d)`` vectors before the context.
        context: adds the context of the dialogue to these vectors; `classify` takes its output.
        pretrained_prefixes: name prefixes of its pretrained parameters.
    """

    input_names: tuple[str, ...] = ()
    pretrained_prefixes: tuple[str, ...] = ()
    encode: Callable[..., Tensor]
    context: nn.Module
    head: nn.Module
    audio_proj: nn.Module
    feature_proj: nn.Module | None

    def _add_text(
        self,
        model_name: str,
        layer_pooling: str,
        hidden_size: int,
        dropout: float,
        text_encoder: TextEncoder | None,
        text_states_shape: tuple[int, int] | None,
    ) -> int:
        """Add the branch of text; return the width of its positions."""
        self.model_name = model_name
        if text_encoder is None and text_states_shape is None:
            text_encoder = load_text_encoder(model_name, layers=(-1,))[0]
        self.encoder = text_encoder
        shape = text_states_shape or text_encoder.states_shape  # type: ignore[union-attr]
        self.layer_pooling = build_layer_pooling(layer_pooling, shape)
        self.text_proj = nn.Sequential(
            FastDropout(dropout), nn.Linear(self.layer_pooling.width_out, hidden_size), nn.GELU()
        )
        self.input_names += ("text_states",) if text_encoder is None else text_encoder.input_names
        self.pretrained_prefixes += () if text_encoder is None else ("encoder.",)
        return shape[1]

    def _add_audio(self, backbone_name: str, hidden_size: int, dropout: float, **options: Any) -> None:
        """Add the branch of audio; ``options`` are those of `build_audio_encoder`."""
        self.backbone_name = backbone_name
        self.audio = build_audio_encoder(backbone_name, **options)
        self.audio_proj = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(sum(self.audio.widths), hidden_size), nn.GELU()
        )
        self.input_names += self.audio.input_names
        self.pretrained_prefixes += tuple(f"audio.{prefix}" for prefix in self.audio.pretrained_prefixes)

    def _add_features(self, num_features: int, width: int) -> int:
        """Add the branch of numeric features, if there are any; return the width of its vector."""
        self.feature_proj = nn.Sequential(nn.Linear(num_features, width), nn.GELU()) if num_features else None
        self.input_names += ("features",) if num_features else ()
        return width if num_features else 0

    def forward_features(
        self,
        *,
        dialogue: Tensor | None = None,
        turn: Tensor | None = None,
        speaker: Tensor | None = None,
        **inputs: Tensor,
    ) -> Tensor:
        """Return the ``(N, d)`` vectors that the head classifies; those of late fusion are concatenated.

        Args:
            dialogue, turn: ``(N,)`` integers; needed with context ``dialogue``.
            speaker: ``(N,)`` integers, equal for the same speaker in the same dialogue.
            inputs: those of `encode`.
        """
        return self.context(self.encode(**inputs), dialogue, turn, speaker)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Classify N utterances, given by the inputs of `forward_features` → ``(N, K)`` logits."""
        return self.classify(self.forward_features(**inputs))

    def classify(self, x: Tensor, has_text: Tensor | None = None, has_audio: Tensor | None = None) -> Tensor:
        """Return the ``(…, K)`` logits of ``(…, d)`` vectors with context; the masks are for late fusion."""
        return self.head(x)

    def _append_features(self, x: Tensor, features: Tensor | None) -> Tensor:
        return x if self.feature_proj is None else torch.cat([x, self.feature_proj(features)], dim=-1)
