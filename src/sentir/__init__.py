"""Sentir recognizes emotion in what people say and how they say it.

The public names are imported when they are first used, so that ``import sentir`` is quick.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Corpus": "sentir.corpus.types",
    "EMOTIONS": "sentir.corpus.labels",
    "HybridTransformerClassifier": "sentir.models.hybrid_transformer",
    "LabelSpace": "sentir.corpus.labels",
    "Predictions": "sentir.corpus.predictions",
    "Recipe": "sentir.recipe",
    "Recognizer": "sentir.recognizer",
    "SentirError": "sentir.errors",
    "Utterance": "sentir.corpus.types",
    "audit_corpus": "sentir.api",
    "clean": "sentir.corpus.cleaning",
    "compare": "sentir.api",
    "evaluate": "sentir.api",
    "load_recipe": "sentir.api",
    "normalize_emotion": "sentir.corpus.labels",
    "normalize_sentiment": "sentir.corpus.labels",
    "open_test": "sentir.evaluation.ledger",
    "predict": "sentir.api",
    "read_corpus": "sentir.readers",
    "run_study": "sentir.api",
    "set_language": "sentir.i18n",
    "show_progress": "sentir.progress",
    "train": "sentir.api",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sentir' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
