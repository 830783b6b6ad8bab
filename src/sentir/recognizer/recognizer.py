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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

from sentir.atomic_folders import atomic_write_files, committed_folder, list_files
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import RecognizerError, WeightsError
from sentir.evaluation.calibration.fitting import Calibration
from sentir.i18n import _
from sentir.logs import logger
from sentir.models.device import get_best_device
from sentir.models.factory import MODELS
from sentir.models.text_backbones import check_language
from sentir.paths import PathLike
from sentir.preflight import METADATA_FILE
from sentir.preprocessing.preprocessor import Preprocessor
from sentir.recipe import Recipe
from sentir.recognizer.card import save_model_cards
from sentir.recognizer.encoders import Encoders
from sentir.recognizer.inference import predict_tasks
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.recognizer.saved_facts import FORMAT_VERSION, read_saved_model
from sentir.recognizer.saving import (
    STACKED_FOLDER,
    copy_permissions,
    encoder_digests,
    load_encoders,
    load_network,
    owned_files,
    report_damaged_recipe,
    save_encoders,
    save_network,
)
from sentir.recognizer.tasks import Task, output_names
from sentir.repr_mixin import ReprMixin
from sentir.safe_text import json_dumps

_LOAD_ATTEMPTS = 5  # to load while other processes save
_MIN_MISSING_SHARE = (
    0.01  # share of train that lacked something, from which on a model has learned to do without it
)


