"""Networks of each kind of model, built for the inputs of a preprocessor."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any

from torch import nn

from sentir.models.context import DialogueContextConfig
from sentir.models.emotion_model import EmotionModel
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.models.kinds import MODELS
from sentir.models.multimodal import MultimodalClassifier
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.stage_encoder import StageEncoder
from sentir.models.text_encoder import TextEncoder
from sentir.recipe import ModelSettings


@dataclass(frozen=True)
class NetworkSpec:
    """What a network is built for.

    Attributes:
        settings: the recipe's ``model`` section.
        feature_modalities: of each feature column, ``text`` or ``audio`` that it is computed from, or ``""``.
        text_encoder: ``None`` if the model has none.
        audio_encoder: a speech encoder, or a frozen network on mel spectrograms; ``None`` for a trained one.
    """

    settings: ModelSettings
    feature_modalities: tuple[str, ...] = ()
    text_encoder: TextEncoder | None = None
    audio_encoder: SpeechEncoder | StageEncoder | None = None


_NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "hybrid_transformer": HybridTransformerClassifier,
    "emotion_model": EmotionModel,
    "multimodal": MultimodalClassifier,
}


def build_network(spec: NetworkSpec, output_names: Sized, *, load_pretrained: bool = True) -> nn.Module:
    """Build a network.

    Args:
        spec: what it is built for.
        output_names: a label space, or the labels of several; there is one logit for each.
        load_pretrained: false if saved weights are loaded into it next.
    """
    settings, backbones = spec.settings, list[str]()
    modalities = MODELS.get(settings.kind).modalities
    arguments: dict[str, Any] = {}
    if "text" in modalities:
        backbones.append(settings.backbone)
        arguments |= _text_arguments(spec)
    if "audio" in modalities:
        backbones.append(settings.audio.backbone)
        arguments |= _audio_arguments(spec, load_pretrained)
    if settings.head != "mlp":
        arguments["head"] = settings.head
    if len(modalities) > 1:
        arguments |= {
            "fusion": settings.fusion,
            "feature_modalities": spec.feature_modalities,
            "modality_dropout": settings.modality_dropout,
        }
    for key in ("layer_pooling", "hidden_size", "dropout"):
        arguments[key] = getattr(settings, key)
    return _NETWORKS[settings.kind](*backbones, len(spec.feature_modalities), len(output_names), **arguments)


def _text_arguments(spec: NetworkSpec) -> dict[str, Any]:
    """Return the context and the text encoder of a model, or the shape of its precomputed embeddings."""
    assert spec.text_encoder is not None
    settings, encoder = spec.settings, spec.text_encoder
    context = {"context": settings.context, "dialogue": DialogueContextConfig(**settings.dialogue.model_dump())}
    if settings.is_encoder_frozen:
        return {**context, "text_states_shape": encoder.states_shape}
    return {**context, "text_encoder": encoder}


def _audio_arguments(spec: NetworkSpec, load_pretrained: bool) -> dict[str, Any]:
    """Return the weights of a model's audio backbone, its speech encoder, or the shape of its embeddings."""
    audio, encoder = spec.settings.audio, spec.audio_encoder
    if encoder is None:
        return {
            "pretrained": load_pretrained and audio.pretrained,
            "weights": audio.weights if load_pretrained else None,
        }
    if isinstance(encoder, StageEncoder) or audio.is_encoder_frozen:
        return {"audio_states_shape": encoder.states_shape}
    return {"speech_encoder": encoder, "frame_pooling": audio.frame_pooling}
