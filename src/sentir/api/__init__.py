"""The public functions ("verbs"). The command line and notebooks call these and contain no logic of their own.

Torch is imported only where it is needed, so that reading and auditing a corpus start fast.
"""

from sentir.api.audit import audit_corpus
from sentir.api.cleaning import preview_cleaning
from sentir.api.corpora import load_corpus, prepare_corpus
from sentir.api.evaluation import analyze, compare, evaluate
from sentir.api.explanation import explain, explain_model
from sentir.api.export import export_corpus
from sentir.api.inspection import UtteranceInspection, inspect_utterance
from sentir.api.prediction import predict
from sentir.api.prediction_files import write_predictions
from sentir.api.recipe_drafts import RecipeDraft, init_recipe
from sentir.api.recipes import load_recipe
from sentir.api.redraw import RedrawResult, redraw_corpus
from sentir.api.studies import run_study, tune
from sentir.api.training import train
from sentir.corpus.cleaning_report import CleaningReport
from sentir.corpus.predictions import Prediction
from sentir.demo.corpora import write_demo
from sentir.download.corpora import Download, download_corpus, plan_download
from sentir.recognizer.inputs import InputColumns

__all__ = [
    "CleaningReport",
    "Download",
    "InputColumns",
    "Prediction",
    "RecipeDraft",
    "RedrawResult",
    "UtteranceInspection",
    "analyze",
    "audit_corpus",
    "compare",
    "download_corpus",
    "evaluate",
    "explain",
    "explain_model",
    "export_corpus",
    "init_recipe",
    "inspect_utterance",
    "load_corpus",
    "load_recipe",
    "plan_download",
    "predict",
    "prepare_corpus",
    "preview_cleaning",
    "redraw_corpus",
    "run_study",
    "train",
    "tune",
    "write_demo",
    "write_predictions",
]
