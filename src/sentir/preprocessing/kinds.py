"""Networks by the name a recipe gives them, and what they need of an utterance."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from sentir.errors import RecipeError
from sentir.features import FEATURES, HEARD
from sentir.i18n import _, mark
from sentir.models.audio_backbones import audio_backbone, audio_source, find_audio_weights
from sentir.models.context import DialogueKind
from sentir.models.emotion_model import EmotionModel
from sentir.models.fusion import FUSIONS
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.models.loading import load_config
from sentir.models.multimodal import MultimodalClassifier
from sentir.models.speech_backbones import is_speech_backbone, load_speech_config, speech_backbone
from sentir.models.text_backbones import text_backbone
from sentir.models.weights import Source
from sentir.preprocessing.text import require_pretrained
from sentir.preprocessing.waveform import require_pretrained_speech
from sentir.recipe import Audio, Model
from sentir.registry import Registry

if TYPE_CHECKING:
    from sentir.preprocessing.preprocessor import Preparer

# What a feature set is measured from, and so lost with.
_SOURCES = {"lexical": "text", **dict.fromkeys(HEARD, "sound")}


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A kind of network.

    Attributes:
        build: ``(preparer, outputs, fresh)`` → a network for what the preparer gives, with as many logits as
            ``outputs`` is long (a label space, or names of the labels of several); ``fresh`` is false when saved
            weights are laid over it at once.
        needs: ``text``, ``sound`` or both.
    """

    build: Callable[[Preparer, Sized, bool], nn.Module]
    needs: frozenset[str]


def hybrid_transformer(preparer: Preparer, outputs: Sized, fresh: bool) -> nn.Module:
    """Build a `HybridTransformerClassifier`."""
    settings = preparer.model
    return HybridTransformerClassifier(
        settings.backbone,
        len(_columns(preparer)),
        len(outputs),
        **_reading(preparer),
        context=settings.context,
        dialogue=DialogueKind(**settings.dialogue.model_dump()),
        hidden=settings.hidden,
        dropout=settings.dropout,
    )


def emotion_model(preparer: Preparer, outputs: Sized, fresh: bool) -> nn.Module:
    """Build an `EmotionModel`."""
    settings = preparer.model
    return EmotionModel(
        settings.audio.backbone,
        len(_columns(preparer)),
        len(outputs),
        **_hearing(preparer, fresh, "states_shape"),
        layer_pooling=settings.layer_pooling,
        hidden=settings.hidden,
        dropout=settings.dropout,
    )


def multimodal(preparer: Preparer, outputs: Sized, fresh: bool) -> nn.Module:
    """Build a `MultimodalClassifier`."""
    settings = preparer.model
    columns = _columns(preparer)
    return MultimodalClassifier(
        settings.backbone,
        settings.audio.backbone,
        len(columns),
        len(outputs),
        **_reading(preparer),
        **_hearing(preparer, fresh, "speech_shape"),
        fusion=settings.fusion,
        feature_sources=[feature_source(name.partition(".")[0], settings) for name in columns],
        context=settings.context,
        dialogue=DialogueKind(**settings.dialogue.model_dump()),
        hidden=settings.hidden,
        dropout=settings.dropout,
        modality_dropout=settings.modality_dropout,
    )


def _columns(preparer: Preparer) -> tuple[str, ...]:
    return preparer.scaler.names if preparer.scaler else ()


def _reading(preparer: Preparer) -> dict[str, Any]:
    """Return the arguments of a model that reads."""
    assert preparer.text is not None
    encoder, frozen = preparer.text.encoder, preparer.text.frozen
    return {
        "encoder": None if frozen else encoder,
        "states_shape": encoder.states_shape if frozen else None,
        "layer_pooling": preparer.model.layer_pooling,
    }


def _hearing(preparer: Preparer, fresh: bool, shape: str) -> dict[str, Any]:
    """Return the arguments of a model that listens; ``shape`` is what it calls that of speech vectors."""
    audio, waves = preparer.model.audio, preparer.waves
    if waves is None:
        return {"pretrained": fresh and audio.pretrained, "weights": audio.weights if fresh else None}
    if waves.frozen:
        return {shape: waves.encoder.states_shape}
    return {"speech": waves.encoder}


MODELS = Registry(
    mark("model"),
    {
        "hybrid_transformer": ModelKind(hybrid_transformer, frozenset({"text"})),
        "emotion_model": ModelKind(emotion_model, frozenset({"sound"})),
        "multimodal": ModelKind(multimodal, frozenset({"text", "sound"})),
    },
)


def hears_waves(model: Model) -> bool:
    """Tell whether a model listens through a speech encoder rather than a network over mels."""
    return "sound" in MODELS.get(model.kind).needs and is_speech_backbone(model.audio.backbone)


def heard(model: Model) -> frozenset[str]:
    """Return the kinds of mel that a model and its feature sets listen to; none if they do not."""
    kinds = {model.audio.mel} if "sound" in MODELS.get(model.kind).needs else set()
    return frozenset(kinds if HEARD.isdisjoint(model.features) else kinds | {"mel"})


def lives_on(model: Model) -> frozenset[str]:
    """Return what a model takes and what its own features are measured from: ``text``, ``sound`` or both."""
    needs: frozenset[str] = MODELS.get(model.kind).needs
    return needs | {_SOURCES[name] for name in model.features if name in _SOURCES}


