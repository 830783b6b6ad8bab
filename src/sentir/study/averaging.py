"""Candidates that average other models of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.evaluation.calibration.ensemble_weights import cross_fit_weights, fit_weights
from sentir.evaluation.clusters import assign_clusters
from sentir.evaluation.metrics import compute_score, get_metric
from sentir.recipe import EvaluationSettings
from sentir.recognizer.card import summarize_data
from sentir.recognizer.tasks import Task
from sentir.recognizer.versions import package_versions
from sentir.study.candidates import (
    TrainedModel,
    load_calibration,
    load_predictions,
    load_training_facts,
    tune_dev_thresholds,
)
from sentir.study.ensemble import Ensemble, Member, load_member
from sentir.study.plan import Average
from sentir.study.stages import Stages, stage_read_errors

_MERGED_FACTS = ("weights", "missing_modalities")  # of the trained members, by part and split


def average_models(
    stages: Stages, corpus: Corpus, average: Average, models: Mapping[str, TrainedModel], metric: str
) -> TrainedModel:
    """Average models of a study, or load the average from its cached stage.

    All seeds of a member are averaged, and share its weight equally. The average is calibrated on dev, as a
    training is. Weights that are fitted on dev are fitted there once more for each of five folds of whole
    dialogues: the predictions for dev that the study scores and calibrates on are those of the folds, whose
    weights have not seen their rows.

    Args:
        stages: of the study.
        corpus: of the study.
        average: what to average.
        models: name → trained candidate or baseline.
        metric: the selection metric of the task.
    """
    members = [models[name] for name in average.members]
    recipe = _choose_recipe(members).override({"name": average.name})
    key = {
        "name": average.name,
        "stages": [[folder.name for folder in member.stage_folders] for member in members],
        "weights": average.weights,
        "evaluation": recipe.to_dict()["evaluation"],
    }

    def produce(folder: Path) -> None:
        task, weights, dev = _fit_average(corpus, members, average.weights, recipe.evaluation)
        facts = _make_facts(corpus, members, weights, task, dev, metric) | {"fitted_weights": not average.weights}
        parts = _load_members(members, weights)
        ensemble = Ensemble(recipe, task.space, parts, task.thresholds, task.calibration, facts)
        dev.save(folder / "dev.parquet")
        ensemble.save_pretrained(folder / "model", skip_frozen_weights=True)

    folder = stages.run("average", key, produce)
    dev = load_predictions(folder, "dev")
    return TrainedModel(
        average.name, "candidate", recipe, (members[0].seeds[0],), (folder,), (dev,),
        (tune_dev_thresholds(corpus, recipe.data.task, dev),),
        calibrations=(load_calibration(folder),), members=tuple(members),
    )  # fmt: skip


def _choose_recipe(members: Sequence[TrainedModel]) -> Any:
    trained = [member for member in members if member.role == "candidate"]
    return next((one for one in trained if "audio" in one.modalities), trained[0]).recipe


def _fit_average(
    corpus: Corpus,
    members: Sequence[TrainedModel],
    weights: tuple[float, ...] | None,
    evaluation: EvaluationSettings,
) -> tuple[Task, tuple[float, ...], Predictions]:
    """Return the calibrated task of an average, the weight of each member, and the predictions for dev."""
    seeds = [_average_seeds(member) for member in members]
    space, task = seeds[0].label_space, seeds[0].label_space.task
    labels = {u.id: u.labels[task] for u in corpus.dev if task in u.labels}
    groups = assign_clusters(corpus, "dev", evaluation.cluster)
    if weights is not None:
        averaged = Predictions.average_logits(seeds, weights)
    else:
        ids, keys = tuple(labels), [groups[key] or key for key in labels]
        truth, logits = space.encode_targets(labels.values()), _stack_logits(space, seeds, ids)
        weights = fit_weights(space, truth, logits)
        averaged = Predictions.average_logits(seeds, weights)  # of utterances without a label
        rows = {key: n for n, key in enumerate(averaged.ids)}
        p = averaged.probabilities.copy()
        for mask, of_others in cross_fit_weights(space, truth, logits, keys):
            held_out = space.probabilities(np.tensordot(of_others, logits[:, mask], axes=1))
            p[[rows[key] for key, is_held_out in zip(ids, mask, strict=True) if is_held_out]] = held_out
        averaged = Predictions(averaged.ids, p, space, averaged.source)
    fitted, dev = Task.calibrate(averaged, labels, groups)
    return fitted, weights, dev


def _average_seeds(member: TrainedModel) -> Predictions:
    count = len(member.dev_predictions)
    return Predictions.average_logits(member.dev_predictions, (1 / count,) * count, {"model": member.name})


def _stack_logits(space: LabelSpace, predictions: Sequence[Predictions], ids: Sequence[str]) -> Any:
    return np.stack([space.logits(one.select(ids).probabilities) for one in predictions])


def _load_members(members: Sequence[TrainedModel], weights: Sequence[float]) -> tuple[Member, ...]:
    parts = []
    for name, weight, folder, _member, _seed in _list_trainings(members, weights):
        with stage_read_errors(folder):
            parts.append(Member(name, weight, load_member(folder / "model")))
    return tuple(parts)


def _list_trainings(
    members: Sequence[TrainedModel], weights: Sequence[float]
) -> list[tuple[str, float, Path, TrainedModel, int]]:
    """Return name, weight, stage, model and seed of every training that is averaged."""
    return [
        (
            member.name if len(member.seeds) == 1 else f"{member.name}, {seed}",
            weight / len(member.seeds),
            folder,
            member,
            seed,
        )
        for member, weight in zip(members, weights, strict=True)
        for seed, folder in zip(member.seeds, member.stage_folders, strict=True)
    ]


def _make_facts(
    corpus: Corpus,
    members: Sequence[TrainedModel],
    weights: Sequence[float],
    task: Task,
    dev: Predictions,
    metric: str,
) -> dict[str, Any]:
    labels = {u.id: u.labels[task.space.task] for u in corpus.dev if task.space.task in u.labels}
    truth, p = task.space.encode(labels.values()), dev.select(labels).probabilities
    trained = [member for member in members if member.role == "candidate"]
    own = [load_training_facts(folder) for member in trained for folder in member.stage_folders]
    merged = {key: {k: v for facts in own for k, v in facts.get(key, {}).items()} for key in _MERGED_FACTS}
    plugins = [plugin for facts in own for plugin in facts.get("plugins", [])]
    return {
        "corpus": corpus.name,
        "synthetic": corpus.synthetic,
        "fingerprint": corpus.fingerprint,
        "language": own[0].get("language"),
        "dev_score": get_metric(metric).sign * compute_score(task.space, metric, truth, p, task.thresholds),
        "calibration": task.calibration.method if task.calibration else "",
        "data": summarize_data(corpus, task.space.task),
        "members": [
            {
                "name": name,
                "weight": weight,
                "model": member.name if member.role == "baseline" else member.recipe.model.kind,
                "seed": None if member.role == "baseline" else seed,
            }
            for name, weight, _folder, member, seed in _list_trainings(members, weights)
        ],
        "modalities": sorted(frozenset().union(*(member.modalities for member in members))),
        "randomly_initialized": list(dict.fromkeys(note for member in members for note in member.notes)),
        "plugins": [plugin for n, plugin in enumerate(plugins) if plugin not in plugins[:n]],
        "versions": package_versions(),
        **merged,
    }
