"""Stacking: out-of-fold predictions of a model (`cross_predict`), the only source of stacked features.

Every train utterance is predicted by a model that was not trained on its dialogue, dev and test by the model that
was trained on all of train. Every row carries the fold that predicted it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from sentir.corpus.corpus import Corpus
from sentir.corpus.folds import split_groups
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.logs import logger
from sentir.preprocessing.kinds import attach_required_audio
from sentir.preprocessing.preprocessor import Preprocessor
from sentir.recipe import Recipe
from sentir.recognizer.encoders import Encoders
from sentir.recognizer.recognizer import Recognizer, with_stacked
from sentir.study.attached_audio import AttachedAudio
from sentir.study.processes import Submit
from sentir.training.callbacks import EpochCallback
from sentir.training.fitting import check_training
from sentir.training.recognizers import fit_recognizer

FULL_MODEL_FOLD = -1  # the "fold" of dev and test, predicted by the model trained on all of train


@dataclass(frozen=True)
class CrossPredictions:
    """Predictions for a whole corpus, none by a model that was trained on the predicted row.

    Attributes:
        predictions: of train, dev and test.
        folds: id → fold of the utterance, `FULL_MODEL_FOLD` for dev and test.
        full_model: the model trained on all of train.
    """

    predictions: Predictions
    folds: Mapping[str, int]
    full_model: Recognizer

    def attach(self, corpus: Corpus) -> Corpus:
        """Return the corpus with the probabilities in the utterances' ``stacked_probabilities``."""
        return replace(corpus, utterances=tuple(with_stacked(corpus.utterances, self.predictions)))

    def save(self, folder: Path) -> None:
        """Save predictions, folds and the full model, without the weights of a frozen encoder."""
        self.predictions.save(folder / "predictions.parquet")
        (folder / "folds.json").write_text(json.dumps(dict(self.folds)), encoding="utf-8")
        self.full_model.save_pretrained(folder / "model", skip_frozen_weights=True)

    @classmethod
    def load(cls, folder: Path) -> CrossPredictions:
        """Load what `save` wrote."""
        folds = json.loads((folder / "folds.json").read_text(encoding="utf-8"))
        full = Recognizer.from_pretrained(folder / "model")
        return cls(Predictions.load(folder / "predictions.parquet"), folds, full)


def cross_predict(
    recipe: Recipe, corpus: Corpus, folds: int, *, submit: Submit | None = None
) -> CrossPredictions:
    """Train a model without each fold of train and once on all of it, and predict the rows that were left out.

    The epoch of every training is selected on dev, as always; test is predicted without its labels.

    Args:
        recipe: recipe of the model; its seed also assigns the folds.
        corpus: the corpus.
        folds: number of folds of train, each of whole dialogues.
        submit: of `sentir.study.processes.training_pool`, to train the folds in processes.

    Raises:
        RecipeError: if train has fewer dialogues than folds.
        SentirError: if the model cannot be trained.
    """
    corpus = attach_required_audio(corpus, recipe.model)
    embed_splits(corpus, recipe)
    fold_of = assign_folds(corpus.train, folds, recipe.train.seed)
    works = [partial(_predict_fold, folds, fold) for fold in range(folds)]
    if submit is None:
        audio = AttachedAudio(corpus)
        parts = [work(audio, recipe) for work in works]
    else:
        parts = [wait() for wait in [submit(work, corpus.name, recipe) for work in works]]
    full_model, _dev = train_recognizer(recipe, corpus)
    parts += [full_model.predict_utterances(rows) for rows in (corpus.dev, corpus.test) if rows]
    others = {u.id: FULL_MODEL_FOLD for u in corpus if u.split != "train"}
    return CrossPredictions(_concatenate(parts, [u.id for u in corpus]), fold_of | others, full_model)


