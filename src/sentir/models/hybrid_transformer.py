"""`HybridTransformerClassifier`: a text transformer and numeric features, with or without dialogue context."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sentir.models.context import DialogueContextConfig, build_context, context_inputs
from sentir.models.dropout import FastDropout
from sentir.models.text_encoder import TextEncoder, load_text_encoder


class ScalarMix(nn.Module):
    """A learned weighted mean over layers: ``(N, L, d)`` → ``(N, d)`` (ELMo's, Peters et al. 2018)."""

    def __init__(self, num_layers: int, width: int) -> None:
        super().__init__()
        self.layer_logits = nn.Parameter(torch.zeros(num_layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.width_out = width

    def forward(self, states: Tensor) -> Tensor:
        """Mix the normalized layers."""
        return torch.einsum("l,nld->nd", self.layer_logits.softmax(0), self.norm(states))


class LayerConcat(nn.Module):
    """All layers side by side: ``(N, L, d)`` → ``(N, L · d)``."""

    def __init__(self, num_layers: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.width_out = num_layers * width

    def forward(self, states: Tensor) -> Tensor:
        """Concatenate the normalized layers."""
        return self.norm(states).flatten(1)


LAYER_POOLINGS: dict[str, type[ScalarMix | LayerConcat]] = {"mix": ScalarMix, "concat": LayerConcat}


def build_layer_pooling(name: str, states_shape: tuple[int, int]) -> ScalarMix | LayerConcat:
    """Build a name's pooling of ``(N, L, d)`` states; a single layer has nothing to mix."""
    layers, width = states_shape
    return (LAYER_POOLINGS[name] if layers > 1 else LayerConcat)(layers, width)


class HybridTransformerClassifier(nn.Module):
    """Text, numeric features and dialogue context → K logits per utterance.

    Args:
        model_name: a text backbone: a known name, a hub id or a local folder. Its pretrained weights are loaded
            unless ``encoder`` or ``states_shape`` is given.
        num_features: numeric features per utterance, 0 for none.
        num_classes: K.
        encoder: a text encoder to use (and train) instead of loading one.
        states_shape: ``(L, d)`` of vectors encoded beforehand; the model then has no encoder of its own and takes
            ``text_states`` where it would take token ids.
        layer_pooling: ``mix`` or ``concat``.
        context: ``none``, ``window`` or ``dialogue``.
        dialogue: what kind of layer context ``dialogue`` is.
        hidden: width of the head.
        dropout: probability in the head.
    """

    def __init__(
        self,
        model_name: str,
        num_features: int,
        num_classes: int = 3,
        *,
        encoder: TextEncoder | None = None,
        states_shape: tuple[int, int] | None = None,
        layer_pooling: str = "mix",
        context: str = "none",
        dialogue: DialogueContextConfig | None = None,
        hidden: int = 256,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.model_name = model_name
        if encoder is None and states_shape is None:
            encoder = load_text_encoder(model_name, layers=(-1,))[0]
        self.encoder = encoder
        shape = states_shape or encoder.states_shape  # type: ignore[union-attr]
        self.layer_pooling = build_layer_pooling(layer_pooling, shape)
        self.text_proj = nn.Sequential(
            FastDropout(dropout), nn.Linear(self.layer_pooling.width_out, hidden), nn.GELU()
        )
        self.feature_proj = (
            nn.Sequential(nn.Linear(num_features, hidden // 4), nn.GELU()) if num_features else None
        )
        fused = hidden + (hidden // 4 if num_features else 0)
        self.context = build_context(context, fused, hidden, config=dialogue, dropout=dropout)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.context.width_out, num_classes))
        text = ("text_states",) if encoder is None else encoder.input_names
        self.input_names = (*text, *(("features",) if num_features else ()), *context_inputs(context, dialogue))

        self.pretrained_prefixes = () if encoder is None else ("encoder.",)

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
            text_states: ``(N, L, d)`` vectors encoded beforehand, for a model without encoder.
            features: ``(N, F)`` scaled numeric features.
            dialogue, turn: ``(N,)`` integers; needed with context ``dialogue``.
            speaker: ``(N,)`` integers, equal where the same one speaks in the same dialogue.
            tokens: what the encoder takes, ``(N, T)`` each.

        Returns:
            ``(N, K)`` logits.
        """
        states = text_states if self.encoder is None else self.encoder(**tokens)
        x = self.text_proj(self.layer_pooling(states))
        if self.feature_proj is not None:
            x = torch.cat([x, self.feature_proj(features)], dim=-1)
        return self.head(self.context(x, dialogue, turn, speaker))
