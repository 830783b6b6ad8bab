"""The models of a cross-validation: those of all folds pooled to one, and the one that each fold selects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sentir.display_names import SELECTED_IN_EACH_FOLD
from sentir.evaluation.metrics import get_metric
from sentir.evaluation.results import ModelScores
from sentir.study.attached_audio import AttachedAudio
from sentir.study.candidates import TrainedModel, is_trained
from sentir.study.families import stacked_recipes
from sentir.study.plan import Candidate
from sentir.study.stacking import embed_splits
from sentir.study.stages import Stages


def embed_folds(
    stages: Stages, pooled: AttachedAudio, parts: Sequence[AttachedAudio], candidates: Sequence[Candidate]
) -> None:
    """Cache the embeddings of frozen encoders for all folds at once, where a training is not finished.

    Embedded fold by fold, in other batches, they would differ in their last digits, by the fold that comes first.

    Args:
        stages: of the study.
        pooled: the corpus with all utterances.
        parts: the corpora of the folds.
        candidates: to be trained on each of them.
    """
    for candidate in candidates if len(parts) > 1 else ():
        if not all(is_trained(stages, part, candidate) for part in parts):
            for recipe in stacked_recipes(candidate.recipe):
                embed_splits(pooled.for_model(recipe.model), recipe)


def pool_models(name: str, models: Sequence[TrainedModel]) -> TrainedModel:
    """Return the models of all folds as one, whose predictions are those of each fold; of one, itself.

    Args:
        name: of the pooled model.
        models: one per fold, in the order of the folds.
    """
    if len(models) == 1:
        return models[0]
    candidates = [model for model in models if model.role == "candidate"]
    first = candidates[0] if candidates else models[0]
    folders = tuple(folder for model in models for folder in model.stage_folders)
    pooled = replace(first, name=name, stage_folders=folders, parts=tuple(models))
    dev = pooled.predictions_on("dev")
    has_test = all(model.test_predictions for model in models)
    return replace(
        pooled,
        dev_predictions=dev.predictions,
        thresholds=tuple(None if own is None else own.mean(axis=0) for own in dev.thresholds),
        test_predictions=pooled.predictions_on("test").predictions if has_test else (),
        calibrations=dev.calibrations,
    )


def select_model(models: Sequence[TrainedModel], scores: Sequence[ModelScores], metric: str) -> TrainedModel:
    """Return the model with the best score on dev; in a cross-validation, the best one of each fold on its dev.

    Of equal models the first one is selected. Folds that select different models are pooled to one.

    Args:
        models: in the order of preference.
        scores: of each model on dev.
        metric: the metric.
    """
    sign = get_metric(metric).sign
    if not scores[0].folds:
        return models[int(np.argmax([sign * row.metrics[metric].value for row in scores]))]
    best = [
        models[int(np.argmax([sign * row.folds[n].metrics[metric] for row in scores]))]
        for n in range(len(scores[0].folds))
    ]
    if len({model.name for model in best}) == 1:
        return best[0]
    return pool_models(SELECTED_IN_EACH_FOLD, [model.parts[n] for n, model in enumerate(best)])
