"""Emotion recognition from text and audio.

Public names are imported on first use, so that ``import sentir`` is fast.
"""

from importlib import import_module, metadata
from typing import Any

_LAZY_IMPORTS = {
    "Clip": "sentir.corpus.utterances",
    "Corpus": "sentir.corpus.corpus",
    "LabelSpace": "sentir.corpus.labels",
    "MultiLabelSpace": "sentir.corpus.label_spaces",
    "Prediction": "sentir.corpus.predictions",
    "Recipe": "sentir.recipe",
    "Recognizer": "sentir.recognizer.recognizer",
    "RegressionSpace": "sentir.corpus.label_spaces",
    "SentirError": "sentir.errors",
    "SingleLabelSpace": "sentir.corpus.label_spaces",
    "Timeline": "sentir.timelines.timeline",
    "Turn": "sentir.timelines.document",
    "Utterance": "sentir.corpus.utterances",
    "analyze": "sentir.api",
    "audit_corpus": "sentir.api",
    "clean_text": "sentir.corpus.cleaning",
    "compare": "sentir.api",
    "download_corpus": "sentir.api",
    "evaluate": "sentir.api",
    "explain": "sentir.api",
    "explain_model": "sentir.api",
    "export_corpus": "sentir.api",
    "export_model": "sentir.api",
    "init_recipe": "sentir.api",
    "inspect_table": "sentir.table_inspection.inspection",
    "load": "sentir.api",
    "load_corpus": "sentir.api",
    "load_recipe": "sentir.api",
    "plan_download": "sentir.api",
    "predict": "sentir.api",
    "prepare_corpus": "sentir.api",
    "push_to_hub": "sentir.api",
    "run_study": "sentir.api",
    "set_language": "sentir.i18n",
    "timeline": "sentir.api",
    "train": "sentir.api",
    "tune": "sentir.api",
    "write_predictions": "sentir.api",
}
__all__ = ["__version__", *sorted(_LAZY_IMPORTS)]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("sentir")
    if name not in _LAZY_IMPORTS:
        raise AttributeError(f"module 'sentir' has no attribute {name!r}")
    return getattr(import_module(_LAZY_IMPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
