"""`MultimodalClassifier`: text, sound and numeric features, any of which may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentir.models.context import DialogueContextConfig, build_context, context_inputs
from sentir.models.dropout import FastDropout
from sentir.models.emotion_model import build_audio_encoder
from sentir.models.fusion import FUSIONS
from sentir.models.hybrid_transformer import build_layer_pooling
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.text_encoder import TextEncoder, load_text_encoder

_TEXT, _AUDIO = 0, 1


class PerModality(nn.Module):
    """A module for each of M modalities, which sees nothing of the others."""

    def __init__(self, branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, vectors: Sequence[Tensor], *dialogue_inputs: Tensor | None) -> list[Tensor]:
        """Give each module its ``(N, d)`` vectors, and all of them what tells of the dialogue."""
        return [part(x, *dialogue_inputs) for part, x in zip(self.branches, vectors, strict=True)]


class MultimodalClassifier(nn.Module):
    """Text transformer, CNN or speech encoder, numeric features and dialogue context → K logits per utterance.

    In training an utterance that has both loses its text or its sound with probability ``modality_dropout``, and
    with it the features measured from it, so that the model can do with either.

    Args:
        model_name: a text backbone, see `HybridTransformerClassifier`.
        backbone_name: an audio backbone, see `EmotionModel`.
        num_features: numeric features per utterance, 0 for none.
        num_classes: K.
        text_encoder: a text encoder to use (and train) instead of loading one.
        text_states_shape: ``(L, d)`` of text vectors encoded beforehand; the model then has no text encoder.
        layer_pooling: ``mix`` or ``concat``, of both sides.
        pretrained, weights, speech_encoder: as `sentir.models.emotion_model.sound_side` takes them.
        speech_states_shape: ``(L, d)`` of speech vectors encoded beforehand, its ``states_shape``.
        fusion: a name in `sentir.models.fusion`.
        feature_modalities: for each feature ``text`` or ``sound``, what it is measured from, or ``""`` (default).
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
        text_encoder: TextEncoder | None = None,
        text_states_shape: tuple[int, int] | None = None,
        layer_pooling: str = "mix",
        pretrained: bool = True,
        weights: str | None = None,
        speech_encoder: SpeechEncoder | None = None,
        speech_states_shape: tuple[int, int] | None = None,
        fusion: str = "gated",
        feature_modalities: Sequence[str] = (),
        context: str = "none",
        dialogue: DialogueContextConfig | None = None,
        hidden: int = 256,
        dropout: float = 0.3,
        modality_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.model_name, self.backbone_name = model_name, backbone_name
        if text_encoder is None and text_states_shape is None:
            text_encoder = load_text_encoder(model_name, layers=(-1,))[0]
        self.encoder, self.modality_dropout = text_encoder, modality_dropout
        shape = text_states_shape or text_encoder.states_shape  # type: ignore[union-attr]
        self.layer_pooling = build_layer_pooling(layer_pooling, shape)
        self.text_proj = nn.Sequential(
            FastDropout(dropout), nn.Linear(self.layer_pooling.width_out, hidden), nn.GELU()
        )
        self.audio = build_audio_encoder(
            backbone_name,
            pretrained=pretrained,
            weights=weights,
            speech_encoder=speech_encoder,
            speech_states_shape=speech_states_shape,
            layer_pooling=layer_pooling,
        )
        self.audio_proj = nn.Sequential(nn.Dropout(dropout), nn.Linear(sum(self.audio.widths), hidden), nn.GELU())
        join = FUSIONS.get(fusion)
        self.fusion_level, parts = getattr(join, "over", "vectors"), 3 if num_features else 2
        late = self.fusion_level == "logits"
        self.fusion = join(parts, num_classes) if late else join(2, hidden)
        self.position_proj = (
            nn.ModuleList(nn.Linear(d, hidden) for d in (shape[1], self.audio.position_width))
            if self.fusion_level == "positions"
            else None
        )
        self.feature_proj = nn.Sequential(nn.Linear(num_features, hidden), nn.GELU()) if num_features else None
        sources = [[s == name for s in feature_modalities or ("",) * num_features] for name in ("text", "audio")]
        self.register_buffer("feature_sources", torch.tensor(sources, dtype=torch.bool), persistent=False)
        widths = (hidden,) * parts if late else (self.fusion.width_out + (hidden if num_features else 0),)
        contexts: list[Any] = [
            build_context(context, d, hidden, config=dialogue, dropout=dropout) for d in widths
        ]
        heads = [nn.Sequential(nn.Dropout(dropout), nn.Linear(c.width_out, num_classes)) for c in contexts]
        self.context: nn.Module = PerModality(contexts) if late else contexts[0]
        self.head: nn.Module = PerModality(heads) if late else heads[0]
        text = ("text_states",) if text_encoder is None else text_encoder.input_names
        numeric = ("features",) if num_features else ()
        self.input_names = (
            *text,
            "has_text",
            *self.audio.input_names,
            *numeric,
            *context_inputs(context, dialogue),
        )
        self.pretrained_prefixes = (
            *(() if text_encoder is None else ("encoder.",)),
            *(f"audio.{part}" for part in self.audio.pretrained_prefixes),
        )

    def forward(
        self,
        *,
        has_audio: Tensor,
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
            has_audio, has_text: ``(N,)`` booleans.
            text_states: ``(N, L, d)`` vectors encoded beforehand, for a model without text encoder.
            features: ``(N, F)`` scaled numeric features.
            dialogue, turn: ``(N,)`` integers; needed with context ``dialogue``.
            speaker: ``(N,)`` integers, equal where the same one speaks in the same dialogue.
            inputs: what the text encoder and the sound side take, see their ``inputs``.

        Returns:
            ``(N, K)`` logits.
        """
        present = self._drop_modalities(torch.stack([has_text, has_audio], dim=1))
        heard = {name: inputs.pop(name) for name in self.audio.input_names if name != "has_audio"}
        text, read = self._encode_text(text_states, inputs)
        sound, sounds = self._encode_audio(present[:, _AUDIO], heard)
        numbers, known = [], self._feature_mask(present)
        if self.feature_proj is not None and features is not None:
            numbers = [self.feature_proj(features * known)]
        if self.fusion_level == "logits":
            apart = [vector * present[:, m, None] for m, vector in enumerate((text, sound))]
            said = self.head(self.context([*apart, *numbers], dialogue, turn, speaker))
            told = [known.any(1, keepdim=True)] if numbers else []
            return self.fusion(torch.stack(said, dim=1), torch.cat([present, *told], dim=1))
        more = () if self.position_proj is None else self._project_positions((read, sounds))
        x = torch.cat([self.fusion(torch.stack([text, sound], dim=1), present, *more), *numbers], dim=-1)
        return self.head(self.context(x, dialogue, turn, speaker))

    def _encode_text(self, text_states: Tensor | None, tokens: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return ``(N, d)`` vectors of texts, and what they are made of if the fusion asks.

        That is ``(N, S, d)`` positions, tokens or the layers of vectors encoded beforehand, and ``(N, S)``
        booleans, false for padding.
        """
        made_of: list[Tensor] = []
        if self.encoder is None:
            states: Any = text_states
            made_of = [self.layer_pooling.norm(states), torch.ones_like(states[..., 0], dtype=torch.bool)]
        elif self.position_proj is None:
            states = self.encoder(**tokens)
        else:
            states, *made_of = self.encoder(**tokens, positions=True)
        return self.text_proj(self.layer_pooling(states)), made_of

    def _encode_audio(self, has_audio: Tensor, audio_inputs: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return the same of clips; their positions are steps of time, or layers of a speech encoder."""
        *vectors, positions, known = self.audio(has_audio=has_audio, **audio_inputs, positions=True)
        return self.audio_proj(torch.cat(vectors, dim=-1)), [positions, known]

    def _project_positions(
        self, positions_and_masks: Sequence[list[Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return the positions of each modality in one width, and whether they are known."""
        assert self.position_proj is not None
        projected = [
            project(one) for project, (one, _known) in zip(self.position_proj, positions_and_masks, strict=True)
        ]
        return projected, [known for _one, known in positions_and_masks]

    def _drop_modalities(self, present: Tensor) -> Tensor:
        """Take one modality from some utterances that have both, in training."""
        if not self.training or not self.modality_dropout:
            return present
        lucky = torch.rand(len(present), 1, device=present.device) >= self.modality_dropout
        lost = torch.rand(len(present), 1, device=present.device) < 0.5
        either = torch.cat([lost, ~lost], dim=1)
        return present & (lucky | either | ~present.all(1, keepdim=True))

    def _feature_mask(self, present: Tensor) -> Tensor:
        """Return ``(N, F)`` booleans: features that are not measured from a missing modality."""
        missing = ~present
        return ~(missing.unsqueeze(-1) & self.feature_modalities).any(1)  # type: ignore[operator]
