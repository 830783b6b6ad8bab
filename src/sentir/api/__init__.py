"""The public verbs. The command line, notebooks and servers call these and hold no logic of their own.

What needs torch is imported where it is used, so that reading and auditing a corpus start fast.
"""

from sentir.api.audit import audit_corpus
from sentir.api.corpora import prepare_corpus, read_corpus
from sentir.api.explanation import explain, explain_model
from sentir.api.inspection import Shown, clean_corpus, export_corpus, show_utterance
from sentir.api.models import compare, evaluate, examine, predict, train
from sentir.api.prediction_files import write_predictions
from sentir.api.recipe_drafts import Draft, new_recipe
from sentir.api.recipes import load_recipe
from sentir.api.redraw import Redrawn, redraw_corpus
from sentir.api.studies import run_study, tune
from sentir.corpus.cleaning_report import Cleaned
from sentir.corpus.predictions import Prediction
from sentir.demo.corpora import write_demo
from sentir.download.corpora import Offer, get_corpus, offer_corpus
from sentir.recognizer.inputs import Columns

__all__ = [
    "Cleaned",
    "Columns",
    "Draft",
    "Offer",
    "Prediction",
    "Redrawn",
    "Shown",
    "audit_corpus",
    "clean_corpus",
    "compare",
    "evaluate",
    "examine",
    "explain",
    "explain_model",
    "export_corpus",
    "get_corpus",
    "load_recipe",
    "new_recipe",
    "offer_corpus",
    "predict",
    "prepare_corpus",
    "read_corpus",
    "redraw_corpus",
    "run_study",
    "show_utterance",
    "train",
    "tune",
    "write_demo",
    "write_predictions",
]
