"""The public functions ("verbs"). The command line and notebooks call these and contain no logic of their own.

Each is imported on first use, and torch only where it is needed, so that calls start fast.
What trains, evaluates or reports needs ``pip install 'sentir[train]'``, and says so on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sentir.optional_dependencies import require_extra

if TYPE_CHECKING:
    from sentir.api.audit import audit_corpus as audit_corpus
    from sentir.api.cards import model_card as model_card
    from sentir.api.corpora import export_corpus as export_corpus
    from sentir.api.corpora import load_corpus as load_corpus
    from sentir.api.corpora import prepare_corpus as prepare_corpus
    from sentir.api.corpora import preview_cleaning as preview_cleaning
    from sentir.api.embedding_files import embed_to_file as embed_to_file
    from sentir.api.embedding_files import write_embeddings as write_embeddings
    from sentir.api.evaluation import analyze as analyze
    from sentir.api.evaluation import compare as compare
    from sentir.api.evaluation import evaluate as evaluate
    from sentir.api.explanation import explain as explain
    from sentir.api.explanation import explain_model as explain_model
    from sentir.api.export import export_model as export_model
    from sentir.api.hub import push_to_hub as push_to_hub
    from sentir.api.inspection import UtteranceInspection as UtteranceInspection
    from sentir.api.inspection import inspect_utterance as inspect_utterance
    from sentir.api.loading import load as load
    from sentir.api.predicting_files import predict_to_file as predict_to_file
    from sentir.api.prediction import predict as predict
    from sentir.api.prediction_files import write_predictions as write_predictions
    from sentir.api.recipe_drafts import RecipeDraft as RecipeDraft
    from sentir.api.recipe_drafts import init_recipe as init_recipe
    from sentir.api.recipes import load_recipe as load_recipe
    from sentir.api.redraw import RedrawResult as RedrawResult
    from sentir.api.redraw import redraw_corpus as redraw_corpus
    from sentir.api.studies import run_study as run_study
    from sentir.api.studies import tune as tune
    from sentir.api.timeline_files import score_files as score_files
    from sentir.api.timeline_files import write_timelines as write_timelines
    from sentir.api.timelines import timeline as timeline
    from sentir.api.training import train as train
    from sentir.corpus.cleaning_report import CleaningReport as CleaningReport
    from sentir.corpus.predictions import Prediction as Prediction
    from sentir.demo.corpora import write_demo as write_demo
    from sentir.download.corpora import Download as Download
    from sentir.download.corpora import download_corpus as download_corpus
    from sentir.download.corpora import plan_download as plan_download
    from sentir.recognizer.inputs import InputColumns as InputColumns

_LAZY_IMPORTS = {
    "CleaningReport": "sentir.corpus.cleaning_report",
    "Download": "sentir.download.corpora",
    "InputColumns": "sentir.recognizer.inputs",
    "Prediction": "sentir.corpus.predictions",
    "RecipeDraft": "sentir.api.recipe_drafts",
    "RedrawResult": "sentir.api.redraw",
    "UtteranceInspection": "sentir.api.inspection",
    "analyze": "sentir.api.evaluation",
    "audit_corpus": "sentir.api.audit",
    "compare": "sentir.api.evaluation",
    "download_corpus": "sentir.download.corpora",
    "embed_to_file": "sentir.api.embedding_files",
    "evaluate": "sentir.api.evaluation",
    "explain": "sentir.api.explanation",
    "explain_model": "sentir.api.explanation",
    "export_corpus": "sentir.api.corpora",
    "export_model": "sentir.api.export",
    "init_recipe": "sentir.api.recipe_drafts",
    "inspect_utterance": "sentir.api.inspection",
    "load": "sentir.api.loading",
    "load_corpus": "sentir.api.corpora",
    "load_recipe": "sentir.api.recipes",
    "model_card": "sentir.api.cards",
    "plan_download": "sentir.download.corpora",
    "predict": "sentir.api.prediction",
    "predict_to_file": "sentir.api.predicting_files",
    "prepare_corpus": "sentir.api.corpora",
    "preview_cleaning": "sentir.api.corpora",
    "push_to_hub": "sentir.api.hub",
    "redraw_corpus": "sentir.api.redraw",
    "run_study": "sentir.api.studies",
    "score_files": "sentir.api.timeline_files",
    "timeline": "sentir.api.timelines",
    "train": "sentir.api.training",
    "tune": "sentir.api.studies",
    "write_demo": "sentir.demo.corpora",
    "write_embeddings": "sentir.api.embedding_files",
    "write_predictions": "sentir.api.prediction_files",
    "write_timelines": "sentir.api.timeline_files",
}
_NEED_TRAIN = {
    "analyze", "audit_corpus", "compare", "evaluate", "explain", "explain_model", "prepare_corpus",
    "redraw_corpus", "run_study", "train", "tune", "write_demo",
}  # fmt: skip
__all__ = sorted(_LAZY_IMPORTS)


def __getattr__(name: str) -> Any:
    if name not in _LAZY_IMPORTS:
        raise AttributeError(f"module 'sentir.api' has no attribute {name!r}")
    if name in _NEED_TRAIN:
        require_extra("train", f"{name}()")
    return getattr(import_module(_LAZY_IMPORTS[name]), name)
