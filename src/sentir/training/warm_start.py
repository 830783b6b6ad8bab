"""A training that begins with a trained model rather than anew: its network, preprocessing and labels stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError, RecipeError
from sentir.i18n import _
from sentir.models.lora import add_lora
from sentir.preprocessing.preprocessor import Preparer
from sentir.progress import warn
from sentir.recipe import Model, Recipe


@dataclass(frozen=True)
class Start:
    """What a training goes on from.

    Attributes:
        recipe: what the model was trained by.
        spaces: the labels of its tasks, its own first.
        preparer: fitted on what it was trained on.
        model: with its weights, which the training changes.
    """

    recipe: Recipe
    spaces: tuple[LabelSpace, ...]
    preparer: Preparer
    model: nn.Module

    def begin(self) -> tuple[Preparer, nn.Module]:
        """Return preprocessing and network, with new adapters where it learns by them."""
        settings = self.recipe.model
        if settings.encoder == "lora" and self.preparer.text is not None:
            add_lora(self.preparer.text.encoder, settings.lora)
        return self.preparer, self.model


def recipe_from(start: Start, recipe: Recipe) -> Recipe:
    """Return a recipe with the model that the training goes on from; data and training stay its own.

    Raises:
        RecipeError: if that model stacks on another, or recognizes another task.
    """
    if start.recipe.model.stacks:
        raise RecipeError(
            _("A model that stacks on another cannot be trained further: what it stacks on has seen its data. "
              "Train it anew with a recipe.")
        )  # fmt: skip
    if start.recipe.data.task != recipe.data.task:
        raise RecipeError(
            _("The model recognizes '{theirs}' and the recipe's 'data.task' is '{ours}'; set it to '{theirs}'.",
              theirs=start.recipe.data.task, ours=recipe.data.task)
        )  # fmt: skip
    if recipe.model not in (Model(), start.recipe.model):
        warn(_("The network is that of the model that training goes on from; 'model' in the recipe is not used."))
    before = start.recipe.tree()
    return recipe.override({"data": {"cleaning": before["data"]["cleaning"]}, "model": before["model"]})


def corpus_from(start: Start, corpus: Corpus) -> Corpus:
    """Return a corpus whose labels are among the model's, with the model's label spaces.

    Raises:
        PredictionsError: if the corpus has labels that the model does not know.
        CorpusError: if it lacks a task of the model.
    """
    for space in start.spaces:
        _check_labels(space, corpus.space(space.task))
    return replace(corpus, spaces={**corpus.spaces, **{space.task: space for space in start.spaces}})


def _check_labels(ours: LabelSpace, theirs: LabelSpace) -> None:
    new: Sequence[str] = [name for name in theirs.names if name not in ours.names]
    if ours.kind != theirs.kind or (ours.kind == "regression" and ours != theirs):
        raise PredictionsError(
            _("The model was trained for other labels of '{task}' than the corpus has; train it anew.",
              task=ours.task)
        )  # fmt: skip
    if new:
        raise PredictionsError(
            _("The model does not know these labels of '{task}': {new}; it knows {known}. Map them in "
              "'data.table.names', or train it anew.",
              task=ours.task, new=", ".join(new), known=", ".join(ours.names))
        )  # fmt: skip
