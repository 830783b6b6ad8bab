"""What competes in a study: trained candidates and baselines, each with its dev predictions, by stage."""

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

from sentir.audio.store import listen
from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Predictions
from sentir.evaluation.calibration.fitting import Calibration
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.preprocessing.kinds import check_weights, heard, lives_on, random_parts
from sentir.recipe import Recipe
from sentir.recognizer.recognizer import Recognizer
from sentir.recognizer.saved_facts import read_saved
from sentir.study.baseline_model import Simple
from sentir.study.baselines import answers, fit_baseline
from sentir.study.plan import Candidate
from sentir.study.stacking import Crossed, chain, cross_predict, train_recognizer
from sentir.study.stages import Stages, reading


@dataclass(frozen=True)
class Entrant:
    """One competitor in one task.

    Attributes:
        role: ``baseline`` or ``candidate``.
        seeds: of its trainings; a baseline has one.
        folders: the stage of each seed.
        dev: predictions for dev, one per seed.
        thresholds: per seed, chosen on dev; ``None`` for one label.
        test: blind predictions for test, one per seed, once they are made.
        calibrations: per seed, as it was fitted on dev; ``None`` without one.
    """

    name: str
    role: str
    recipe: Recipe
    seeds: tuple[int, ...]
    folders: tuple[Path, ...]
    dev: tuple[Predictions, ...]
    thresholds: tuple[NDArray[np.float64] | None, ...]
    test: tuple[Predictions, ...] = ()
    calibrations: tuple[Calibration | None, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know about it and about the models that it stacks on."""
        models = [] if self.role == "baseline" else [own.model for own in chain(self.recipe)]
        return tuple(dict.fromkeys(note for model in models for note in random_parts(model)))

    @property
    def family(self) -> str:
        """What it lives on: text, sound or both, with or without another model's probabilities."""
        if self.role == "baseline":
            return ""
        model = self.recipe.model
        names = sorted(lives_on(model), reverse=True)
        return "_".join([*names, *(["stacked"] if model.stacks else [])])


def enter_candidate(stages: Stages, corpus: Corpus, candidate: Candidate) -> Entrant:
    """Train a candidate with each of its seeds, or take it from its stages."""
    folders = tuple(_trained(stages, corpus, candidate.with_seed(seed)) for seed in candidate.seeds)
    dev = tuple(_predictions(folder, "dev") for folder in folders)
    cuts = tuple(dev_thresholds(corpus, candidate.recipe.data.task, p) for p in dev)
    return Entrant(
        candidate.name, "candidate", candidate.recipe, candidate.seeds, folders, dev, cuts,
        calibrations=tuple(map(_calibration, folders)),
    )  # fmt: skip


def check_needed_weights(stages: Stages, corpus: Corpus, candidates: Sequence[Candidate]) -> None:
    """Find or fetch the weights of trainings that are still to be done; those of finished ones are not needed.

    Raises:
        SentirError: if weights can neither be found nor fetched.
    """
    for candidate in candidates:
        if not all(_is_done(stages, corpus, candidate.with_seed(seed)) for seed in candidate.seeds):
            for own in chain(candidate.recipe):
                check_weights(own.model)


def _is_done(stages: Stages, corpus: Corpus, recipe: Recipe) -> bool:
    """Tell whether a training is done; without any stage nobody has to listen to the corpus to know."""
    return stages.folder.is_dir() and stages.path("train", training_key(recipe, corpus)).is_dir()


def enter_baseline(stages: Stages, corpus: Corpus, name: str, recipe: Recipe, metric: str) -> Entrant:
    """Fit a baseline, or take it from its stage."""
    splits = [split for split in ("dev", "test") if corpus.split(split)]

    def produce(folder: Path) -> None:
        fitted, space = fit_baseline(name, recipe, corpus, metric), corpus.space(recipe.data.task)
        found = {split: answers(name, fitted, space, corpus.split(split)) for split in splits}
        for split, said in found.items():
            said.save(folder / f"{split}.parquet")
        cuts = dev_thresholds(corpus, recipe.data.task, found["dev"])
        facts = {"corpus": corpus.name, "synthetic": corpus.synthetic, "fingerprint": corpus.fingerprint}
        Simple(name, recipe, space, fitted, cuts, facts).save_pretrained(folder / "model")

    key = {"name": name, "data": _data(recipe), "corpus": corpus.fingerprint, "metric": metric, "saved": True}
    if name == "acoustic":
        key["sound"] = sound_digest(corpus, "mel")
    folder = stages.run("baseline", key, produce)
    dev, *test = (_predictions(folder, split) for split in splits)
    cuts = dev_thresholds(corpus, recipe.data.task, dev)
    return Entrant(name, "baseline", recipe, (0,), (folder,), (dev,), (cuts,), tuple(test))


def with_test(stages: Stages, corpus: Corpus, entrant: Entrant) -> Entrant:
    """Return the entrant with its blind predictions for test, which need no label and open nothing."""
    if entrant.test:
        return entrant

    def predicted(trained: Path) -> Predictions:
        def produce(folder: Path) -> None:
            load_trained(trained).predict_utterances(corpus.test).save(folder / "test.parquet")

        return _predictions(stages.run("predict", {"trained": trained.name}, produce), "test")

    return replace(entrant, test=tuple(predicted(folder) for folder in entrant.folders))


def _trained(stages: Stages, corpus: Corpus, recipe: Recipe) -> Path:
    def produce(folder: Path) -> None:
        recognizer, dev = train_recognizer(recipe, corpus, cross=partial(crossed, stages))
        dev.save(folder / "dev.parquet")
        recognizer.save_pretrained(folder / "model", light=True)

    return stages.run("train", training_key(recipe, corpus), produce)


def crossed(stages: Stages, recipe: Recipe, corpus: Corpus, folds: int) -> Crossed:
    """Cross-predict, or take it from its stage; models that stack on the same one share it."""
    key = training_key(recipe, corpus) | {"folds": folds}
    folder = stages.run("cross", key, lambda folder: cross_predict(recipe, corpus, folds).save(folder))
    with reading(folder):
        return Crossed.load(folder)


def training_key(recipe: Recipe, corpus: Corpus) -> dict[str, Any]:
    """Return what one training depends on."""
    tree, kinds = recipe.tree(), {kind for own in chain(recipe) for kind in heard(own.model)}
    return {
        "data": _data(recipe),
        "model": tree["model"] if recipe.model.stacks else tree["model"] | {"stacked": None},
        "train": tree["train"],
        "metric": recipe.evaluation.metric,
        "corpus": corpus.fingerprint,
        "sound": "".join(sound_digest(corpus, kind) for kind in sorted(kinds)),
    }


def sound_digest(corpus: Corpus, kind: str) -> str:
    """Return a hash of what every clip of a corpus holds, which its fingerprint leaves out."""
    keys = [(u.id, u.sound.key if u.sound else "") for u in listen(corpus.utterances, kind=kind)]
    return hashlib.sha256(json.dumps(keys).encode()).hexdigest()[:16]


def _data(recipe: Recipe) -> dict[str, Any]:
    data = recipe.tree()["data"]
    return {key: data[key] for key in ("task", "cleaning", "min_train_words")}


def dev_thresholds(corpus: Corpus, task: str, dev: Predictions) -> NDArray[np.float64] | None:
    """Return the thresholds that predictions for dev teach; ``None`` for one label and for a number."""
    rows = [u for u in corpus.dev if task in u.labels]
    truth = dev.space.encode([u.labels[task] for u in rows])
    return tune_thresholds(dev.space, truth, dev.select(u.id for u in rows).probabilities)


def training_facts(folder: Path) -> dict[str, Any]:
    """Return what a training stage recorded: ``curve``, ``best_epoch``, ``dev_score`` and more."""
    with reading(folder):
        return read_saved(folder / "model")[1]


def _calibration(folder: Path) -> Calibration | None:
    with reading(folder):
        return read_saved(folder / "model")[0].calibration


def load_trained(folder: Path) -> Recognizer:
    """Return the recognizer of a training stage.

    Raises:
        SentirError: if the stage is damaged; the message says which folder to delete.
    """
    with reading(folder):
        return Recognizer.from_pretrained(folder / "model")


def _predictions(folder: Path, split: str) -> Predictions:
    with reading(folder):
        return Predictions.load(folder / f"{split}.parquet")