@dataclass(repr=False)
class Recognizer(PredictionMixin, ReprMixin):
    """A trained model with everything between an utterance and its labels.

    Attributes:
        recipe: what it was trained by.
        space: its labels, in order.
        preprocessor: utterances → inputs, fitted on train.
        encoders: its pretrained encoders.
        model: the network over them.
        thresholds: ``(K,)`` chosen on dev, for several labels; ``None`` for one.
        facts: where it comes from: corpus, dev score, versions …; ``scores``: rows for its card.
        stacked: the recognizer whose probabilities are among its features, if there is one.
        calibration: fitted on dev; ``None`` where a number is recognized, or it was saved before there was one.
        auxiliary_tasks: the tasks that it recognizes beside its own.
    """

    recipe: Recipe
    space: LabelSpace
    preprocessor: Preprocessor
    encoders: Encoders
    model: nn.Module
    thresholds: NDArray[np.float64] | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    stacked: Recognizer | None = None
    calibration: Calibration | None = None
    auxiliary_tasks: tuple[Task, ...] = ()

    @property
    def modalities(self) -> frozenset[str]:
        """What of an utterance the model takes: ``text``, ``sound`` or both."""
        needs: frozenset[str] = MODELS.get(self.recipe.model.kind).modalities
        return needs if self.stacked is None else needs | self.stacked.modalities

    @property
    def optional_modalities(self) -> frozenset[str]:
        """What of its `needs` an utterance may lack: all that has been missing while the model learned."""
        below = self.stacked
        return frozenset(
            what
            for what in self.modalities
            if self._tolerates_missing(what)
            and (below is None or what not in below.modalities or what in below.optional_modalities)
        )

    def _tolerates_missing(self, modality: str) -> bool:
        """Tell whether the network itself can do without ``text`` or ``sound``, or never needs it."""
        model = self.recipe.model
        needs: frozenset[str] = MODELS.get(model.kind).modalities
        lacked, train = (self.facts.get(name, {}).get("train") for name in ("missing_modalities", "data"))
        if modality not in needs or lacked is None or train is None:  # it was not counted from the beginning
            return True
        if len(needs) > 1 and model.modality_dropout > 0:
            return True
        return int(lacked.get(modality, 0)) >= max(1, _MIN_MISSING_SHARE * train["utterances"])

    def warn_unsupported_language(self, texts: Sequence[str | None]) -> None:
        """Warn where texts are not in a language of the text encoder."""
        if self.preprocessor.text is not None and (sentence := check_language(self.recipe.model.backbone, texts)):
            logger.warning(sentence)

    def predict_utterances(self, utterances: Sequence[Utterance]) -> Predictions:
        """Predict N utterances; give whole dialogues, in order, to a model with context.

        Returns:
            Calibrated probabilities keyed by id; `labels` turns them into names with the recognizer's thresholds.
        """
        return self.predict_tasks(utterances)[self.space.task]

    def predict_tasks(
        self, utterances: Sequence[Utterance], *, warn_truncated: bool = True
    ) -> dict[str, Predictions]:
        """Predict N utterances in every task of the model, its own first; see `predict_utterances`.

        Args:
            utterances: as `predict_utterances` takes them.
            warn_truncated: whether to say of how many only the beginning is read, which ``notes`` say of each.
        """
        source = {"model": self.recipe.name, "seed": str(self.recipe.train.seed)}
        notes: Mapping[str, tuple[str, ...]] = {}
        if self.stacked is not None:
            below = self.stacked.predict_utterances(utterances)
            utterances, notes = with_stacked(utterances, below), below.notes
        prepared = self.preprocessor.transform(utterances)
        notes = {
            key: _deduplicate(notes.get(key, ()), prepared.notes.get(key, ()))
            for key in {**notes, **prepared.notes}
        }
        if warn_truncated and (text := self.preprocessor.text) is not None and (n := prepared.count_truncated()):
            logger.warning(_("{n} texts are longer than the {most} tokens that the model reads; it read their beginning.",
                  n=n, most=text.tokenizer.max_length))  # fmt: skip
        tasks = (Task(self.space, self.calibration, self.thresholds), *self.auxiliary_tasks)
        found = predict_tasks(
            self.model, self.encoders.embed(prepared), [task.space for task in tasks], source=source
        )
        return {
            task.space.task: replace(task.apply(one), notes=notes) for task, one in zip(tasks, found, strict=True)
        }

    def labels(self, predictions: Predictions) -> dict[str, tuple[Label, ...]]:
        """Return id → label names or number, by the thresholds chosen on dev."""
        return predictions.labels(self.thresholds)

    def _repr_fields(self) -> dict[str, object]:
        known = {key: self.facts[key] for key in ("corpus", "dev_score") if key in self.facts}
        return {"recipe": self.recipe.name, "kind": self.recipe.model.kind, **self.space.repr_fields(), **known}

    def save_pretrained(self, folder: PathLike, *, skip_frozen_weights: bool = False) -> None:
        """Save as one folder without pickles.

        Args:
            folder: made if need be; files of an earlier save are replaced, all at once: whoever loads, after a
                kill too, finds the older model or the newer one. Nothing else in the folder is touched.
            skip_frozen_weights: leave out the weights of a frozen encoder (tens to hundreds of MB).

        Raises:
            RecognizerError: if the folder cannot be written.
        """
        try:
            with atomic_write_files(Path(folder), owned_files) as draft:
                self._write(draft, skip_frozen_weights)
        except (OSError, SafetensorError) as error:
            raise RecognizerError(
                _("The model cannot be saved to {folder} ({why}); make room there, or give another folder.",
                  folder=folder, why=error)
            ) from error  # fmt: skip

    def _write(self, folder: Path, skip_frozen_weights: bool) -> None:
        save_network(self.model, folder)
        save_encoders(self.encoders, folder, skip_frozen_weights=skip_frozen_weights)
        sound, scaler = self.preprocessor.mel, self.preprocessor.scaler
        if self.stacked is not None:
            (folder / STACKED_FOLDER).mkdir()
            self.stacked._write(folder / STACKED_FOLDER, skip_frozen_weights)
        tree = {
            "format": FORMAT_VERSION,
            "recipe": self.recipe.to_dict(),
            **Task(self.space, self.calibration, self.thresholds).to_dict(),
            "auxiliary_tasks": [task.to_dict() for task in self.auxiliary_tasks],
            "scaler": None if scaler is None else scaler.to_dict(),
            "mel_statistics": None if sound is None else sound.statistics.to_dict(),
            **encoder_digests(self.encoders),
            "facts": dict(self.facts),
        }
        if not skip_frozen_weights:
            save_model_cards(folder, self.recipe, self.space, self.facts)
        tree["files"] = [*list_files(folder), METADATA_FILE]
        (folder / METADATA_FILE).write_text(json_dumps(tree), encoding="utf-8")
        copy_permissions(folder, folder / METADATA_FILE)

    @classmethod
    def from_pretrained(cls, folder: PathLike) -> Recognizer:
        """Load what `save_pretrained` wrote.

        Raises:
            RecognizerError: if the folder is not a saved recognizer, is damaged, or of another format.
            WeightsError: if a light folder's encoder is not at hand, or is another one.
            SentirError: if a plug-in of its recipe does not exist.
        """
        folder = Path(folder)
        for tries_left in reversed(range(_LOAD_ATTEMPTS)):
            place, before = committed_folder(folder), _save_stamp(folder)
            try:
                found = cls._load(place)
            except (RecognizerError, WeightsError):
                if not tries_left or (place, before) == (committed_folder(folder), _save_stamp(folder)):
                    raise
            else:
                if before == _save_stamp(folder):
                    return found
        raise RecognizerError(
            _("The recognizer {folder} was saved again and again while it was loaded; try again.", folder=folder)
        )

    @classmethod
    def _load(cls, folder: Path) -> Recognizer:
        saved, facts = read_saved_model(folder)
        recipe, (own, *also) = saved.recipe, saved.to_tasks()
        with report_damaged_recipe(folder, recipe):
            encoders = load_encoders(folder, saved)
            preprocessor = Preprocessor(
                recipe.data, recipe.model, saved.scaler, saved.mel_statistics, **encoders.processors()
            )
            model = load_network(
                folder, preprocessor, encoders, output_names([own.space, *(task.space for task in also)])
            )
        stacked = cls._load(folder / STACKED_FOLDER) if recipe.model.uses_stacking else None
        model = model.to(get_best_device()).eval()
        parts = (own.space, preprocessor, encoders, model, own.thresholds)
        return cls(recipe, *parts, facts, stacked, own.calibration, tuple(also))


def _deduplicate(*notes: tuple[str, ...]) -> tuple[str, ...]:
    """Chain notes, each once."""
    return tuple(dict.fromkeys(chain(*notes)))


def with_stacked(utterances: Sequence[Utterance], predictions: Predictions) -> list[Utterance]:
    """Return the utterances with another model's probabilities in their ``stacked``, joined by id."""
    names = [f"{predictions.label_space.task}.{label}" for label in predictions.label_space.names]
    rows = predictions.select(u.id for u in utterances).probabilities.tolist()
    return [
        replace(u, stacked_probabilities=dict(zip(names, row, strict=True)))
        for u, row in zip(utterances, rows, strict=True)
    ]


def _save_stamp(folder: Path) -> tuple[int, int] | None:
    """Return what tells one save into a folder from the next."""
    try:
        found = (committed_folder(folder) / METADATA_FILE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
