"""`MultimodalClassifier`: text, sound and numeric features, any of which may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentir.models.context import DialogueKind, build_context, context_inputs
from sentir.models.dropout import Dropout
from sentir.models.emotion_model import sound_side
from sentir.models.fusion import FUSIONS
from sentir.models.hybrid_transformer import build_layer_pooling
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.text_encoder import TextEncoder, load_text_encoder

_TEXT, _SOUND = 0, 1


class Apart(nn.Module):
    """A module for each of M modalities, which sees nothing of the others."""

    def __init__(self, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, vectors: Sequence[Tensor], *place: Tensor | None) -> list[Tensor]:
        """Give each module its ``(N, d)`` vectors, and all of them what tells of the dialogue."""
        return [part(x, *place) for part, x in zip(self.parts, vectors, strict=True)]


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
        self.model_name, self.backbone_name = model_name, backbone_name
        if encoder is None and states_shape is None:
            encoder = load_text_encoder(model_name, layers=(-1,))[0]
        self.encoder, self.modality_dropout = encoder, modality_dropout
        shape = states_shape or encoder.states_shape  # type: ignore[union-attr]
        self.layer_pooling = build_layer_pooling(layer_pooling, shape)
        self.text = nn.Sequential(Dropout(dropout), nn.Linear(self.layer_pooling.width_out, hidden), nn.GELU())
        self.audio = sound_side(
            backbone_name,
            pretrained=pretrained,
            weights=weights,
            speech=speech,
            states_shape=speech_shape,
            layer_pooling=layer_pooling,
        )
        self.sound = nn.Sequential(nn.Dropout(dropout), nn.Linear(sum(self.audio.widths), hidden), nn.GELU())
        join = FUSIONS.get(fusion)
        self.over, parts = getattr(join, "over", "vectors"), 3 if num_features else 2
        late = self.over == "logits"
        self.fusion = join(parts, num_classes) if late else join(2, hidden)
        self.positions = (
            nn.ModuleList(nn.Linear(d, hidden) for d in (shape[1], self.audio.position_width))
            if self.over == "positions"
            else None
        )
        self.features = nn.Sequential(nn.Linear(num_features, hidden), nn.GELU()) if num_features else None
        sources = [[s == name for s in feature_sources or ("",) * num_features] for name in ("text", "sound")]
        self.register_buffer("feature_sources", torch.tensor(sources, dtype=torch.bool), persistent=False)
        widths = (hidden,) * parts if late else (self.fusion.width_out + (hidden if num_features else 0),)
        contexts: list[Any] = [build_context(context, d, hidden, kind=dialogue, dropout=dropout) for d in widths]
        heads = [nn.Sequential(nn.Dropout(dropout), nn.Linear(c.width_out, num_classes)) for c in contexts]
        self.context: nn.Module = Apart(contexts) if late else contexts[0]
        self.head: nn.Module = Apart(heads) if late else heads[0]
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
        text, read = self._read(text_states, inputs)
        sound, sounds = self._hear(present[:, _SOUND], heard)
        numbers, known = [], self._known(present)
        if self.features is not None and features is not None:
            numbers = [self.features(features * known)]
        if self.over == "logits":
            apart = [vector * present[:, m, None] for m, vector in enumerate((text, sound))]
            said = self.head(self.context([*apart, *numbers], dialogue, turn, speaker))
            told = [known.any(1, keepdim=True)] if numbers else []
            return self.fusion(torch.stack(said, dim=1), torch.cat([present, *told], dim=1))
        more = () if self.positions is None else self._positions((read, sounds))
        x = torch.cat([self.fusion(torch.stack([text, sound], dim=1), present, *more), *numbers], dim=-1)
        return self.head(self.context(x, dialogue, turn, speaker))

    def _read(self, text_states: Tensor | None, tokens: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return ``(N, d)`` vectors of texts, and what they are made of if the fusion asks.

        That is ``(N, S, d)`` positions, tokens or the layers of vectors encoded beforehand, and ``(N, S)``
        booleans, false for padding.
        """
        made_of: list[Tensor] = []
        if self.encoder is None:
            states: Any = text_states
            made_of = [self.layer_pooling.norm(states), torch.ones_like(states[..., 0], dtype=torch.bool)]
        elif self.positions is None:
            states = self.encoder(**tokens)
        else:
            states, *made_of = self.encoder(**tokens, positions=True)
        return self.text(self.layer_pooling(states)), made_of

    def _hear(self, has_sound: Tensor, heard: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return the same of clips; their positions are steps of time, or layers of a speech encoder."""
        *vectors, positions, known = self.audio(has_sound=has_sound, **heard, positions=True)
        return self.sound(torch.cat(vectors, dim=-1)), [positions, known]

    def _positions(self, made_of: Sequence[list[Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
        """Return the positions of each modality in one width, and whether they are known."""
        assert self.positions is not None
        projected = [project(one) for project, (one, _known) in zip(self.positions, made_of, strict=True)]
        return projected, [known for _one, known in made_of]

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
