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
from sentir.evaluation.folds import pool_calibrations, pool_predictions, pool_thresholds
from sentir.evaluation.scorer import ModelPredictions
from sentir.preprocessing.kinds import (
    input_modalities,
    required_mel_kind,
)
from sentir.recipe import Recipe, flatten_settings
from sentir.recognizer.model_checks import check_weights
from sentir.recognizer.needed_plugins import list_needed_plugins
from sentir.recognizer.recognizer import Recognizer
from sentir.recognizer.saved_facts import SavedTask, read_saved_model
from sentir.study.attached_audio import AttachedAudio
from sentir.study.baseline_model import BaselineModel
from sentir.study.baselines import baseline_modalities, fit_baseline, predict_fitted_baseline
from sentir.study.ensemble import Ensemble, is_ensemble, load_saved_model
from sentir.study.families import modality_family, model_notes, name_family, stacked_recipes
from sentir.study.plan import Candidate
from sentir.study.saved_ensemble import read_saved_ensemble
from sentir.study.stacking import CrossPredictions, cross_predict, train_recognizer
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
        parts: the models of each fold of a cross-validation, whose predictions it pools; empty without one.
        members: the models that it averages; see `sentir.study.averaging`.
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
    parts: tuple[TrainedModel, ...] = ()
    members: tuple[TrainedModel, ...] = ()

    @property
    def modalities(self) -> frozenset[str]:
        """The modalities that it uses: ``text``, ``audio`` or both."""
        if self.members:
            return frozenset().union(*(member.modalities for member in self.members))
        if self.role == "baseline":
            return baseline_modalities(self.name)
        return input_modalities(self.recipe.model)

    @property
    def family(self) -> str:
        """The modalities that it uses; see `modality_family`. Empty for a baseline."""
        if self.members:
            return name_family(self.modalities)
        return "" if self.role == "baseline" else modality_family(self.recipe.model)

    @property
    def normalizes_speakers(self) -> bool:
        """Whether it, a model that it averages, or that of a fold has speaker normalization."""
        if several := self.parts or self.members:
            return any(model.normalizes_speakers for model in several)
        return self.role == "candidate" and self.recipe.model.speaker_normalization

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks that are shown with its scores; see `model_notes`."""
        if self.members:
            return tuple(dict.fromkeys(note for member in self.members for note in member.notes))
        return () if self.role == "baseline" else model_notes(self.recipe)

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings, flattened, to compare candidates by."""
        if self.members:
            return {"average": [member.name for member in self.members]}
        return flatten_settings(self.recipe.to_dict())

    def predictions_on(self, split: str) -> ModelPredictions:
        """Return its predictions for ``dev`` or ``test``, as `sentir.evaluation.scorer.Scorer` takes them."""
        if self.parts:
            return _pool_parts(self, [part.predictions_on(split) for part in self.parts])
        predictions = self.test_predictions if split == "test" else self.dev_predictions
        return ModelPredictions(
            self.name, predictions, self.thresholds, self.calibrations, self.notes, self.family
        )


def _pool_parts(model: TrainedModel, parts: Sequence[ModelPredictions]) -> ModelPredictions:
    thresholds = pool_thresholds([p.thresholds for p in parts], [len(p.predictions[0]) for p in parts])
    return ModelPredictions(
        model.name,
        pool_predictions([part.predictions for part in parts]),
        thresholds,
        pool_calibrations([part.calibrations for part in parts]),
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        model.family,
        tuple(part.name for part in parts),
    )


def train_candidate(stages: Stages, corpus: Corpus, candidate: Candidate) -> TrainedModel:
    """Train a candidate with each of its seeds, or load it from the cached stages."""
    folders = tuple(produce_training(stages, corpus, candidate.with_seed(seed)) for seed in candidate.seeds)
    dev = tuple(load_predictions(folder, "dev") for folder in folders)
    thresholds = tuple(tune_dev_thresholds(corpus, candidate.recipe.data.task, p) for p in dev)
    return TrainedModel(
        candidate.name, "candidate", candidate.recipe, candidate.seeds, folders, dev, thresholds,
        calibrations=tuple(map(load_calibration, folders)),
    )  # fmt: skip


