"""The scores of one model on one split, for training and evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.evaluation.locked.ledger import get_labels, open_test
from sentir.evaluation.metrics import resolve_metric
from sentir.evaluation.results import ModelScores
from sentir.evaluation.scorer import ModelPredictions, Scorer
from sentir.i18n import _
from sentir.logs import logger
from sentir.recipe import Recipe
from sentir.recognizer.modalities import count_missing_modalities
from sentir.report.task_sections import ordered_metrics

if TYPE_CHECKING:
    from sentir.recognizer.recognizer import Recognizer
    from sentir.study.baseline_model import BaselineModel


def make_scorer(
    corpus: Corpus, split: str, recipe: Recipe, reason: str = "", models: Sequence[str] = ()
) -> Scorer:
    """Return the scorer of one split; one of test opens its labels, which the ledger records."""
    labels = open_test(corpus, reason=reason, models=models) if split == "test" else get_labels(corpus, split)
    return Scorer(corpus, split, labels, recipe.evaluation)


def predict_split(recognizer: Recognizer | BaselineModel, utterances: Sequence[Utterance]) -> Predictions:
    """Predict utterances of a corpus; log a warning if they lack a modality that the model requires."""
    recipe, required = recognizer.recipe, recognizer.modalities - recognizer.optional_modalities
    kind, cleaning = recipe.model.audio.mel, recipe.data.cleaning
    usable, missing = count_missing_modalities(utterances, required, mel_kind=kind, cleaning=cleaning)
    if n := missing.get("audio"):
        logger.warning(
            _("{n} of {all} utterances have no usable audio, which the model was not trained without; they are "
              "scored all the same.", n=n, all=len(usable))
        )  # fmt: skip
    if n := missing.get("text"):
        logger.warning(
            _("{n} of {all} utterances have no text, which the model was not trained without; they are scored "
              "all the same.", n=n, all=len(usable))
        )  # fmt: skip
    return recognizer.predict_utterances(usable)


def score_model(
    scorer: Scorer, name: str, model: Recognizer | BaselineModel, predictions: Predictions, metric: str = ""
) -> ModelScores:
    """Return the scores of a model; ``metric``, by default that of its recipe, comes first."""
    row = scorer.score(
        to_model_predictions(name, model, predictions), "baseline" if _is_baseline(model) else "candidate"
    )
    first = resolve_metric(scorer.corpus.label_space(row.task), metric or model.recipe.evaluation.metric)
    return replace(row, metrics={name: row.metrics[name] for name in ordered_metrics([row], first)})


def to_model_predictions(
    name: str, model: Recognizer | BaselineModel, predictions: Predictions
) -> ModelPredictions:
    """Return a model's predictions as a scorer takes them."""
    from sentir.study.candidates import modality_family, model_notes

    notes, family = (
        ((), "") if _is_baseline(model) else (model_notes(model.recipe), modality_family(model.recipe.model))
    )
    return ModelPredictions(name, (predictions,), (model.thresholds,), (model.calibration,), notes, family)


def _is_baseline(model: Recognizer | BaselineModel) -> bool:
    from sentir.study.baseline_model import BaselineModel

    return isinstance(model, BaselineModel)
