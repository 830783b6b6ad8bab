"""Sentir recognizes emotion in what people say and how they say it.

The public names are imported when they are first used, so that ``import sentir`` is quick.
"""

import os
from importlib import import_module, metadata
from typing import Any

# Threads of a CPU computation spin for some microseconds while they wait for one another, and then sleep. To spin
# on, as GNU OpenMP does, makes a training several times slower once anything else runs on the machine; to sleep
# at once makes one half as fast on an idle machine (benchmarks/thread_waiting.py). Read when torch loads.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

_HOMES = {
    "Corpus": "sentir.corpus.corpus",
    "EMOTIONS": "sentir.corpus.labels",
    "EmotionModel": "sentir.models.emotion_model",
    "HybridTransformerClassifier": "sentir.models.hybrid_transformer",
    "LabelSpace": "sentir.corpus.labels",
    "MultimodalClassifier": "sentir.models.multimodal",
    "Predictions": "sentir.corpus.predictions",
    "Recipe": "sentir.recipe",
    "Recognizer": "sentir.recognizer.recognizer",
    "SentirError": "sentir.errors",
    "Utterance": "sentir.corpus.utterances",
    "audit_corpus": "sentir.api",
    "clean": "sentir.corpus.cleaning",
    "clean_corpus": "sentir.api",
    "compare": "sentir.api",
    "conclusions": "sentir.report.conclusions",
    "cross_predict": "sentir.study.stacking",
    "evaluate": "sentir.api",
    "examine": "sentir.api",
    "explain": "sentir.api",
    "explain_model": "sentir.api",
    "export_corpus": "sentir.api",
    "find_corpora": "sentir.readers.discovery",
    "get_corpus": "sentir.api",
    "load_recipe": "sentir.api",
    "model_inputs": "sentir.recognizer.standalone_inputs",
    "new_recipe": "sentir.api",
    "normalize_emotion": "sentir.corpus.labels",
    "normalize_sentiment": "sentir.corpus.labels",
    "offer_corpus": "sentir.api",
    "open_test": "sentir.evaluation.locked.ledger",
    "predict": "sentir.api",
    "prepare_corpus": "sentir.api",
    "read_corpus": "sentir.api",
    "run_study": "sentir.api",
    "set_language": "sentir.i18n",
    "show_progress": "sentir.progress",
    "show_utterance": "sentir.api",
    "train": "sentir.api",
    "tune": "sentir.api",
    "weigh_cleaning": "sentir.study.cleaning_ablation",
    "write_demo": "sentir.api",
    "write_predictions": "sentir.api",
}
__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("sentir")
    if name not in _HOMES:
        raise AttributeError(f"module 'sentir' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
