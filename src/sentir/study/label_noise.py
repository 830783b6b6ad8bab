"""Train utterances whose labels are doubtful, found by models that did not learn from them."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.corpus.corpus import Corpus
from sentir.evaluation.analysis import confusions
from sentir.evaluation.analysis.confusions import LabelNoiseCandidate
from sentir.recipe import Recipe
from sentir.study.candidates import TrainedModel, cached_cross_predict
from sentir.study.stages import Stages

DEFAULT_FOLDS = (
    5  # of the finalist, where the recipe asks for doubtful labels and nobody stacked on a model of the task
)


def find_label_noise_candidates(
    stages: Stages, corpus: Corpus, recipe: Recipe, task: str, ranked: Sequence[TrainedModel]
) -> tuple[LabelNoiseCandidate, ...] | None:
    """Return the train utterances with doubtful labels, the most doubtful first.

    They come from out-of-fold predictions: those that a candidate stacks on, if they are of this task; else those
    of the finalist, where ``study.label_noise`` asks for them.

    Args:
        stages: where out-of-fold predictions are kept.
        corpus: of the study.
        recipe: of the study.
        task: whose labels.
        ranked: the candidates, best first.

    Returns:
        The utterances; ``None`` if there are no out-of-fold predictions.
    """
    source = _stacked_model(task, ranked) or (
        (_first_seed_recipe(ranked[0]), DEFAULT_FOLDS) if recipe.study.label_noise else None
    )
    if source is None:
        return None
    gold = {u.id: u.labels[task] for u in corpus.train if task in u.labels}
    return confusions.find_label_noise_candidates(
        corpus, cached_cross_predict(stages, source[0], corpus, source[1]).predictions, gold
    )


def _stacked_model(task: str, ranked: Sequence[TrainedModel]) -> tuple[Recipe, int] | None:
    """Return the best candidate's model to stack on that is of this task, with its folds."""
    for entrant in ranked:
        recipe = _first_seed_recipe(entrant)
        inner = recipe.stacked_recipe()
        if inner is not None and recipe.model.stacked is not None and inner.data.task == task:
            return inner, recipe.model.stacked.folds
    return None


def _first_seed_recipe(model: TrainedModel) -> Recipe:
    return model.recipe.override({"name": model.name, "train": {"seed": model.seeds[0]}})
