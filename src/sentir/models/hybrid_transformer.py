"""`HybridTransformerClassifier`: a text transformer and numeric features, with or without dialogue context."""

from __future__ import annotations

from torch import Tensor, nn

from sentir.models.classifier import Classifier
from sentir.models.context import DialogueContextConfig, build_context, context_inputs
from sentir.models.text_encoder import TextEncoder


class HybridTransformerClassifier(Classifier):
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
        self._add_text(model_name, layer_pooling, hidden_size, dropout, text_encoder, text_states_shape)
        width = hidden_size + self._add_features(num_features, hidden_size // 4)
        self.context = build_context(context, width, hidden_size, config=dialogue, dropout=dropout)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.context.width_out, num_classes))
        self.input_names += context_inputs(context, dialogue)

    def forward_features(
        self,
        *,
        text_states: Tensor | None = None,
        features: Tensor | None = None,
        dialogue: Tensor | None = None,
        turn: Tensor | None = None,
        speaker: Tensor | None = None,
        **tokens: Tensor,
    ) -> Tensor:
        """Return the ``(N, d)`` vectors that the head classifies.

        Args:
            text_states: ``(N, L, d)`` precomputed embeddings, for a model without encoder.
            features: ``(N, F)`` scaled numeric features.
            dialogue, turn: ``(N,)`` integers; needed with context ``dialogue``.
            speaker: ``(N,)`` integers, equal for the same speaker in the same dialogue.
            tokens: inputs of the encoder, ``(N, T)`` each.
        """
        states = text_states if self.encoder is None else self.encoder(**tokens)
        x = self._append_features(self.text_proj(self.layer_pooling(states)), features)
        return self.context(x, dialogue, turn, speaker)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Classify N utterances, given by the inputs of `forward_features` → ``(N, K)`` logits."""
        return self.head(self.forward_features(**inputs))