def embed_splits(corpus: Corpus, recipe: Recipe) -> None:
    """Cache the embeddings of frozen encoders as any other training of the corpus computes them, split by split.

    Embedded fold by fold, in other batches, they would differ in their last digits, and so would the trainings
    that find them in the cache.
    """
    encoders = Encoders.load(recipe.model)
    if any(encoder is not None and encoder.frozen for encoder in (encoders.text, encoders.audio)):
        preprocessor = Preprocessor(recipe.data, recipe.model, None, **encoders.processors())
        for rows in filter(None, (corpus.train, corpus.dev, corpus.test)):
            encoders.embed(preprocessor.transform(rows))


def _predict_fold(folds: int, fold: int, audio: AttachedAudio, recipe: Recipe) -> Predictions:
    """Predict a fold by a model that is trained on the others."""
    corpus = audio.for_model(recipe.model)
    fold_of = assign_folds(corpus.train, folds, recipe.train.seed)
    held_out = [u for u in corpus.train if fold_of[u.id] == fold]
    logger.info(_("  {name}: fold {n} of {folds}", name=recipe.name, n=fold + 1, folds=folds))
    rest = _without_utterances(corpus, {u.id for u in held_out})
    return train_recognizer(recipe, rest)[0].predict_utterances(held_out)


CrossPredictor = Callable[[Recipe, Corpus, int], CrossPredictions]


def train_recognizer(
    recipe: Recipe,
    corpus: Corpus,
    *,
    cross_predictor: CrossPredictor = cross_predict,
    init_from: Recognizer | None = None,
    on_epoch: EpochCallback | None = None,
) -> tuple[Recognizer, Predictions]:
    """Train a recipe, and first the model it stacks on, if there is one.

    Args:
        recipe: recipe of the model.
        corpus: its train and dev are used.
        cross_predictor: returns out-of-fold predictions of a recipe; a study caches them.
        init_from: a trained model to continue from.
        on_epoch: called after every epoch, but not of the models that it stacks on.

    Returns:
        The recognizer, and its predictions for dev.

    Raises:
        SentirError: if a model cannot be trained.
    """
    if init_from is not None:
        return fit_recognizer(recipe, corpus, init_from=init_from, on_epoch=on_epoch)
    inner = recipe.stacked_recipe()
    if inner is None or recipe.model.stacked is None:
        return fit_recognizer(recipe, corpus, on_epoch=on_epoch)
    check_training(recipe, corpus)  # before the stacked model is trained
    corpus = attach_required_audio(corpus, recipe.model)
    crossed = cross_predictor(inner, corpus, recipe.model.stacked.folds)
    return fit_recognizer(recipe, crossed.attach(corpus), stacked=crossed.full_model, on_epoch=on_epoch)


def assign_folds(train: Sequence[Utterance], folds: int, seed: int) -> dict[str, int]:
    """Return id → fold, randomly assigned by dialogue.

    Raises:
        RecipeError: if train has fewer dialogues than folds.
    """
    groups = [u.dialogue or u.id for u in train]
    if len(set(groups)) < folds:
        raise RecipeError(
            _("'folds' = {folds} needs as many dialogues in train, which has {n}; lower it.",
              folds=folds, n=len(set(groups)))
        )  # fmt: skip
    return dict(zip((u.id for u in train), split_groups(groups, folds, seed), strict=True))


def _without_utterances(corpus: Corpus, held_out: set[str]) -> Corpus:
    """Return the corpus without the ``held_out`` utterances and without test."""
    rows = [u for u in corpus if u.split != "test" and u.id not in held_out]
    return Corpus.build(corpus.name, rows, corpus.label_spaces.values(), synthetic=corpus.synthetic)


def _concatenate(parts: Iterable[Predictions], ids: Sequence[str]) -> Predictions:
    predictions = list(parts)
    concatenated = Predictions(
        tuple(key for one in predictions for key in one.ids),
        np.concatenate([one.probabilities for one in predictions]),
        predictions[0].label_space,
        predictions[0].source,
    )
    return concatenated.select(ids)
