"""A training that begins with a trained model rather than anew: its network, preprocessing and labels stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class WarmStart:
    """What a training goes on from.

    Attributes:
        recipe: what the model was trained by.
        spaces: the labels of its tasks, its own first.
        preprocessor: fitted on what it was trained on.
        encoders: those of the model.
        model: with its weights, which the training changes.
    """

    recipe: Recipe
    spaces: tuple[LabelSpace, ...]
    preprocessor: Preprocessor
    encoders: Encoders
    model: nn.Module

    def initialize(self) -> tuple[Preprocessor, Encoders, nn.Module]:
        """Return preprocessing, encoders and network, with new adapters where it learns by them."""
        settings = self.recipe.model
        if settings.encoder == "lora" and self.encoders.text is not None:
            add_lora(self.encoders.text.encoder, settings.lora)
        return self.preprocessor, self.encoders, self.model


def align_recipe(warm_start: WarmStart, recipe: Recipe) -> Recipe:
    """Return a recipe with the model that the training goes on from; data and training stay its own.

    Raises:
        RecipeError: if that model stacks on another, or recognizes another task.
    """
    if warm_start.recipe.model.uses_stacking:
        raise RecipeError(
            _("A model that stacks on another cannot be trained further: what it stacks on has seen its data. "
              "Train it anew with a recipe.")
        )  # fmt: skip
    if warm_start.recipe.data.task != recipe.data.task:
        raise RecipeError(
            _("The model recognizes '{theirs}' and the recipe's 'data.task' is '{ours}'; set it to '{theirs}'.",
              theirs=warm_start.recipe.data.task, ours=recipe.data.task)
        )  # fmt: skip
    if recipe.model not in (ModelSettings(), warm_start.recipe.model):
        logger.warning(
            _("The network is that of the model that training goes on from; 'model' in the recipe is not used.")
        )
    before = warm_start.recipe.to_dict()
    return recipe.override({"data": {"cleaning": before["data"]["cleaning"]}, "model": before["model"]})


def align_corpus(warm_start: WarmStart, corpus: Corpus) -> Corpus:
    """Return a corpus whose labels are among the model's, with the model's label spaces.

    Raises:
        PredictionsError: if the corpus has labels that the model does not know.
        CorpusError: if it lacks a task of the model.
    """
    for space in warm_start.spaces:
        _check_labels(space, corpus.label_space(space.task))
    return replace(
        corpus, label_spaces={**corpus.label_spaces, **{space.task: space for space in warm_start.spaces}}
    )


def _check_labels(model_space: LabelSpace, corpus_space: LabelSpace) -> None:
    new: Sequence[str] = [name for name in corpus_space.names if name not in model_space.names]
    if model_space.kind != corpus_space.kind or (
        model_space.kind == "regression" and model_space != corpus_space
    ):
        raise PredictionsError(
            _("The model was trained for other labels of '{task}' than the corpus has; train it anew.",
              task=model_space.task)
        )  # fmt: skip
    if new:
        raise PredictionsError(
            _("The model does not know these labels of '{task}': {new}; it knows {known}. Map them in "
              "'data.table.names', or train it anew.",
              task=model_space.task, new=", ".join(new), known=", ".join(model_space.names))
        )  # fmt: skip
