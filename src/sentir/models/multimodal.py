"""`MultimodalClassifier`: text, sound and numeric features, any of which may be missing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sentir.models.context import DialogueKind, build_context, context_inputs
from sentir.models.emotion_model import sound_side
from sentir.models.encoders import TextEncoder, load_text_encoder
from sentir.models.fusion import FUSIONS
from sentir.models.hybrid_transformer import LAYER_POOLINGS, LayerConcat
from sentir.models.speech_encoder import SpeechEncoder

_TEXT, _SOUND = 0, 1


class MultimodalClassifier(nn.Module):
    """Text transformer, CNN or speech encoder, numeric features and dialogue context → K logits per utterance.

    In training an utterance that has both loses its text or its sound with probability ``modality_dropout``, and
    with it the features measured from it, so that the model can do with either.

    Args:
        model_name: a text backbone, see `HybridTransformerClassifier`.
        backbone_name: an audio backbone, see `EmotionModel`.
        num_features: numeric features per utterance, 0 for none.
        num_classes: K.
        encoder: a text encoder to use (and train) instead of loading one.
        states_shape: ``(L, d)`` of text vectors encoded beforehand; the model then has no text encoder.
        layer_pooling: ``mix`` or ``concat``, of both sides.
        pretrained, weights, speech: as `sentir.models.emotion_model.sound_side` takes them.
        speech_shape: ``(L, d)`` of speech vectors encoded beforehand, its ``states_shape``.
        fusion: a name in `sentir.models.fusion`.
        feature_sources: for each feature ``text`` or ``sound``, what it is measured from, or ``""`` (default).
        context: ``none``, ``window`` or ``dialogue``, over the fused vectors.
        dialogue: what kind of layer context ``dialogue`` is.
        hidden: width of each modality's vector and of the head.
        dropout: probability in the head.
        modality_dropout: share of train utterances that lose a modality.
    """

    def __init__(
        self,
        model_name: str,
        backbone_name: str,
        num_features: int = 0,
        num_classes: int = 7,
        *,
        encoder: TextEncoder | None = None,
        states_shape: tuple[int, int] | None = None,
        layer_pooling: str = "mix",
        pretrained: bool = True,
        weights: str | None = None,
        speech: SpeechEncoder | None = None,
        speech_shape: tuple[int, int] | None = None,
        fusion: str = "gated",
        feature_sources: Sequence[str] = (),
        context: str = "none",
        dialogue: DialogueKind | None = None,
        hidden: int = 256,
        dropout: float = 0.3,
        modality_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if encoder is None and states_shape is None:
            encoder = load_text_encoder(model_name, layers=(-1,))[0]
        self.encoder, self.modality_dropout = encoder, modality_dropout
        layers, width = states_shape or (len(encoder.layers), encoder.width)  # type: ignore[union-attr]
        pooling = LAYER_POOLINGS[layer_pooling] if layers > 1 else LayerConcat
        self.layer_pooling = pooling(layers, width)
        self.text = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.layer_pooling.width_out, hidden), nn.GELU())
        self.audio = sound_side(
            backbone_name,
            pretrained=pretrained,
            weights=weights,
            speech=speech,
            states_shape=speech_shape,
            layer_pooling=layer_pooling,
        )
        self.sound = nn.Sequential(nn.Dropout(dropout), nn.Linear(sum(self.audio.widths), hidden), nn.GELU())
        self.fusion = FUSIONS.get(fusion)(2, hidden)
        self.features = nn.Sequential(nn.Linear(num_features, hidden), nn.GELU()) if num_features else None
        sources = [[s == name for s in feature_sources or ("",) * num_features] for name in ("text", "sound")]
        self.register_buffer("feature_sources", torch.tensor(sources, dtype=torch.bool), persistent=False)
        fused = self.fusion.width_out + (hidden if num_features else 0)
        self.context = build_context(context, fused, hidden, kind=dialogue, dropout=dropout)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.context.width_out, num_classes))
        text = ("text_states",) if encoder is None else encoder.inputs
        numeric = ("features",) if num_features else ()
        self.inputs = (*text, "has_text", *self.audio.inputs, *numeric, *context_inputs(context, dialogue))
        self.pretrained_parts = (
            *(() if encoder is None else ("encoder.",)),
            *(f"audio.{part}" for part in self.audio.pretrained_parts),
        )

    def forward(
        self,
        *,
        has_sound: Tensor,
        has_text: Tensor,
        text_states: Tensor | None = None,
        features: Tensor | None = None,
        dialogue: Tensor | None = None,
        turn: Tensor | None = None,
        speaker: Tensor | None = None,
        **inputs: Tensor,
    ) -> Tensor:
        """Classify N utterances.

        Args:
            has_sound, has_text: ``(N,)`` booleans.
            text_states: ``(N, L, d)`` vectors encoded beforehand, for a model without text encoder.
            features: ``(N, F)`` scaled numeric features.
            dialogue, turn: ``(N,)`` integers; needed with context ``dialogue``.
            speaker: ``(N,)`` integers, equal where the same one speaks in the same dialogue.
            inputs: what the text encoder and the sound side take, see their ``inputs``.

        Returns:
            ``(N, K)`` logits.
        """
        present = self._drop(torch.stack([has_text, has_sound], dim=1))
        heard = {name: inputs.pop(name) for name in self.audio.inputs if name != "has_sound"}
        states = text_states if self.encoder is None else self.encoder(**inputs)
        sound = self.sound(torch.cat(self.audio(has_sound=present[:, _SOUND], **heard), dim=-1))
        x = self.fusion(torch.stack([self.text(self.layer_pooling(states)), sound], dim=1), present)
        if self.features is not None and features is not None:
            x = torch.cat([x, self.features(features * self._known(present))], dim=-1)
        return self.head(self.context(x, dialogue, turn, speaker))

    def _drop(self, present: Tensor) -> Tensor:
        """Take one modality from some utterances that have both, in training."""
        if not self.training or not self.modality_dropout:
            return present
        lucky = torch.rand(len(present), 1, device=present.device) >= self.modality_dropout
        lost = torch.rand(len(present), 1, device=present.device) < 0.5
        either = torch.cat([lost, ~lost], dim=1)
        return present & (lucky | either | ~present.all(1, keepdim=True))

    def _known(self, present: Tensor) -> Tensor:
        """Return ``(N, F)`` booleans: features that are not measured from a missing modality."""
        missing = ~present
        return ~(missing.unsqueeze(-1) & self.feature_sources).any(1)  # type: ignore[operator]
