"""Networks by the name a recipe gives them, and what they need of an utterance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from sentir.corpus.labels import LabelSpace
from sentir.errors import RecipeError
from sentir.features import HEARD
from sentir.i18n import _, mark
from sentir.models.emotion_model import EmotionModel
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.recipe import Model
from sentir.registry import Registry

if TYPE_CHECKING:
    from sentir.training.preparer import Preparer


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
    assert preparer.text is not None
    settings, encoder = preparer.model, preparer.text.encoder
    return HybridTransformerClassifier(
        settings.backbone,
        _columns(preparer),
        len(space),
        encoder=None if preparer.text.frozen else encoder,
        states_shape=(len(encoder.layers), encoder.width) if preparer.text.frozen else None,
        layer_pooling=settings.layer_pooling,
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
        _columns(preparer),
        len(space),
        pretrained=fresh and audio.pretrained,
        weights=audio.weights if fresh else None,
        hidden=settings.hidden,
        dropout=settings.dropout,
    )


def _columns(preparer: Preparer) -> int:
    return len(preparer.scaler.names) if preparer.scaler else 0


MODELS = Registry(
    mark("model"),
    {
        "hybrid_transformer": ModelKind(hybrid_transformer, frozenset({"text"})),
        "emotion_model": ModelKind(emotion_model, frozenset({"sound"})),
    },
)


def listens(model: Model) -> bool:
    """Say whether a model, or one of its feature sets, needs sound."""
    return "sound" in MODELS.get(model.kind).needs or not HEARD.isdisjoint(model.features)
