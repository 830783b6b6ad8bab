"""Warm starts: training continues from a trained model, with its network, preprocessing and labels."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError, RecipeError
from sentir.i18n import _
from sentir.logs import logger
from sentir.models.lora import add_lora
from sentir.preprocessing.preprocessor import Preprocessor
from sentir.recipe import ModelSettings, Recipe
from sentir.recognizer.encoders import Encoders
from sentir.recognizer.recognizer import Recognizer


def initialize(recognizer: Recognizer) -> tuple[Preprocessor, Encoders, nn.Module]:
    """Return preprocessor, encoders and a copy of the network, with new LoRA adapters if the recipe has them.

    The recognizer stays as it is: frozen encoders are shared, trained ones are copied with the network.
    """
    settings, own = recognizer.recipe.model, recognizer.encoders
    shared: list[Any] = [one if one.frozen else one.processor for one in (own.text, own.audio) if one is not None]
    encoders, model = copy.deepcopy((own, recognizer.model), {id(part): part for part in shared})
    if settings.encoder == "lora" and encoders.text is not None:
        add_lora(encoders.text.encoder, settings.lora)
    return recognizer.preprocessor, encoders, model


def align_recipe(recognizer: Recognizer, recipe: Recipe) -> Recipe:
    """Return a recipe with the model settings and text cleaning of the trained model.

    Raises:
        RecipeError: if that model uses stacking or the head ``kernel_ridge``, or is for another task.
    """
    if recognizer.recipe.model.uses_stacking:
        raise RecipeError(
            _("A model that uses stacking cannot be trained further: the stacked model has seen its data. Train "
              "from scratch with a recipe.")
        )  # fmt: skip
    if recognizer.recipe.model.head == "kernel_ridge":
        raise RecipeError(
            _("A model with the head 'kernel_ridge' is fitted in one step and cannot be trained further. Train "
              "from scratch with a recipe.")
        )  # fmt: skip
    if recognizer.recipe.data.task != recipe.data.task:
        raise RecipeError(
            _("The model predicts '{theirs}', but the recipe's 'data.task' is '{ours}'; set it to '{theirs}'.",
              theirs=recognizer.recipe.data.task, ours=recipe.data.task)
        )  # fmt: skip
    if recipe.model not in (ModelSettings(), recognizer.recipe.model):
        logger.warning(_("The recipe's 'model' section is ignored: the network is that of the trained model."))
    trained = recognizer.recipe.to_dict()
    return recipe.override({"data": {"cleaning": trained["data"]["cleaning"]}, "model": trained["model"]})


def align_corpus(recognizer: Recognizer, corpus: Corpus) -> Corpus:
    """Return the corpus with the label spaces of the trained model.

    Raises:
        PredictionsError: if the corpus has labels that the model does not.
        CorpusError: if it lacks a task of the model.
    """
    spaces = {task.space.task: task.space for task in recognizer.tasks}
    for task, space in spaces.items():
        _check_labels(space, corpus.label_space(task))
    return replace(corpus, label_spaces={**corpus.label_spaces, **spaces})


def _check_labels(model_space: LabelSpace, corpus_space: LabelSpace) -> None:
    new: Sequence[str] = [name for name in corpus_space.names if name not in model_space.names]
    if not model_space.accepts(corpus_space):
        raise PredictionsError(
            _("The model was trained with other labels of '{task}' than the corpus has; train from scratch.",
              task=model_space.task)
        )  # fmt: skip
    if new:
        raise PredictionsError(
            _("The model does not have these labels of '{task}': {new}; it has {known}. Map them in "
              "'data.table.names', or train from scratch.",
              task=model_space.task, new=", ".join(new), known=", ".join(model_space.names))
        )  # fmt: skip
