"""Networks by the name a recipe gives them."""

from __future__ import annotations

from torch import nn

from sentir.corpus.labels import LabelSpace
from sentir.i18n import mark
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.registry import Registry
from sentir.training.preparer import Preparer


def hybrid_transformer(preparer: Preparer, space: LabelSpace) -> nn.Module:
    """Build a `HybridTransformerClassifier` for what the preparer gives and the space asks."""
    settings, encoder = preparer.model, preparer.encoder
    frozen = settings.encoder == "frozen"
    return HybridTransformerClassifier(
        settings.backbone,
        len(preparer.scaler.names) if preparer.scaler else 0,
        len(space),
        encoder=None if frozen else encoder,
        states_shape=(len(encoder.layers), encoder.width) if frozen else None,
        layer_pooling=settings.layer_pooling,
        context=settings.context,
        hidden=settings.hidden,
        dropout=settings.dropout,
    )


MODELS = Registry(mark("model"), {"hybrid_transformer": hybrid_transformer})