def check_pretrained_weights(stages: Stages, audio: AttachedAudio, candidates: Sequence[Candidate]) -> None:
    """Find or download the weights for unfinished trainings; finished ones need none.

    Raises:
        SentirError: if weights can neither be found nor downloaded.
    """
    for candidate in candidates:
        if not is_trained(stages, audio, candidate):
            for recipe in stacked_recipes(candidate.recipe):
                check_weights(recipe.model)


def is_trained(stages: Stages, audio: AttachedAudio, candidate: Candidate) -> bool:
    """Whether a candidate has been trained with each of its seeds."""
    corpus = audio.for_model(candidate.recipe.model)
    keys = [training_cache_key(candidate.with_seed(seed), corpus) for seed in candidate.seeds]
    return all(stages.path(TRAINING, key).is_dir() for key in keys)


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
    dev, *test = (load_predictions(folder, split) for split in splits)
    thresholds = tune_dev_thresholds(corpus, recipe.data.task, dev)
    return TrainedModel(name, "baseline", recipe, (0,), (folder,), (dev,), (thresholds,), tuple(test))


def with_test_predictions(stages: Stages, corpus: Corpus, model: TrainedModel) -> TrainedModel:
    """Return the model with its predictions for test, which need no labels and are no evaluation."""
    if model.test_predictions:
        return model

    def predict(trained: Path) -> Predictions:
        def produce(folder: Path) -> None:
            load_model(trained).predict_utterances(corpus.test).save(folder / "test.parquet")

        return load_predictions(stages.run("predict", {"trained": trained.name}, produce), "test")

    return replace(model, test_predictions=tuple(predict(folder) for folder in model.stage_folders))


def produce_training(stages: Stages, corpus: Corpus, recipe: Recipe) -> Path:
    """Train a candidate with one seed, or find its cached stage; return its folder."""
    produce = partial(_train_into, stages, corpus, recipe)
    return stages.run(TRAINING, training_cache_key(recipe, corpus), produce)


def train_if_free(stages: Stages, corpus: Corpus, recipe: Recipe) -> None:
    """Train a candidate with one seed, unless it is trained, or another run is training it."""
    produce = partial(_train_into, stages, corpus, recipe)
    stages.run_if_free(TRAINING, training_cache_key(recipe, corpus), produce)


def _train_into(stages: Stages, corpus: Corpus, recipe: Recipe, folder: Path) -> None:
    recognizer, dev = train_recognizer(recipe, corpus, cross_predictor=partial(cached_cross_predict, stages))
    dev.save(folder / "dev.parquet")
    recognizer.save_pretrained(folder / "model", skip_frozen_weights=True)


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
    """Return the facts of a stage's model: ``dev_score``, and of a training ``history`` and more."""
    return _read_saved(folder)[1]


def load_calibration(folder: Path) -> Calibration | None:
    """Return the calibration of a stage's model."""
    return _read_saved(folder)[0].calibration


def _read_saved(folder: Path) -> tuple[SavedTask, dict[str, Any]]:
    with stage_read_errors(folder):
        return (read_saved_ensemble if is_ensemble(folder / "model") else read_saved_model)(folder / "model")


def load_model(folder: Path) -> Recognizer | BaselineModel | Ensemble:
    """Return the model of a stage.

    Raises:
        SentirError: if the stage is damaged; the message says which folder to delete.
    """
    with stage_read_errors(folder):
        return load_saved_model(folder / "model")


def load_predictions(folder: Path, split: str) -> Predictions:
    """Return the predictions of a stage for ``dev`` or ``test``."""
    with stage_read_errors(folder):
        return Predictions.load(folder / f"{split}.parquet")
