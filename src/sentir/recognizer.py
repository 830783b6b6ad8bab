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

import json
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
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sentir.characters import json_text
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.types import Corpus, Utterance
from sentir.errors import CorpusError, RecipeError, RecognizerError, WeightsError
from sentir.evaluation.calibration import Calibration
from sentir.features.scaling import Scaler
from sentir.given import FACTS, require_model
from sentir.i18n import _
from sentir.models.encoders import best_device
from sentir.progress import say
from sentir.recipe import Recipe
from sentir.snapshots import current, files_below, replacing_files
from sentir.training.building import MODELS
from sentir.training.card import data_facts, save_cards
from sentir.training.continuing import Start, corpus_from, recipe_from
from sentir.training.fitting import fit
from sentir.training.inference import predict_tasks
from sentir.training.preparer import Preparer
from sentir.training.saving import (
    STACKED,
    WEIGHTS,
    encoder_digests,
    incomplete,
    load_preparer,
    owned_files,
    save_encoders,
)
from sentir.training.sound_input import MelLevels
from sentir.training.tasks import Task, outputs
from sentir.training.trainer import OnEpoch

FORMAT = 4
_UNCALIBRATED = 3  # the format before there was a calibration
_TRIES = 5  # to load while other processes save
_IN_ENCODERS = ("encoder.", "audio.encoder.")  # what begins the names of weights that have folders of their own


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    names = ("sentir", "torch", "transformers", "scikit-learn", "numpy")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}


@dataclass
class Recognizer:
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

    def predict(self, utterances: Sequence[Utterance]) -> Predictions:
        """Predict N utterances; give whole dialogues, in order, to a model with context.

        Returns:
            Calibrated probabilities keyed by id; `labels` turns them into names with the recognizer's thresholds.
        """
        return self.predict_tasks(utterances)[self.space.task]

    def predict_tasks(self, utterances: Sequence[Utterance]) -> dict[str, Predictions]:
        """Predict N utterances, as `predict` does, in every task that the model recognizes, its own first."""
        source = {"model": self.recipe.name, "seed": str(self.recipe.train.seed)}
        notes: Mapping[str, tuple[str, ...]] = {}
        if self.stacked is not None:
            below = self.stacked.predict(utterances)
            utterances, notes = with_stacked(utterances, below), below.notes
        prepared = self.preparer.prepare(utterances)
        notes = {
            key: _once(notes.get(key, ()), prepared.notes.get(key, ())) for key in {**notes, **prepared.notes}
        }
        if (text := self.preparer.text) is not None and (n := prepared.cut()):
            say(_("{n} texts are longer than the {most} tokens that the model reads; it read their beginning.",
                  n=n, most=text.tokenizer.max_length))  # fmt: skip
        tasks = (Task(self.space, self.calibration, self.thresholds), *self.also)
        found = predict_tasks(self.model, prepared, [task.space for task in tasks], source=source)
        return {
            task.space.task: replace(task.apply(one), notes=notes) for task, one in zip(tasks, found, strict=True)
        }

    def labels(self, predictions: Predictions) -> dict[str, tuple[Label, ...]]:
        """Return id → label names or number, by the thresholds chosen on dev."""
        return predictions.labels(self.thresholds)

    def _start(self) -> Start:
        return Start(self.recipe, (self.space, *(task.space for task in self.also)), self.preparer, self.model)

    def _history(self) -> list[dict[str, Any]]:
        """Return what each training so far was on, the first one first."""
        kept = ("corpus", "synthetic", "fingerprint", "data")
        own = {"recipe": self.recipe.name, **{key: self.facts[key] for key in kept if key in self.facts}}
        return [*self.facts.get("earlier", []), own]

    def save_pretrained(self, folder: Path, *, light: bool = False) -> None:
        """Save as one folder without pickles.

        Args:
            folder: made if need be; files of an earlier save are replaced, all at once: whoever loads, after a
                kill too, finds the older model or the newer one. Nothing else in the folder is touched.
            light: leave out the weights of a frozen encoder (tens to hundreds of MB).

        Raises:
            RecognizerError: if the folder cannot be written.
        """
        try:
            with replacing_files(folder, owned_files) as draft:
                self._write(draft, light)
        except (OSError, SafetensorError) as error:
            raise RecognizerError(
                _("The model cannot be saved to {folder} ({why}); make room there, or give another folder.",
                  folder=folder, why=error)
            ) from error  # fmt: skip

    def _write(self, folder: Path, light: bool) -> None:
        save_file(_learned(self.model), folder / WEIGHTS)
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

    @classmethod
    def from_pretrained(cls, folder: Path) -> Recognizer:
        """Load what `save_pretrained` wrote.

        Raises:
            RecognizerError: if the folder is not a saved recognizer, is damaged, or of another format.
            WeightsError: if a light folder's encoder is not at hand, or is another one.
            SentirError: if a plug-in of its recipe does not exist.
        """
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
        tree = _read_facts(folder)
        try:
            recipe = Recipe.parse(tree["recipe"], where=str(folder / FACTS))
            own, also = Task.from_dict(tree), tuple(Task.from_dict(task) for task in tree["also"])
            scaler = Scaler.from_dict(tree["scaler"]) if tree["scaler"] else None
            levels = MelLevels.from_dict(tree["mel_levels"]) if tree["mel_levels"] else None
            facts, digests = tree["facts"], {"speech_digest": "", "encoder_digest": tree["encoder_digest"]} | tree
        except (AttributeError, KeyError, TypeError, ValueError, CorpusError, RecipeError) as error:
            raise incomplete(folder, FACTS, error) from error
        preparer = load_preparer(folder, recipe, scaler, levels, digests, tree.get("files"))
        spaces = [task.space for task in (own, *also)]
        model = MODELS.get(recipe.model.kind).build(preparer, outputs(spaces), False)
        _load_learned(model, folder)
        stacked = cls._load(folder / STACKED) if recipe.model.stacks else None
        model = model.to(best_device()).eval()
        return cls(recipe, own.space, preparer, model, own.thresholds, facts, stacked, own.calibration, also)


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


def _learned(model: nn.Module) -> dict[str, Tensor]:
    state = model.state_dict()
    return {name: t.contiguous().cpu() for name, t in state.items() if not name.startswith(_IN_ENCODERS)}


def _load_learned(model: nn.Module, folder: Path) -> None:
    try:
        state = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise incomplete(folder, WEIGHTS, error) from error
    wanted = _learned(model)
    if {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in wanted.items()}:
        raise incomplete(folder, WEIGHTS, _("its tensors are not those of the recipe's model"))
    model.load_state_dict(state, strict=False)


def _read_facts(folder: Path) -> dict[str, Any]:
    require_model(folder)
    path = folder / FACTS
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise incomplete(folder, FACTS, error) from error
    if not isinstance(tree, dict) or tree.get("format") not in (_UNCALIBRATED, FORMAT):
        raise RecognizerError(
            _("{path} has format {found}, this version of Sentir reads {known}; update Sentir or train it again.",
              path=path, found=tree.get("format") if isinstance(tree, dict) else None, known=FORMAT)
        )  # fmt: skip
    return ({"calibration": None} if tree["format"] == _UNCALIBRATED else {}) | {"also": []} | tree
