"""Kinds of networks by the name that a recipe gives them, built for the inputs of a preprocessor."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any

from torch import nn

from sentir.i18n import gettext_noop
from sentir.models.context import DialogueContextConfig
from sentir.models.emotion_model import EmotionModel
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.models.multimodal import MultimodalClassifier
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.text_encoder import TextEncoder
from sentir.recipe import ModelSettings
from sentir.registry import Registry


@dataclass(frozen=True)
class NetworkSpec:
    """What a network is built for.

    Attributes:
        settings: the recipe's ``model`` section.
        feature_modalities: of each feature column, ``text`` or ``audio`` that it is computed from, or ``""``.
        text_encoder, speech_encoder: ``None`` if the model has none.
    """

    settings: ModelSettings
    feature_modalities: tuple[str, ...] = ()
    text_encoder: TextEncoder | None = None
    speech_encoder: SpeechEncoder | None = None


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A kind of network.

    Attributes:
        build: ``(spec, output_names, load_pretrained)`` → a network with one logit per output (a label space, or
            the labels of several); ``load_pretrained`` is false if saved weights are loaded into it next.
        modalities: ``text``, ``audio`` or both.
    """

    build: Callable[[NetworkSpec, Sized, bool], nn.Module]
    modalities: frozenset[str]


def build_hybrid_transformer(spec: NetworkSpec, output_names: Sized, load_pretrained: bool) -> nn.Module:
    """Build a `HybridTransformerClassifier`."""
    settings = spec.settings
    return HybridTransformerClassifier(
        settings.backbone,
        len(spec.feature_modalities),
        len(output_names),
        **_text_arguments(spec),
        **_context_arguments(settings),
        layer_pooling=settings.layer_pooling,
        hidden_size=settings.hidden_size,
        dropout=settings.dropout,
    )


def build_emotion_model(spec: NetworkSpec, output_names: Sized, load_pretrained: bool) -> nn.Module:
    """Build an `EmotionModel`."""
    settings = spec.settings
    return EmotionModel(
        settings.audio.backbone,
        len(spec.feature_modalities),
        len(output_names),
        **_audio_arguments(spec, load_pretrained),
        layer_pooling=settings.layer_pooling,
        hidden_size=settings.hidden_size,
        dropout=settings.dropout,
    )


def build_multimodal(spec: NetworkSpec, output_names: Sized, load_pretrained: bool) -> nn.Module:
    """Build a `MultimodalClassifier`."""
    settings = spec.settings
    return MultimodalClassifier(
        settings.backbone,
        settings.audio.backbone,
        len(spec.feature_modalities),
        len(output_names),
        **_text_arguments(spec),
        **_audio_arguments(spec, load_pretrained),
        **_context_arguments(settings),
        layer_pooling=settings.layer_pooling,
        fusion=settings.fusion,
        feature_modalities=spec.feature_modalities,
        hidden_size=settings.hidden_size,
        dropout=settings.dropout,
        modality_dropout=settings.modality_dropout,
    )


def _text_arguments(spec: NetworkSpec) -> dict[str, Any]:
    """Return the text encoder of a model, or the shape of its precomputed embeddings."""
    assert spec.text_encoder is not None
    if spec.settings.is_encoder_frozen:
        return {"text_states_shape": spec.text_encoder.states_shape}
    return {"text_encoder": spec.text_encoder}


def _audio_arguments(spec: NetworkSpec, load_pretrained: bool) -> dict[str, Any]:
    """Return the weights of a model's audio backbone, its speech encoder, or the shape of its embeddings."""
    audio = spec.settings.audio
    if spec.speech_encoder is None:
        return {
            "pretrained": load_pretrained and audio.pretrained,
            "weights": audio.weights if load_pretrained else None,
        }
    if audio.is_encoder_frozen:
        return {"speech_states_shape": spec.speech_encoder.states_shape}
    return {"speech_encoder": spec.speech_encoder}


def _context_arguments(settings: ModelSettings) -> dict[str, Any]:
    return {
        "context": settings.context,
        "dialogue": DialogueContextConfig(**settings.dialogue.model_dump()),
    }


MODELS = Registry(
    gettext_noop("model"),
    {
        "hybrid_transformer": ModelKind(build_hybrid_transformer, frozenset({"text"})),
        "emotion_model": ModelKind(build_emotion_model, frozenset({"audio"})),
        "multimodal": ModelKind(build_multimodal, frozenset({"text", "audio"})),
    },
)
