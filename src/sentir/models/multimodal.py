"""`MultimodalClassifier`: text, audio and numeric features, any of which may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import torch
from torch import Tensor, nn

from sentir.models.classifier import AudioOptions, Classifier
from sentir.models.context import DialogueContextConfig, build_context, context_inputs
from sentir.models.fusion import FUSIONS
from sentir.models.text_encoder import TextEncoder

_AUDIO = 1  # index of the modality, after text


class PerModality(nn.Module):
    """One module per modality, independent of the others, on concatenated vectors of the modalities.

    Args:
        branches: one for each of M modalities.
        width: d of the vector of a modality.
    """

    def __init__(self, branches: Sequence[nn.Module], width: int) -> None:
        super().__init__()
        self.branches, self.width = nn.ModuleList(branches), width

    def forward(self, x: Tensor, *dialogue_inputs: Tensor | None) -> Tensor:
        """Run each module on its part of ``(…, M · d)`` vectors, and concatenate the outputs."""
        parts = zip(self.branches, x.split(self.width, dim=-1), strict=True)
        return torch.cat([branch(part, *dialogue_inputs) for branch, part in parts], dim=-1)


class MultimodalClassifier(Classifier):
    """Text transformer, CNN or speech encoder, numeric features and dialogue context → K logits per utterance.

    Modality dropout: in training an utterance that has both loses its text or its audio, and the features
    computed from it, with probability ``modality_dropout``, so that the model also works with only one of them.

    Args:
        model_name: a text backbone, see `HybridTransformerClassifier`.
        backbone_name: an audio backbone, see `EmotionModel`.
        num_features: numeric features per utterance, 0 for none.
        num_classes: K.
        text_encoder, text_states_shape: as for `HybridTransformerClassifier`.
        layer_pooling: ``mix`` or ``concat``, of both encoders.
        fusion: a name in `sentir.models.fusion`.
        feature_modalities: of each feature, ``text`` or ``audio`` that it is computed from, or ``""`` (default).
        context: ``none``, ``window`` or ``dialogue``, over the fused vectors.
        dialogue: settings of the layer of context ``dialogue``.
        hidden_size: width of each modality's vector and of the head.
        dropout: probability in the head.
        modality_dropout: probability that a train utterance loses a modality.
        options: see `AudioOptions`.
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
        fusion: str = "gated",
        feature_modalities: Sequence[str] = (),
        context: str = "none",
        dialogue: DialogueContextConfig | None = None,
        hidden_size: int = 256,
        dropout: float = 0.3,
        modality_dropout: float = 0.1,
        **options: Unpack[AudioOptions],
    ) -> None:
        super().__init__()
        self.modality_dropout = modality_dropout
        text_width = self._add_text(
            model_name, layer_pooling, hidden_size, dropout, text_encoder, text_states_shape
        )
        self.input_names += ("has_text",)
        self._add_audio(backbone_name, hidden_size, dropout, layer_pooling=layer_pooling, **options)
        build_fusion = FUSIONS.get(fusion)
        self.fusion_level = getattr(build_fusion, "level", "vectors")
        num_branches, late = 3 if num_features else 2, self.fusion_level == "logits"
        self.fusion = build_fusion(num_branches, num_classes) if late else build_fusion(2, hidden_size)
        self.position_proj = (
            nn.ModuleList(nn.Linear(width, hidden_size) for width in (text_width, self.audio.position_width))
            if self.fusion_level == "positions"
            else None
        )
        feature_size = self._add_features(num_features, hidden_size)
        names = feature_modalities or ("",) * num_features
        belongs = torch.tensor([[name == modality for name in names] for modality in ("text", "audio")])
        self.register_buffer("feature_modalities", belongs.bool(), persistent=False)
        widths = [hidden_size] * num_branches if late else [self.fusion.width_out + feature_size]
        contexts: list[Any] = [
            build_context(context, width, hidden_size, config=dialogue, dropout=dropout) for width in widths
        ]
        heads = [nn.Sequential(nn.Dropout(dropout), nn.Linear(c.width_out, num_classes)) for c in contexts]
        self.context = PerModality(contexts, hidden_size) if late else contexts[0]
        self.head = PerModality(heads, contexts[0].width_out) if late else heads[0]
        self.input_names += context_inputs(context, dialogue)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Classify N utterances, given by the inputs of `forward_features` → ``(N, K)`` logits."""
        present = torch.stack([inputs.pop("has_text"), inputs.pop("has_audio")], dim=1)
        has_text, has_audio = self._drop_modalities(present).unbind(1)
        x = self.forward_features(has_text=has_text, has_audio=has_audio, **inputs)
        return self.classify(x, has_text, has_audio)

    def encode(
        self,
        *,
        has_audio: Tensor,
        has_text: Tensor,
        text_states: Tensor | None = None,
        features: Tensor | None = None,
        **inputs: Tensor,
    ) -> Tensor:
        """Return the ``(N, d)`` vectors of N utterances before the context.

        Args:
            has_audio, has_text: ``(N,)`` booleans.
            text_states: ``(N, L, d)`` precomputed embeddings, for a model without text encoder.
            features: ``(N, F)`` scaled numeric features.
            inputs: of the text and the audio encoder, see their ``input_names``.

        Returns:
            The fused vectors; with late fusion the concatenated vectors of the modalities.
        """
        present = torch.stack([has_text, has_audio], dim=1)
        audio_inputs = {name: inputs.pop(name) for name in self.audio.input_names if name != "has_audio"}
        text, text_positions = self._encode_text(text_states, inputs)
        audio, audio_positions = self._encode_audio(present[:, _AUDIO], audio_inputs)
        numeric = []
        if self.feature_proj is not None and features is not None:
            numeric = [self.feature_proj(features * self._feature_mask(present))]
        if self.fusion_level == "logits":
            return torch.cat([text * present[:, :1], audio * present[:, 1:], *numeric], dim=-1)
        positions = (
            () if self.position_proj is None else self._project_positions((text_positions, audio_positions))
        )
        return torch.cat([self.fusion(torch.stack([text, audio], dim=1), present, *positions), *numeric], dim=-1)

    def classify(self, x: Tensor, has_text: Tensor | None = None, has_audio: Tensor | None = None) -> Tensor:
        """Return the ``(N, K)`` logits of vectors with context; late fusion needs the ``(N,)`` masks."""
        logits = self.head(x)
        if self.fusion_level != "logits":
            return logits
        assert has_text is not None and has_audio is not None
        present = torch.stack([has_text, has_audio], dim=1)
        if self.feature_proj is not None:
            present = torch.cat([present, self._feature_mask(present).any(1, keepdim=True)], dim=1)
        return self.fusion(logits.unflatten(-1, (present.shape[1], -1)), present)

    def _encode_text(self, text_states: Tensor | None, tokens: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return ``(N, d)`` vectors of texts, and their positions if the fusion needs them.

        These are ``(N, S, d)`` vectors of tokens, or of the layers of precomputed embeddings, and an ``(N, S)``
        mask, false for padding.
        """
        positions: list[Tensor] = []
        if self.encoder is None:
            states: Any = text_states
            positions = [self.layer_pooling.norm(states), torch.ones_like(states[..., 0], dtype=torch.bool)]
        elif self.position_proj is None:
            states = self.encoder(**tokens)
        else:
            states, *positions = self.encoder(**tokens, return_positions=True)
        return self.text_proj(self.layer_pooling(states)), positions

    def _encode_audio(self, has_audio: Tensor, audio_inputs: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return the same of clips; their positions are time steps, or layers of a speech encoder."""
        *vectors, positions, mask = self.audio(has_audio=has_audio, **audio_inputs, return_positions=True)
        return self.audio_proj(torch.cat(vectors, dim=-1)), [positions, mask]

    def _project_positions(
        self, positions_and_masks: Sequence[list[Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Project the positions of each modality to one width; return them and their masks."""
        assert self.position_proj is not None
        pairs = zip(self.position_proj, positions_and_masks, strict=True)
        projected = [project(positions) for project, (positions, _mask) in pairs]
        return projected, [mask for _positions, mask in positions_and_masks]

    def _drop_modalities(self, present: Tensor) -> Tensor:
        """Mask one modality of some utterances that have both, in training."""
        if not self.training or not self.modality_dropout:
            return present
        keep_both = torch.rand(len(present), 1, device=present.device) >= self.modality_dropout
        keep_text = torch.rand(len(present), 1, device=present.device) < 0.5
        keep_one = torch.cat([keep_text, ~keep_text], dim=1)
        return present & (keep_both | keep_one | ~present.all(1, keepdim=True))

    def _feature_mask(self, present: Tensor) -> Tensor:
        """Return the ``(N, F)`` mask of features that are not computed from a missing modality."""
        missing = ~present
        return ~(missing.unsqueeze(-1) & self.feature_modalities).any(1)  # type: ignore[operator]
