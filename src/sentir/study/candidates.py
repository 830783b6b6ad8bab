"""The models of a study: trained candidates and baselines with their dev predictions, cached by stage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.store import attach_corpus_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Predictions
from sentir.evaluation.calibration.fitting import Calibration
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.scorer import ModelPredictions
from sentir.preprocessing.kinds import (
    input_modalities,
    randomly_initialized_parts,
    required_mel_kind,
)
from sentir.recipe import ModelSettings, Recipe
from sentir.recognizer.model_checks import check_weights
from sentir.recognizer.needed_plugins import list_needed_plugins
from sentir.recognizer.recognizer import Recognizer
from sentir.recognizer.saved_facts import read_saved_model
from sentir.study.attached_audio import AttachedAudio
from sentir.study.baseline_model import BaselineModel
from sentir.study.baselines import fit_baseline, predict_fitted_baseline
from sentir.study.plan import Candidate
from sentir.study.stacking import CrossPredictions, cross_predict, stacked_recipes, train_recognizer
from sentir.study.stages import Stages, stage_read_errors

TRAINING = "train"  # the kind of a training's stage


@dataclass(frozen=True)
class TrainedModel:
    """A model of a study in one task, trained with one or more seeds.

    Attributes:
        role: ``baseline`` or ``candidate``.
        seeds: seeds of its trainings; a baseline has one.
        stage_folders: the stage of each seed.
        dev_predictions: predictions for dev, one per seed.
        thresholds: one array per seed, tuned on dev; ``None`` unless the task is multi-label.
        test_predictions: predictions for test, made without its labels, one per seed; empty before they are made.
        calibrations: one per seed, fitted on dev; ``None`` without one.
    """

    name: str
    role: str
    recipe: Recipe
    seeds: tuple[int, ...]
    stage_folders: tuple[Path, ...]
    dev_predictions: tuple[Predictions, ...]
    thresholds: tuple[NDArray[np.float64] | None, ...]
    test_predictions: tuple[Predictions, ...] = ()
    calibrations: tuple[Calibration | None, ...] = ()

    @property
    def family(self) -> str:
        """The modalities that it uses; see `modality_family`. Empty for a baseline."""
        return "" if self.role == "baseline" else modality_family(self.recipe.model)

    def predictions_on(self, split: str) -> ModelPredictions:
        """Return its predictions for ``dev`` or ``test``, as `sentir.evaluation.scorer.Scorer` takes them."""
        predictions = self.test_predictions if split == "test" else self.dev_predictions
        notes = () if self.role == "baseline" else model_notes(self.recipe)
        return ModelPredictions(self.name, predictions, self.thresholds, self.calibrations, notes, self.family)


def model_notes(recipe: Recipe) -> tuple[str, ...]:
    """Return which parts of a model, and of the models that it stacks on, are randomly initialized."""
    models = [own.model for own in stacked_recipes(recipe)]
    return tuple(dict.fromkeys(note for model in models for note in randomly_initialized_parts(model)))


def modality_family(model: ModelSettings) -> str:
    """Return the modalities that a model uses, such as ``text_audio``; ``_stacked`` if it also stacks."""
    names = sorted(input_modalities(model), reverse=True)
    return "_".join([*names, *(["stacked"] if model.uses_stacking else [])])


def train_candidate(stages: Stages, corpus: Corpus, candidate: Candidate) -> TrainedModel:
    """Train a candidate with each of its seeds, or load it from the cached stages."""
    folders = tuple(produce_training(stages, corpus, candidate.with_seed(seed)) for seed in candidate.seeds)
    dev = tuple(_load_predictions(folder, "dev") for folder in folders)
    thresholds = tuple(tune_dev_thresholds(corpus, candidate.recipe.data.task, p) for p in dev)
    return TrainedModel(
        candidate.name, "candidate", candidate.recipe, candidate.seeds, folders, dev, thresholds,
        calibrations=tuple(map(_load_calibration, folders)),
    )  # fmt: skip


def check_pretrained_weights(stages: Stages, audio: AttachedAudio, candidates: Sequence[Candidate]) -> None:
    """Find or download the weights for unfinished trainings; finished ones need none.

    Raises:
        SentirError: if weights can neither be found nor downloaded.
    """
    for candidate in candidates:
        corpus = audio.for_model(candidate.recipe.model)
        if not all(_is_trained(stages, corpus, candidate.with_seed(seed)) for seed in candidate.seeds):
            for recipe in stacked_recipes(candidate.recipe):
                check_weights(recipe.model)


def _is_trained(stages: Stages, corpus: Corpus, recipe: Recipe) -> bool:
    return stages.path(TRAINING, training_cache_key(recipe, corpus)).is_dir()


def train_baseline(stages: Stages, corpus: Corpus, name: str, recipe: Recipe, metric: str) -> TrainedModel:
    """Fit a baseline, or load it from its cached stage."""
    splits = [split for split in ("dev", "test") if corpus.split(split)]

    def produce(folder: Path) -> None:
        fitted, space = fit_baseline(name, recipe, corpus, metric), corpus.label_space(recipe.data.task)
        predictions = {
            split: predict_fitted_baseline(name, fitted, space, corpus.split(split)) for split in splits
        }
        for split, one in predictions.items():
            one.save(folder / f"{split}.parquet")
        thresholds = tune_dev_thresholds(corpus, recipe.data.task, predictions["dev"])
        facts = {
            "corpus": corpus.name,
            "synthetic": corpus.synthetic,
            "fingerprint": corpus.fingerprint,
            "plugins": list_needed_plugins(recipe),
        }
        BaselineModel(name, recipe, space, fitted, thresholds, facts).save_pretrained(folder / "model")

    key = {"name": name, "data": _data_key(recipe), "corpus": corpus.fingerprint, "metric": metric, "saved": True}
    if name == "acoustic":
        key["audio"] = audio_digest(corpus)
    folder = stages.run("baseline", key, produce)
    dev, *test = (_load_predictions(folder, split) for split in splits)
    thresholds = tune_dev_thresholds(corpus, recipe.data.task, dev)
    return TrainedModel(name, "baseline", recipe, (0,), (folder,), (dev,), (thresholds,), tuple(test))


def with_test_predictions(stages: Stages, corpus: Corpus, model: TrainedModel) -> TrainedModel:
    """Return the model with its predictions for test, which need no labels and are no evaluation."""
    if model.test_predictions:
        return model

    def predict(trained: Path) -> Predictions:
        def produce(folder: Path) -> None:
            load_recognizer(trained).predict_utterances(corpus.test).save(folder / "test.parquet")

        return _load_predictions(stages.run("predict", {"trained": trained.name}, produce), "test")

    return replace(model, test_predictions=tuple(predict(folder) for folder in model.stage_folders))


def produce_training(stages: Stages, corpus: Corpus, recipe: Recipe) -> Path:
    """Train a candidate with one seed, or find its cached stage; return its folder."""

    def produce(folder: Path) -> None:
        recognizer, dev = train_recognizer(recipe, corpus, cross_predictor=partial(cached_cross_predict, stages))
        dev.save(folder / "dev.parquet")
        recognizer.save_pretrained(folder / "model", skip_frozen_weights=True)

    return stages.run(TRAINING, training_cache_key(recipe, corpus), produce)


def cached_cross_predict(stages: Stages, recipe: Recipe, corpus: Corpus, folds: int) -> CrossPredictions:
    """Cross-predict, or load it from its cached stage; models that stack on the same one share it."""
    key = training_cache_key(recipe, corpus) | {"folds": folds}

    def produce(folder: Path) -> None:
        cross_predict(recipe, corpus, folds, submit=stages.submit).save(folder)

    folder = stages.run("cross", key, produce)
    with stage_read_errors(folder):
        return CrossPredictions.load(folder)


def training_cache_key(recipe: Recipe, corpus: Corpus) -> dict[str, Any]:
    """Return everything that a training depends on."""
    tree = recipe.to_dict()
    plugins = [plugin for one in stacked_recipes(recipe) for plugin in list_needed_plugins(one)]
    mel_kinds = {required_mel_kind(one.model) for one in stacked_recipes(recipe)} - {""}
    return {
        "data": _data_key(recipe),
        "model": tree["model"] if recipe.model.uses_stacking else tree["model"] | {"stacked": None},
        "train": tree["train"],
        "metric": recipe.evaluation.metric,
        "corpus": corpus.fingerprint,
        "audio": "".join(audio_digest(attach_corpus_audio(corpus, mel_kind=kind)) for kind in sorted(mel_kinds)),
        **({"plugins": plugins} if plugins else {}),
    }


def audio_digest(corpus: Corpus) -> str:
    """Return a hash of the audio attached to a corpus, which its fingerprint does not include."""
    keys = [(u.id, u.audio.key if u.audio else "") for u in corpus]
    return hashlib.sha256(json.dumps(keys).encode()).hexdigest()[:16]


def _data_key(recipe: Recipe) -> dict[str, Any]:
    data = recipe.to_dict()["data"]
    return {key: data[key] for key in ("task", "cleaning", "min_train_words")}


def tune_dev_thresholds(corpus: Corpus, task: str, dev: Predictions) -> NDArray[np.float64] | None:
    """Return the thresholds tuned on predictions for dev; ``None`` unless the task is multi-label."""
    rows = [u for u in corpus.dev if task in u.labels]
    truth = dev.label_space.encode([u.labels[task] for u in rows])
    return tune_thresholds(dev.label_space, truth, dev.select(u.id for u in rows).probabilities)


def load_training_facts(folder: Path) -> dict[str, Any]:
    """Return the facts of a training stage: ``history``, ``best_epoch``, ``dev_score`` and more."""
    with stage_read_errors(folder):
        return read_saved_model(folder / "model")[1]


def _load_calibration(folder: Path) -> Calibration | None:
    with stage_read_errors(folder):
        return read_saved_model(folder / "model")[0].calibration


def load_recognizer(folder: Path) -> Recognizer:
    """Return the recognizer of a training stage.

    Raises:
        SentirError: if the stage is damaged; the message says which folder to delete.
    """
    with stage_read_errors(folder):
        return Recognizer.from_pretrained(folder / "model")


def _load_predictions(folder: Path, split: str) -> Predictions:
    with stage_read_errors(folder):
        return Predictions.load(folder / f"{split}.parquet")