def random_parts(model: Model) -> tuple[str, ...]:
    """Say which parts of a network began with random weights where pretrained ones are usual, to translate."""
    needs = MODELS.get(model.kind).needs
    notes = [mark("text encoder drawn at random")] if "text" in needs and not model.pretrained else []
    if "sound" in needs and not model.audio.pretrained:
        notes.append(mark("audio backbone drawn at random"))
    return tuple(notes)


def check_model(model: Model) -> None:
    """Look up every name that a training would look up.

    Raises:
        UnknownNameError: if there is no such model, backbone, fusion or feature set.
        RecipeError: if a model that only listens is asked for dialogue context, a frozen encoder has nothing
            pretrained, a context that reads the past gets features or a stacked model that know what
            follows, or the sound side has
            settings of the other kind.
    """
    needs = MODELS.get(model.kind).needs
    if "text" in needs:
        text_backbone(model.backbone)
        require_pretrained(model)
    elif model.context != "none":
        raise RecipeError(
            _("'model.context' = '{context}' needs a model that reads; '{kind}' takes 'none'.",
              context=model.context, kind=model.kind)
        )  # fmt: skip
    if model.context == "dialogue" and model.dialogue.reads == "past":
        _refuse_the_future(model)
    if "sound" in needs:
        _check_audio(model.audio)
    FUSIONS.get(model.fusion)
    for name in model.features:
        FEATURES.get(name)


def _refuse_the_future(model: Model) -> None:
    if "dialogue" in model.features:
        raise RecipeError(
            _("'model.dialogue.reads' = 'past' must not know what follows, but the feature set 'dialogue' tells "
              "how many turns do; remove it from 'model.features'.")
        )  # fmt: skip
    if model.stacks and model.stacked is not None and looks_ahead(Model.model_validate(model.stacked.model)):
        raise RecipeError(
            _("'model.dialogue.reads' = 'past' must not know what follows, but the stacked model looks at later "
              "turns; give 'model.stacked.model' a context of the past, or none.")
        )  # fmt: skip


def looks_ahead(model: Model) -> bool:
    """Tell whether a prediction may change with what is said later in the dialogue."""
    if "dialogue" in model.features:
        return True
    if model.stacks and model.stacked is not None and looks_ahead(Model.model_validate(model.stacked.model)):
        return True
    if model.context == "dialogue":
        return model.dialogue.reads == "both"
    return model.context == "window" and model.window_right > 0


def _check_audio(audio: Audio) -> None:
    if is_speech_backbone(audio.backbone):
        speech_backbone(audio.backbone)
        require_pretrained_speech(audio)
        if audio.mel != "mel":
            raise RecipeError(
                _("'model.audio.mel' does nothing here: '{name}' hears the wave; remove it.", name=audio.backbone)
            )
        return
    audio_backbone(audio.backbone)
    for key, value in (("encoder", audio.encoder), ("layers", audio.layers)):
        if value is not None:
            raise RecipeError(
                _("'model.audio.{key}' does nothing here: '{name}' is no speech encoder; remove it.",
                  key=key, name=audio.backbone)
            )  # fmt: skip


def weights_sources(model: Model) -> dict[str, Source]:
    """Say where a training would take the weights of ``text`` and ``sound`` from, as far as the model has them.

    Raises:
        SentirError: if there is no such place, or what lies there is not what is known.
    """
    needs, audio, found = MODELS.get(model.kind).needs, model.audio, {}
    if "text" in needs:
        source = text_backbone(model.backbone).source(model.weights)
        found["text"] = source if model.pretrained else Source(source.location, "random")
    if hears_waves(model):
        source = speech_backbone(audio.backbone).source(audio.weights)
        found["sound"] = source if audio.pretrained else Source(source.location, "random")
    elif "sound" in needs:
        found["sound"] = audio_source(audio.backbone, pretrained=audio.pretrained, weights=_file(audio))
    return found


def check_weights(model: Model) -> None:
    """Find or fetch the weights that a training would start from.

    Raises:
        RecipeError: if audio weights are given and none are wanted.
        WeightsError: if weights can neither be found nor fetched.
    """
    needs, audio = MODELS.get(model.kind).needs, model.audio
    if "text" in needs:
        load_config(text_backbone(model.backbone).source(model.weights))
    if hears_waves(model):
        load_speech_config(speech_backbone(audio.backbone).source(audio.weights))
    elif "sound" in needs:
        find_audio_weights(audio.backbone, pretrained=audio.pretrained, weights=_file(audio))


def _file(audio: Audio) -> Path | None:
    return None if audio.weights is None else Path(audio.weights)


def feature_source(features: str, model: Model) -> str:
    """Return what a feature set is measured from; ``""`` for what is neither text nor sound, or both."""
    found = measured_from(features, model)
    return next(iter(found)) if len(found) == 1 else ""


def measured_from(features: str, model: Model) -> set[str]:
    """Return what a feature set of a model is measured from: ``text``, ``sound``, both or neither."""
    if features != "stacked" or model.stacked is None:
        return {_SOURCES[features]} if features in _SOURCES else set()
    inner = Model.model_validate(model.stacked.model)
    return set(MODELS.get(inner.kind).needs).union(*(measured_from(name, inner) for name in inner.features))
