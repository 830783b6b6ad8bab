"""The public functions ("verbs"). The command line and notebooks call these and contain no logic of their own.

Torch is imported only where it is needed, so that reading and auditing a corpus start fast.
"""

from sentir.api.audit import audit_corpus as audit_corpus
from sentir.api.corpora import export_corpus as export_corpus
from sentir.api.corpora import load_corpus as load_corpus
from sentir.api.corpora import prepare_corpus as prepare_corpus
from sentir.api.corpora import preview_cleaning as preview_cleaning
from sentir.api.evaluation import analyze as analyze
from sentir.api.evaluation import compare as compare
from sentir.api.evaluation import evaluate as evaluate
from sentir.api.explanation import explain as explain
from sentir.api.explanation import explain_model as explain_model
from sentir.api.inspection import UtteranceInspection as UtteranceInspection
from sentir.api.inspection import inspect_utterance as inspect_utterance
from sentir.api.prediction import predict as predict
from sentir.api.prediction_files import write_predictions as write_predictions
from sentir.api.recipe_drafts import RecipeDraft as RecipeDraft
from sentir.api.recipe_drafts import init_recipe as init_recipe
from sentir.api.recipes import load_recipe as load_recipe
from sentir.api.redraw import RedrawResult as RedrawResult
from sentir.api.redraw import redraw_corpus as redraw_corpus
from sentir.api.studies import run_study as run_study
from sentir.api.studies import tune as tune
from sentir.api.training import train as train
from sentir.corpus.cleaning_report import CleaningReport as CleaningReport
from sentir.corpus.predictions import Prediction as Prediction
from sentir.demo.corpora import write_demo as write_demo
from sentir.download.corpora import Download as Download
from sentir.download.corpora import download_corpus as download_corpus
from sentir.download.corpora import plan_download as plan_download
from sentir.recognizer.inputs import InputColumns as InputColumns
