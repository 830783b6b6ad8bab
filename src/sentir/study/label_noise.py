"""Label-noise candidates: train utterances whose labels out-of-fold predictions contradict."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.corpus.corpus import Corpus
from sentir.evaluation.analysis import confusions
from sentir.evaluation.analysis.confusions import LabelNoiseCandidate
from sentir.recipe import Recipe
from sentir.study.candidates import TrainedModel, cached_cross_predict
from sentir.study.stages import Stages

DEFAULT_FOLDS = 5  # of the best candidate, if no candidate stacks on a model of the task


def find_label_noise_candidates(
    stages: Stages, corpus: Corpus, recipe: Recipe, task: str, ranked: Sequence[TrainedModel]
) -> tuple[LabelNoiseCandidate, ...] | None:
    """Return the label-noise candidates of a task, the most confidently contradicted first.

    The out-of-fold predictions are those that a candidate stacks on, if they are of this task; else those of the
    best candidate, if ``study.label_noise`` is set.

    Args:
        stages: cache of out-of-fold predictions.
        corpus: corpus of the study.
        recipe: recipe of the study.
        task: the task.
        ranked: candidates, best first.

    Returns:
        The candidates; ``None`` in a cross-validation, and without out-of-fold predictions.
    """
    if corpus.folds:
        return None
    ranked = [model for model in ranked if not model.members]
    source = _stacked_model(task, ranked)
    if source is None and recipe.study.label_noise:
        source = _first_seed_recipe(ranked[0]), DEFAULT_FOLDS
    if source is None:
        return None
    labels = {u.id: u.labels[task] for u in corpus.train if task in u.labels}
    predictions = cached_cross_predict(stages, source[0], corpus, source[1]).predictions
    return confusions.find_label_noise_candidates(corpus, predictions, labels)


def _stacked_model(task: str, ranked: Sequence[TrainedModel]) -> tuple[Recipe, int] | None:
    """Return a model of this task that a candidate stacks on, best candidate first, and its number of folds."""
    for model in ranked:
        recipe = _first_seed_recipe(model)
        inner = recipe.stacked_recipe()
        if inner is not None and recipe.model.stacked is not None and inner.data.task == task:
            return inner, recipe.model.stacked.folds
    return None


def _first_seed_recipe(model: TrainedModel) -> Recipe:
    return model.recipe.override({"name": model.name, "train": {"seed": model.seeds[0]}})
