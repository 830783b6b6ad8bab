"""Networks: plain ``nn.Module``s over plain tensors, which know nothing of corpora or recipes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentir.models.emotion_model import EmotionModel
    from sentir.models.hybrid_transformer import HybridTransformerClassifier
    from sentir.models.multimodal import MultimodalClassifier

__all__ = ["EmotionModel", "HybridTransformerClassifier", "MultimodalClassifier"]

_LAZY_IMPORTS = {
    "EmotionModel": "sentir.models.emotion_model",
    "HybridTransformerClassifier": "sentir.models.hybrid_transformer",
    "MultimodalClassifier": "sentir.models.multimodal",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY_IMPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY_IMPORTS[name]), name)
