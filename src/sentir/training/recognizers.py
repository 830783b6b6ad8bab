"""A recipe and a corpus → a recognizer."""

from __future__ import annotations

from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Predictions
from sentir.models.device import get_best_device
from sentir.recipe import Recipe
from sentir.recognizer.card import summarize_data
from sentir.recognizer.recognizer import Recognizer
from sentir.recognizer.versions import package_versions
from sentir.training.fitting import fit
from sentir.training.trainer import EpochCallback
from sentir.training.warm_start import WarmStart, align_corpus, align_recipe


def fit_recognizer(
    recipe: Recipe,
    corpus: Corpus,
    *,
    stacked: Recognizer | None = None,
    init_from: Recognizer | None = None,
    on_epoch: EpochCallback | None = None,
) -> tuple[Recognizer, Predictions]:
    """Train by a recipe on a corpus, selecting on dev; the test split is not read.

    Args:
        recipe: of the model.
        corpus: for a model that stacks, with `sentir.study.stacking.cross_predict`'s probabilities attached.
        stacked: the model that these probabilities come from.
        init_from: a trained model to go on from, whose weights change: its network, preprocessing and labels take
            the place of the recipe's, whose data and training are new. Its facts say what it was trained on.
        on_epoch: told the point of every epoch; what it raises ends the training.

    Returns:
        The recognizer, and its predictions for dev.

    Raises:
        SentirError: if the corpus has no labels for the task, or names or weights cannot be used.
    """
    begin = None if init_from is None else _warm_start(init_from)
    if begin is not None:
        recipe, corpus = align_recipe(begin, recipe), align_corpus(begin, corpus)
    fitted = fit(recipe, corpus, warm_start=begin, on_epoch=on_epoch)
    facts = {
        "corpus": corpus.name,
        "synthetic": corpus.synthetic,
        "fingerprint": corpus.fingerprint,
        "dev_score": fitted.training.best_score,
        "best_epoch": fitted.training.best_epoch,
        "history": list(fitted.training.history),
        "throughput": fitted.training.throughput,
        "missing_modalities": fitted.missing_modalities,
        "truncated": fitted.truncated,
        "calibration": fitted.calibration.method if fitted.calibration else "",
        "weights": {part: source.to_dict() for part, source in fitted.weight_sources.items()},
        "data": summarize_data(corpus, recipe.data.task),
        "previous_trainings": [] if init_from is None else _previous_trainings(init_from),
        "versions": package_versions(),
    }
    fitted.model.to(get_best_device())
    parts = (fitted.space, fitted.preprocessor, fitted.encoders, fitted.model, fitted.thresholds)
    recognizer = Recognizer(recipe, *parts, facts, stacked, fitted.calibration, fitted.auxiliary_tasks)
    return recognizer, fitted.dev_predictions


def _warm_start(recognizer: Recognizer) -> WarmStart:
    return WarmStart(
        recognizer.recipe,
        (recognizer.space, *(task.space for task in recognizer.auxiliary_tasks)),
        recognizer.preprocessor,
        recognizer.encoders,
        recognizer.model,
    )


def _previous_trainings(recognizer: Recognizer) -> list[dict[str, Any]]:
    """Return what each training of a recognizer so far was on, the first one first."""
    facts, kept = recognizer.facts, ("corpus", "synthetic", "fingerprint", "data")
    own = {"recipe": recognizer.recipe.name, **{key: facts[key] for key in kept if key in facts}}
    return [*facts.get("previous_trainings", []), own]
