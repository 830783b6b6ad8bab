"""Ablation of text cleaning: the effect of each step on a bag-of-words model, on dev."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sentir.corpus.cleaning_report import CLEANING_PRESETS
from sentir.corpus.corpus import Corpus
from sentir.evaluation.locked.ledger import get_labels
from sentir.evaluation.metrics import resolve_metric
from sentir.evaluation.results import Comparison, ModelScores
from sentir.evaluation.scorer import ModelPredictions, Scorer
from sentir.i18n import _
from sentir.recipe import Recipe
from sentir.study.baselines import fit_predict_baseline
from sentir.study.candidates import tune_dev_thresholds


@dataclass(frozen=True, slots=True)
class CleaningAblation:
    """Scores of the same model on raw and on increasingly cleaned text.

    Attributes:
        metric: the metric that is compared.
        scores: on dev, of the raw text, then of the text cleaned up to each step.
        comparisons: each of the others with the raw text.
    """

    metric: str
    scores: tuple[ModelScores, ...]
    comparisons: tuple[Comparison, ...]


def ablate_cleaning(recipe: Recipe, corpus: Corpus, steps: Sequence[str]) -> CleaningAblation:
    """Train the bag of words on the raw text, and on the text cleaned up to each step, and compare them on dev.

    Args:
        recipe: its task and its ``evaluation`` are used.
        corpus: with texts; test is not read.
        steps: names of steps, in order; a name of `CLEANING_PRESETS` stands for all of its steps.

    Raises:
        UnknownNameError: if there is no such step.
        CorpusError: if the corpus has no such task, or too few words.
    """
    names = [step for name in steps for step in CLEANING_PRESETS.get(name, (name,))]
    metric = resolve_metric(corpus.label_space(recipe.data.task), recipe.evaluation.metric)
    scorer = Scorer(corpus, "dev", get_labels(corpus, "dev"), recipe.evaluation)
    titles = (_("raw text"), *(f"+ {name}" for name in names))
    raw, *cleaned = [_fit_and_predict(title, recipe, corpus, names[:n], metric) for n, title in enumerate(titles)]
    scores = tuple(scorer.score(model, "baseline") for model in (raw, *cleaned))
    return CleaningAblation(metric, scores, scorer.compare([(model, raw) for model in cleaned], metric))


def _fit_and_predict(
    title: str, recipe: Recipe, corpus: Corpus, steps: Sequence[str], metric: str
) -> ModelPredictions:
    own = recipe.override({"data": {"cleaning": list(steps)}})
    dev = fit_predict_baseline("bag of words", own, corpus, metric, ["dev"])["dev"]
    cuts = tune_dev_thresholds(corpus, own.data.task, dev)
    return ModelPredictions(title, (dev,), (cuts,))
