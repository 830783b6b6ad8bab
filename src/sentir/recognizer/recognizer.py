"""`Recognizer`: the one thing a user holds. Fitted, saved as one folder, loaded, asked.

The folder::

    sentir.json         recipe, label space, calibration, thresholds, scaler, mel levels, facts of the training;
                        for other tasks their own
    model.safetensors   everything that was learned, but for these encoders
    stacked/            the recognizer whose probabilities are among its features, if there is one
    encoder/            the text encoder, if it reads, with its tokenizer, as transformers saves them
    speech/             the speech encoder, if it hears waves, with its feature extractor

With its model card, README.md, and in Spanish README.es.md. A *light* folder has none, leaves the weights of a
frozen encoder out and names them by hash; loading it needs them at hand.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

from sentir.atomic_folders import current, files_below, replacing_files
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import RecognizerError, WeightsError
from sentir.evaluation.calibration.fitting import Calibration
from sentir.i18n import _
from sentir.models.text_backbones import foreign
from sentir.models.text_encoder import best_device
from sentir.paths import Place
from sentir.preflight import FACTS
from sentir.preprocessing.kinds import MODELS
from sentir.preprocessing.preprocessor import Preparer
from sentir.progress import warn
from sentir.recipe import Recipe
from sentir.recognizer.card import data_facts, save_cards
from sentir.recognizer.inference import predict_tasks
from sentir.recognizer.prediction_mixin import Answering
from sentir.recognizer.saved_facts import FORMAT, read_saved
from sentir.recognizer.saving import (
    STACKED,
    built_by,
    encoder_digests,
    load_network,
    load_preparer,
    open_like,
    owned_files,
    save_encoders,
    save_learned,
)
from sentir.recognizer.tasks import Task, outputs
from sentir.repr_mixin import Brief
from sentir.safe_text import json_text
from sentir.training.fitting import fit
from sentir.training.trainer import OnEpoch
from sentir.training.warm_start import Start, corpus_from, recipe_from

_TRIES = 5  # to load while other processes save
_SEEN = 0.01  # share of train that lacked something, from which on a model has learned to do without it


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    names = ("sentir", "torch", "transformers", "scikit-learn", "numpy")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}


@dataclass(repr=False)
class Recognizer(Answering, Brief):
    """A trained model with everything between an utterance and its labels.

    Attributes:
        recipe: what it was trained by.
        space: its labels, in order.
        thresholds: ``(K,)`` chosen on dev, for several labels; ``None`` for one.
        facts: where it comes from: corpus, dev score, versions …; ``scores``: rows for its card.
        stacked: the recognizer whose probabilities are among its features, if there is one.
        calibration: fitted on dev; ``None`` where a number is recognized, or it was saved before there was one.
        also: the tasks that it recognizes beside its own.
    """

    recipe: Recipe
    space: LabelSpace
    preparer: Preparer
    model: nn.Module
    thresholds: NDArray[np.float64] | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    stacked: Recognizer | None = None
    calibration: Calibration | None = None
    also: tuple[Task, ...] = ()

    @classmethod
    def fit(
        cls,
        recipe: Recipe,
        corpus: Corpus,
        *,
        stacked: Recognizer | None = None,
        start: Recognizer | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> tuple[Recognizer, Predictions]:
        """Train by a recipe on a corpus, selecting on dev; the test split is not read.

        Args:
            recipe: of the model.
            corpus: for a model that stacks, with `sentir.study.stacking.cross_predict`'s probabilities attached.
            stacked: the model that these probabilities come from.
            start: a trained model to go on from, whose weights change: its network, preprocessing and labels take
                the place of the recipe's, whose data and training are new. Its facts say what it was trained on.
            on_epoch: told the point of every epoch; what it raises ends the training.

        Returns:
            The recognizer, and its predictions for dev.

        Raises:
            SentirError: if the corpus has no labels for the task, or names or weights cannot be used.
        """
        begin = None if start is None else start._start()
        if begin is not None:
            recipe, corpus = recipe_from(begin, recipe), corpus_from(begin, corpus)
        fitted = fit(recipe, corpus, start=begin, on_epoch=on_epoch)
        facts = {
            "corpus": corpus.name,
            "synthetic": corpus.synthetic,
            "fingerprint": corpus.fingerprint,
            "dev_score": fitted.training.score,
            "best_epoch": fitted.training.best_epoch,
            "curve": list(fitted.training.points),
            "speed": fitted.training.speed,
            "unusable": fitted.unusable,
            "cut": fitted.cut,
            "calibration": fitted.calibration.method if fitted.calibration else "",
            "weights": {part: source.to_dict() for part, source in fitted.sources.items()},
            "data": data_facts(corpus, recipe.data.task),
            "earlier": [] if start is None else start._history(),
            "versions": versions(),
        }
        fitted.model.to(best_device())
        parts = (fitted.space, fitted.preparer, fitted.model, fitted.thresholds)
        return cls(recipe, *parts, facts, stacked, fitted.calibration, fitted.also), fitted.dev

    @property
    def needs(self) -> frozenset[str]:
        """What of an utterance the model takes: ``text``, ``sound`` or both."""
        needs: frozenset[str] = MODELS.get(self.recipe.model.kind).needs
        return needs if self.stacked is None else needs | self.stacked.needs

    @property
    def tolerates(self) -> frozenset[str]:
        """What of its `needs` an utterance may lack: all that has been missing while the model learned."""
        below = self.stacked
        return frozenset(
            what
            for what in self.needs
            if self._does_without(what) and (below is None or what not in below.needs or what in below.tolerates)
        )

    def _does_without(self, what: str) -> bool:
        """Tell whether the network itself can do without ``text`` or ``sound``, or never needs it."""
        model = self.recipe.model
        needs: frozenset[str] = MODELS.get(model.kind).needs
        lacked, train = (self.facts.get(name, {}).get("train") for name in ("unusable", "data"))
        if what not in needs or lacked is None or train is None:  # it was not counted from the beginning
            return True
        if len(needs) > 1 and model.modality_dropout > 0:
            return True
        return int(lacked.get(what, 0)) >= max(1, _SEEN * train["utterances"])

    def warn_of_language(self, texts: Sequence[str | None]) -> None:
        """Warn where texts are not in a language of the text encoder."""
        if self.preparer.text is not None and (sentence := foreign(self.recipe.model.backbone, texts)):
            warn(sentence)

    def predict_utterances(self, utterances: Sequence[Utterance]) -> Predictions:
        """Predict N utterances; give whole dialogues, in order, to a model with context.

        Returns:
            Calibrated probabilities keyed by id; `labels` turns them into names with the recognizer's thresholds.
        """
        return self.predict_tasks(utterances)[self.space.task]

    def predict_tasks(self, utterances: Sequence[Utterance], *, tell: bool = True) -> dict[str, Predictions]:
        """Predict N utterances in every task of the model, its own first; see `predict_utterances`.

        Args:
            utterances: as `predict_utterances` takes them.
            tell: whether to say of how many only the beginning is read, which ``notes`` say of each.
        """
        source = {"model": self.recipe.name, "seed": str(self.recipe.train.seed)}
        notes: Mapping[str, tuple[str, ...]] = {}
        if self.stacked is not None:
            below = self.stacked.predict_utterances(utterances)
            utterances, notes = with_stacked(utterances, below), below.notes
        prepared = self.preparer.prepare(utterances)
        notes = {
            key: _once(notes.get(key, ()), prepared.notes.get(key, ())) for key in {**notes, **prepared.notes}
        }
        if tell and (text := self.preparer.text) is not None and (n := prepared.cut()):
            warn(_("{n} texts are longer than the {most} tokens that the model reads; it read their beginning.",
                  n=n, most=text.tokenizer.max_length))  # fmt: skip
        tasks = (Task(self.space, self.calibration, self.thresholds), *self.also)
        found = predict_tasks(self.model, prepared, [task.space for task in tasks], source=source)
        return {
            task.space.task: replace(task.apply(one), notes=notes) for task, one in zip(tasks, found, strict=True)
        }

    def labels(self, predictions: Predictions) -> dict[str, tuple[Label, ...]]:
        """Return id → label names or number, by the thresholds chosen on dev."""
        return predictions.labels(self.thresholds)

    def _brief(self) -> dict[str, object]:
        known = {key: self.facts[key] for key in ("corpus", "dev_score") if key in self.facts}
        return {"recipe": self.recipe.name, "kind": self.recipe.model.kind, **self.space.brief(), **known}

    def _start(self) -> Start:
        return Start(self.recipe, (self.space, *(task.space for task in self.also)), self.preparer, self.model)

    def _history(self) -> list[dict[str, Any]]:
        """Return what each training so far was on, the first one first."""
        kept = ("corpus", "synthetic", "fingerprint", "data")
        own = {"recipe": self.recipe.name, **{key: self.facts[key] for key in kept if key in self.facts}}
        return [*self.facts.get("earlier", []), own]

    def save_pretrained(self, folder: Place, *, light: bool = False) -> None:
        """Save as one folder without pickles.

        Args:
            folder: made if need be; files of an earlier save are replaced, all at once: whoever loads, after a
                kill too, finds the older model or the newer one. Nothing else in the folder is touched.
            light: leave out the weights of a frozen encoder (tens to hundreds of MB).

        Raises:
            RecognizerError: if the folder cannot be written.
        """
        try:
            with replacing_files(Path(folder), owned_files) as draft:
                self._write(draft, light)
        except (OSError, SafetensorError) as error:
            raise RecognizerError(
                _("The model cannot be saved to {folder} ({why}); make room there, or give another folder.",
                  folder=folder, why=error)
            ) from error  # fmt: skip

    def _write(self, folder: Path, light: bool) -> None:
        save_learned(self.model, folder)
        save_encoders(self.preparer, folder, light=light)
        sound, scaler = self.preparer.sound, self.preparer.scaler
        if self.stacked is not None:
            (folder / STACKED).mkdir()
            self.stacked._write(folder / STACKED, light)
        tree = {
            "format": FORMAT,
            "recipe": self.recipe.tree(),
            **Task(self.space, self.calibration, self.thresholds).to_dict(),
            "also": [task.to_dict() for task in self.also],
            "scaler": None if scaler is None else scaler.to_dict(),
            "mel_levels": None if sound is None else sound.levels.to_dict(),
            **encoder_digests(self.preparer),
            "facts": dict(self.facts),
        }
        if not light:
            save_cards(folder, self.recipe, self.space, self.facts)
        tree["files"] = [*files_below(folder), FACTS]
        (folder / FACTS).write_text(json_text(tree), encoding="utf-8")
        open_like(folder, folder / FACTS)

    @classmethod
    def from_pretrained(cls, folder: Place) -> Recognizer:
        """Load what `save_pretrained` wrote.

        Raises:
            RecognizerError: if the folder is not a saved recognizer, is damaged, or of another format.
            WeightsError: if a light folder's encoder is not at hand, or is another one.
            SentirError: if a plug-in of its recipe does not exist.
        """
        folder = Path(folder)
        for tries_left in reversed(range(_TRIES)):
            place, before = current(folder), _version(folder)
            try:
                found = cls._load(place)
            except (RecognizerError, WeightsError):
                if not tries_left or (place, before) == (current(folder), _version(folder)):
                    raise
            else:
                if before == _version(folder):
                    return found
        raise RecognizerError(
            _("The recognizer {folder} was saved again and again while it was loaded; try again.", folder=folder)
        )

    @classmethod
    def _load(cls, folder: Path) -> Recognizer:
        saved, facts = read_saved(folder)
        recipe, (own, *also) = saved.recipe, saved.tasks()
        with built_by(folder, recipe):
            preparer = load_preparer(folder, saved)
            model = load_network(folder, preparer, outputs([own.space, *(task.space for task in also)]))
        stacked = cls._load(folder / STACKED) if recipe.model.stacks else None
        model = model.to(best_device()).eval()
        parts = (own.space, preparer, model, own.thresholds)
        return cls(recipe, *parts, facts, stacked, own.calibration, tuple(also))


def _once(*notes: tuple[str, ...]) -> tuple[str, ...]:
    """Chain notes, each once."""
    return tuple(dict.fromkeys(chain(*notes)))


def with_stacked(utterances: Sequence[Utterance], predictions: Predictions) -> list[Utterance]:
    """Return the utterances with another model's probabilities in their ``stacked``, joined by id."""
    names = [f"{predictions.space.task}.{label}" for label in predictions.space.names]
    rows = predictions.select(u.id for u in utterances).probabilities.tolist()
    return [
        replace(u, stacked=dict(zip(names, row, strict=True))) for u, row in zip(utterances, rows, strict=True)
    ]


def _version(folder: Path) -> tuple[int, int] | None:
    """Return what tells one save into a folder from the next."""
    try:
        found = (current(folder) / FACTS).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
