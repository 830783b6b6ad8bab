"""Networks by the name a recipe gives them, and what they need of an utterance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from sentir.corpus.labels import LabelSpace
from sentir.errors import RecipeError
from sentir.features import HEARD
from sentir.i18n import _, mark
from sentir.models.emotion_model import EmotionModel
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.models.multimodal import MultimodalClassifier
from sentir.recipe import Model
from sentir.registry import Registry

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
    """Build an `EmotionModel`.

    Raises:
        RecipeError: if it is asked for dialogue context, which it has not.
    """
    settings, audio = preparer.model, preparer.model.audio
    if settings.context != "none":
        raise RecipeError(
            _("'model.context' = '{context}' needs a model that reads; 'emotion_model' takes 'none'.",
              context=settings.context)
        )  # fmt: skip
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
        feature_sources=[_SOURCES.get(name.partition(".")[0], "") for name in columns],
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


def listens(model: Model) -> bool:
    """Say whether a model, or one of its feature sets, needs sound."""
    return "sound" in MODELS.get(model.kind).needs or not HEARD.isdisjoint(model.features)
