"""`HybridTransformerClassifier`: a text transformer and numeric features, with or without dialogue context."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sentir.models.context import DialogueContextConfig, build_context, context_inputs
from sentir.models.dropout import FastDropout
from sentir.models.pooling import build_layer_pooling
from sentir.models.text_encoder import TextEncoder, load_text_encoder


class HybridTransformerClassifier(nn.Module):
    """Text, numeric features and dialogue context → K logits per utterance.

    Args:
        model_name: a text backbone: a known name, a hub id or a local folder. Its pretrained weights are loaded
            unless ``text_encoder`` or ``text_states_shape`` is given.
        num_features: numeric features per utterance, 0 for none.
        num_classes: K.
        text_encoder: a text encoder to use (and train) instead of loading one.
        text_states_shape: ``(L, d)`` of precomputed text embeddings; the model then has no encoder of its own and
            takes ``text_states`` instead of token ids.
        layer_pooling: ``mix`` or ``concat``.
        context: ``none``, ``window`` or ``dialogue``.
        dialogue: settings of the layer of context ``dialogue``.
        hidden_size: width of the head.
        dropout: probability in the head.
    """

    def __init__(
        self,
        model_name: str,
        num_features: int,
        num_classes: int = 3,
        *,
        text_encoder: TextEncoder | None = None,
        text_states_shape: tuple[int, int] | None = None,
        layer_pooling: str = "mix",
        context: str = "none",
        dialogue: DialogueContextConfig | None = None,
        hidden_size: int = 256,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.model_name = model_name
        if text_encoder is None and text_states_shape is None:
            text_encoder = load_text_encoder(model_name, layers=(-1,))[0]
        self.encoder = text_encoder
        shape = text_states_shape or text_encoder.states_shape  # type: ignore[union-attr]
        self.layer_pooling = build_layer_pooling(layer_pooling, shape)
        self.text_proj = nn.Sequential(
            FastDropout(dropout), nn.Linear(self.layer_pooling.width_out, hidden_size), nn.GELU()
        )
        feature_size = hidden_size // 4 if num_features else 0
        self.feature_proj = (
            nn.Sequential(nn.Linear(num_features, feature_size), nn.GELU()) if num_features else None
        )
        fused_size = hidden_size + feature_size
        self.context = build_context(context, fused_size, hidden_size, config=dialogue, dropout=dropout)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.context.width_out, num_classes))
        text = ("text_states",) if text_encoder is None else text_encoder.input_names
        self.input_names = (*text, *(("features",) if num_features else ()), *context_inputs(context, dialogue))
        self.pretrained_prefixes = () if text_encoder is None else ("encoder.",)

    def forward(
        self,
        *,
        text_states: Tensor | None = None,
        features: Tensor | None = None,
        dialogue: Tensor | None = None,
        turn: Tensor | None = None,
        speaker: Tensor | None = None,
        **tokens: Tensor,
    ) -> Tensor:
        """Classify N utterances.

        Args:
            text_states: ``(N, L, d)`` precomputed embeddings, for a model without encoder.
            features: ``(N, F)`` scaled numeric features.
            dialogue, turn: ``(N,)`` integers; needed with context ``dialogue``.
            speaker: ``(N,)`` integers, equal for the same speaker in the same dialogue.
            tokens: inputs of the encoder, ``(N, T)`` each.

        Returns:
            ``(N, K)`` logits.
        """
        states = text_states if self.encoder is None else self.encoder(**tokens)
        x = self.text_proj(self.layer_pooling(states))
        if self.feature_proj is not None:
            x = torch.cat([x, self.feature_proj(features)], dim=-1)
        return self.head(self.context(x, dialogue, turn, speaker))
