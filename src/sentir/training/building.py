"""Networks by the name a recipe gives them, and what they need of an utterance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from sentir.corpus.labels import LabelSpace
from sentir.errors import RecipeError
from sentir.features import FEATURES, HEARD
from sentir.i18n import _, mark
from sentir.models.audio_backbones import audio_backbone, find_audio_weights
from sentir.models.emotion_model import EmotionModel
from sentir.models.fusion import FUSIONS
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.models.multimodal import MultimodalClassifier
from sentir.models.text_backbones import load_config, text_backbone
from sentir.recipe import Model
from sentir.registry import Registry
from sentir.training.text_input import require_pretrained

if TYPE_CHECKING:
    from sentir.training.preparer import Preparer

# What a feature set is measured from, and so lost with.
_SOURCES = {"lexical": "text", **dict.fromkeys(HEARD, "sound")}


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A kind of network.

    Attributes:
        build: ``(preparer, space, fresh)`` → a network for what the preparer gives and the space asks; ``fresh``
            is false when saved weights are laid over it at once.
        needs: ``text``, ``sound`` or both.
    """

    build: Callable[[Preparer, LabelSpace, bool], nn.Module]
    needs: frozenset[str]


def hybrid_transformer(preparer: Preparer, space: LabelSpace, fresh: bool) -> nn.Module:
    """Build a `HybridTransformerClassifier`."""
    settings = preparer.model
    return HybridTransformerClassifier(
        settings.backbone,
        len(_columns(preparer)),
        len(space),
        **_reading(preparer),
        context=settings.context,
        hidden=settings.hidden,
        dropout=settings.dropout,
    )


def emotion_model(preparer: Preparer, space: LabelSpace, fresh: bool) -> nn.Module:
    """Build an `EmotionModel`."""
    settings, audio = preparer.model, preparer.model.audio
    return EmotionModel(
        audio.backbone,
        len(_columns(preparer)),
        len(space),
        pretrained=fresh and audio.pretrained,
        weights=audio.weights if fresh else None,
        hidden=settings.hidden,
        dropout=settings.dropout,
    )


def multimodal(preparer: Preparer, space: LabelSpace, fresh: bool) -> nn.Module:
    """Build a `MultimodalClassifier`."""
    settings, audio = preparer.model, preparer.model.audio
    columns = _columns(preparer)
    return MultimodalClassifier(
        settings.backbone,
        audio.backbone,
        len(columns),
        len(space),
        **_reading(preparer),
        pretrained=fresh and audio.pretrained,
        weights=audio.weights if fresh else None,
        fusion=settings.fusion,
        feature_sources=[feature_source(name.partition(".")[0], settings) for name in columns],
        context=settings.context,
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
        "states_shape": (len(encoder.layers), encoder.width) if frozen else None,
        "layer_pooling": preparer.model.layer_pooling,
    }


MODELS = Registry(
    mark("model"),
    {
        "hybrid_transformer": ModelKind(hybrid_transformer, frozenset({"text"})),
        "emotion_model": ModelKind(emotion_model, frozenset({"sound"})),
        "multimodal": ModelKind(multimodal, frozenset({"text", "sound"})),
    },
)


def heard(model: Model) -> frozenset[str]:
    """Return the kinds of mel that a model and its feature sets listen to; none if they do not."""
    kinds = {model.audio.mel} if "sound" in MODELS.get(model.kind).needs else set()
    return frozenset(kinds if HEARD.isdisjoint(model.features) else kinds | {"mel"})


def lives_on(model: Model) -> frozenset[str]:
    """Return what a model takes and what its own features are measured from: ``text``, ``sound`` or both."""
    needs: frozenset[str] = MODELS.get(model.kind).needs
    return needs | {_SOURCES[name] for name in model.features if name in _SOURCES}


def random_parts(model: Model) -> tuple[str, ...]:
    """Say which parts of a network began with random weights where pretrained ones are usual."""
    needs = MODELS.get(model.kind).needs
    notes = [_("random text encoder, nothing pretrained")] if "text" in needs and not model.pretrained else []
    if "sound" in needs and not model.audio.pretrained:
        notes.append(_("random audio backbone, nothing pretrained"))
    return tuple(notes)


def check_model(model: Model) -> None:
    """Look up every name that a training would look up.

    Raises:
        UnknownNameError: if there is no such model, backbone, fusion or feature set.
        RecipeError: if a model that only listens is asked for dialogue context, or a frozen encoder has nothing
            pretrained.
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
    if "sound" in needs:
        audio_backbone(model.audio.backbone)
    FUSIONS.get(model.fusion)
    for name in model.features:
        FEATURES.get(name)


def check_weights(model: Model) -> None:
    """Find or fetch the weights that a training would start from.

    Raises:
        RecipeError: if audio weights are given and none are wanted.
        WeightsError: if weights can neither be found nor fetched.
    """
    needs = MODELS.get(model.kind).needs
    if "text" in needs:
        load_config(text_backbone(model.backbone).source(model.weights))
    if "sound" in needs:
        audio = model.audio
        find_audio_weights(audio.backbone, pretrained=audio.pretrained, weights=audio.weights)


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
