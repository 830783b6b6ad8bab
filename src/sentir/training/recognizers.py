"""A recipe and a corpus → a recognizer."""

from __future__ import annotations

from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.corpus.language_detection import detect_language
from sentir.corpus.predictions import Predictions
from sentir.models.device import get_best_device
from sentir.recipe import Recipe
from sentir.recognizer.card import summarize_data
from sentir.recognizer.needed_plugins import list_needed_plugins
from sentir.recognizer.recognizer import Recognizer
from sentir.recognizer.torch_backend import TorchBackend
from sentir.recognizer.versions import package_versions
from sentir.training.callbacks import EpochCallback
from sentir.training.fitting import fit
from sentir.training.warm_start import align_corpus, align_recipe


def fit_recognizer(
    recipe: Recipe,
    corpus: Corpus,
    *,
    stacked: Recognizer | None = None,
    init_from: Recognizer | None = None,
    on_epoch: EpochCallback | None = None,
) -> tuple[Recognizer, Predictions]:
    """Train a recognizer on a corpus, selecting on dev; the test split is not used.

    Args:
        recipe: of the model.
        corpus: for stacking, with the probabilities of `sentir.study.stacking.cross_predict` attached.
        stacked: the model of these probabilities.
        init_from: a trained model to continue from, which stays as it is. Its network, preprocessing and labels
            replace those of the recipe; data and training settings are the recipe's. Its trainings are recorded
            in the facts.
        on_epoch: called with the results of each epoch; an exception ends the training.

    Returns:
        The recognizer, and its predictions for dev.

    Raises:
        SentirError: if the corpus has no labels for the task, or names, weights or settings are invalid.
    """
    if init_from is not None:
        recipe, corpus = align_recipe(init_from, recipe), align_corpus(init_from, corpus)
    fitted = fit(recipe, corpus, init_from=init_from, on_epoch=on_epoch)
    facts = {
        "corpus": corpus.name,
        "synthetic": corpus.synthetic,
        "fingerprint": corpus.fingerprint,
        "language": detect_language([u.text for u in corpus.train]),
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
        "plugins": list_needed_plugins(recipe),
        "versions": package_versions(),
    }
    backend = TorchBackend(fitted.model.to(get_best_device()).eval(), fitted.encoders)
    parts = (fitted.space, fitted.preprocessor, backend, fitted.thresholds)
    recognizer = Recognizer(
        recipe, *parts, facts, stacked, fitted.calibration, fitted.auxiliary_tasks, fitted.speaker_normalizer
    )
    return recognizer, fitted.dev_predictions


def _previous_trainings(recognizer: Recognizer) -> list[dict[str, Any]]:
    """Return the recipe name and the data of each training of a recognizer, in order."""
    facts, keys = recognizer.facts, ("corpus", "synthetic", "fingerprint", "data")
    last = {"recipe": recognizer.recipe.name, **{key: facts[key] for key in keys if key in facts}}
    return [*facts.get("previous_trainings", []), last]
