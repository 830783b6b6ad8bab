"""Networks by the name a recipe gives them, built for the inputs that a preprocessor makes."""

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
        feature_modalities: of each column of the features, ``text``, ``audio`` or ``""`` for neither alone.
        text_encoder, speech_encoder: those that the model has; ``None`` where it has none.
        speech_frozen: whether the speech encoder's embeddings are computed beforehand.
    """

    settings: ModelSettings
    feature_modalities: tuple[str, ...] = ()
    text_encoder: TextEncoder | None = None
    speech_encoder: SpeechEncoder | None = None
    speech_frozen: bool = True


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A kind of network.

    Attributes:
        build: ``(spec, output_names, load_pretrained)`` → a network with as many logits as ``output_names`` is
            long (a label space, or names of the labels of several); ``load_pretrained`` is false when saved
            weights are laid over it at once.
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
        context=settings.context,
        dialogue=DialogueContextConfig(**settings.dialogue.model_dump()),
        hidden=settings.hidden_size,
        dropout=settings.dropout,
    )


def build_emotion_model(spec: NetworkSpec, output_names: Sized, load_pretrained: bool) -> nn.Module:
    """Build an `EmotionModel`."""
    settings = spec.settings
    return EmotionModel(
        settings.audio.backbone,
        len(spec.feature_modalities),
        len(output_names),
        **_audio_arguments(spec, load_pretrained, "states_shape"),
        layer_pooling=settings.layer_pooling,
        hidden=settings.hidden_size,
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
        **_audio_arguments(spec, load_pretrained, "speech_shape"),
        fusion=settings.fusion,
        feature_modalities=list(spec.feature_modalities),
        context=settings.context,
        dialogue=DialogueContextConfig(**settings.dialogue.model_dump()),
        hidden=settings.hidden_size,
        dropout=settings.dropout,
        modality_dropout=settings.modality_dropout,
    )


def _text_arguments(spec: NetworkSpec) -> dict[str, Any]:
    """Return the arguments of a model of text."""
    assert spec.text_encoder is not None
    frozen = spec.settings.encoder == "frozen"
    return {
        "encoder": None if frozen else spec.text_encoder,
        "states_shape": spec.text_encoder.states_shape if frozen else None,
        "layer_pooling": spec.settings.layer_pooling,
    }


def _audio_arguments(spec: NetworkSpec, load_pretrained: bool, shape_argument: str) -> dict[str, Any]:
    """Return the arguments of a model of audio; ``shape_argument`` is what it calls that of embeddings."""
    audio = spec.settings.audio
    if spec.speech_encoder is None:
        return {
            "pretrained": load_pretrained and audio.pretrained,
            "weights": audio.weights if load_pretrained else None,
        }
    if spec.speech_frozen:
        return {shape_argument: spec.speech_encoder.states_shape}
    return {"speech": spec.speech_encoder}


MODELS = Registry(
    gettext_noop("model"),
    {
        "hybrid_transformer": ModelKind(build_hybrid_transformer, frozenset({"text"})),
        "emotion_model": ModelKind(build_emotion_model, frozenset({"audio"})),
        "multimodal": ModelKind(build_multimodal, frozenset({"text", "audio"})),
    },
)
