"""`Ensemble`: trained models whose logits are averaged, saved as one folder and used like a single recognizer.

The folder::

    sentir.json     names and weights of the members; label space, calibration and thresholds of the average
    members/0/ …    the members, each a saved model; those with the same frozen encoder share one copy of it
    README.md       the model card, in Spanish README.es.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import or_
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.evaluation.calibration.fitting import Calibration
from sentir.paths import PathLike
from sentir.plugins import load_plugins
from sentir.preflight import read_metadata
from sentir.recipe import ModelSettings, Recipe
from sentir.recognizer.card import save_model_cards
from sentir.recognizer.enrollment import Enrollment, SpeakerProfiles
from sentir.recognizer.hub import at_revision, find_model
from sentir.recognizer.hub_upload import PushToHubMixin
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.recognizer.recognizer import Recognizer
from sentir.recognizer.saved_files import (
    MEMBERS_FOLDER,
    load_model_files,
    save_metadata,
    save_model_files,
)
from sentir.recognizer.shared_embeddings import share_embeddings
from sentir.recognizer.tasks import Task
from sentir.repr_mixin import ReprMixin
from sentir.study.baseline_model import BaselineModel, is_baseline_model
from sentir.study.saved_ensemble import ENSEMBLE_FORMAT, read_saved_ensemble


@dataclass(frozen=True)
class Member:
    """A model of an ensemble, its name and its weight; the weights of all members sum to 1."""

    name: str
    weight: float
    model: Recognizer | BaselineModel


@dataclass(repr=False)
class Ensemble(PredictionMixin, PushToHubMixin, ReprMixin):
    """An average of trained models, which predicts, is saved, exported and served like one.

    The members' calibrated log probabilities are averaged (log-odds in a multi-label task, numbers in
    regression), and the average is calibrated. Members may differ in modalities, features and backends.

    Attributes:
        recipe: of the first member that takes audio, or else of the first, under the ensemble's name: its corpus,
            its metric.
        space: label space of its task.
        members: two or more.
        thresholds: ``(K,)`` tuned on dev, for a multi-label task; ``None`` otherwise.
        calibration: of the average, fitted on dev; ``None`` for regression.
        facts: about its training, as of a `Recognizer`.
        auxiliary_tasks: none: an ensemble predicts one task.
    """

    recipe: Recipe
    space: LabelSpace
    members: tuple[Member, ...]
    thresholds: NDArray[np.float64] | None = None
    calibration: Calibration | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    auxiliary_tasks: tuple[()] = ()

    @property
    def models(self) -> tuple[Recognizer | BaselineModel, ...]:
        """The models of its members."""
        return tuple(member.model for member in self.members)

    @property
    def model_settings(self) -> tuple[ModelSettings, ...]:
        """The sections ``model`` of its members' recipes."""
        return tuple(settings for model in self.models for settings in model.model_settings)

    @property
    def modalities(self) -> frozenset[str]:
        """The modalities that any member takes."""
        return frozenset().union(*(model.modalities for model in self.models))

    @property
    def optional_modalities(self) -> frozenset[str]:
        """The modalities that an utterance may lack: no member needs them."""
        needed = frozenset().union(*(model.modalities - model.optional_modalities for model in self.models))
        return self.modalities - needed

    @property
    def has_acoustic_features(self) -> bool:
        """Whether features of any member may be computed from audio."""
        return any(model.has_acoustic_features for model in self.models)

    @property
    def supported_languages(self) -> tuple[str, ...]:
        """The languages of all text encoders; empty if there is none, or those of none are known."""
        known = [model.supported_languages for model in self.models if model.supported_languages]
        return tuple(code for code in known[0] if all(code in other for other in known)) if known else ()

    def warn_unsupported_language(self, texts: Sequence[str | None]) -> None:
        """Warn if texts are not in a language of the first text encoder."""
        model = next((one for one in self.models if one.supported_languages), None)
        if model is not None:
            model.warn_unsupported_language(texts)

    def predict_utterances(self, utterances: Sequence[Utterance]) -> Predictions:
        """Predict N utterances; give whole dialogues, in order, to members with context.

        Returns:
            Calibrated probabilities by utterance id.
        """
        return self.predict_tasks(utterances)[self.space.task]

    def predict_tasks(
        self,
        utterances: Sequence[Utterance],
        *,
        warn_truncated: bool = True,
        enrollment: Enrollment | None = None,
    ) -> dict[str, Predictions]:
        """Return task → predictions of N utterances, for its single task.

        Enrolled speakers are used by the members with speaker normalization.
        """
        with share_embeddings():
            predictions = [
                model.predict_tasks(
                    utterances,
                    warn_truncated=warn_truncated,
                    enrollment=enrollment if model.has_speaker_normalization else None,
                )[self.space.task]
                for model in self.models
            ]
        return {self.space.task: self.average(predictions)}

    def average(self, predictions: Sequence[Predictions]) -> Predictions:
        """Return the calibrated average of the predictions of its members, in their order."""
        weights = [member.weight for member in self.members]
        averaged = Predictions.average_logits(predictions, weights, {"model": self.recipe.name})
        return self.tasks[0].apply(averaged)

    @property
    def has_speaker_normalization(self) -> bool:
        """Whether any member can normalize its inputs by enrolled clips of their speakers."""
        return any(model.has_speaker_normalization for model in self.models)

    def profile_speakers(self, utterances: Sequence[Utterance]) -> SpeakerProfiles:
        """Return the profiles of the members with speaker normalization; see `enroll`."""
        self.require_speaker_normalization()
        with share_embeddings():
            made = [
                model.profile_speakers(utterances) for model in self.models if model.has_speaker_normalization
            ]
        return reduce(or_, made)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Its only task."""
        return (Task(self.space, self.calibration, self.thresholds),)

    def embed_utterances(self, utterances: Sequence[Utterance]) -> NDArray[np.float32]:
        """Return the vectors of N utterances before the members' heads, side by side, ``(N, sum of d)``.

        Raises:
            RecognizerError: if a member is a baseline, which has none.
        """
        with share_embeddings():
            return np.concatenate([model.embed_utterances(utterances) for model in self.models], axis=1)

    def labels(self, predictions: Predictions) -> dict[str, tuple[Label, ...]]:
        """Return id → label names or number, decoded with the thresholds tuned on dev."""
        return predictions.labels(self.thresholds)

    def _repr_fields(self) -> dict[str, object]:
        names = " + ".join(member.name for member in self.members)
        return {"recipe": self.recipe.name, "members": names, **self.space.repr_fields()}

    def save_pretrained(self, folder: PathLike, *, skip_frozen_weights: bool = False) -> None:
        """Save as one folder without pickles; see `Recognizer.save_pretrained`.

        Raises:
            RecognizerError: if the folder cannot be written.
        """
        save_model_files(folder, partial(self._write_files, skip_frozen_weights=skip_frozen_weights))

    def _write_files(self, folder: Path, *, skip_frozen_weights: bool) -> None:
        encoders: set[tuple[str, ...]] = set()
        for number, model in enumerate(self.models):
            own = folder / MEMBERS_FOLDER / str(number)
            own.mkdir(parents=True)
            if isinstance(model, BaselineModel):
                model.save_pretrained(own)
                continue
            digests = model.encoder_digests
            is_saved = digests in encoders and model.stacked is None
            model.write_files(own, skip_frozen_weights=skip_frozen_weights or is_saved)
            encoders |= {digests} if any(digests) else set()
        tree = {
            "format": ENSEMBLE_FORMAT,
            "ensemble": [{"name": member.name, "weight": member.weight} for member in self.members],
            "recipe": self.recipe.to_dict(),
            **self.tasks[0].to_dict(),
            "facts": dict(self.facts),
        }
        if not skip_frozen_weights:
            save_model_cards(folder, self.recipe, self.space, self.facts)
        save_metadata(folder, tree)

    @classmethod
    def from_pretrained(
        cls,
        folder: PathLike,
        *,
        revision: str | None = None,
        plugins: PathLike | Iterable[PathLike] = (),
        provider: str = "cpu",
    ) -> Ensemble:
        """Load a folder that `save_pretrained` wrote; arguments and errors as of `Recognizer.from_pretrained`."""
        load_plugins(plugins)
        return load_model_files(
            find_model(at_revision(folder, revision)), partial(cls._read_files, provider=provider)
        )

    @classmethod
    def _read_files(cls, folder: Path, *, provider: str) -> Ensemble:
        saved, facts = read_saved_ensemble(folder)
        task = saved.to_task()
        members = tuple(
            Member(one.name, one.weight, load_member(folder / MEMBERS_FOLDER / str(number), provider))
            for number, one in enumerate(saved.ensemble)
        )
        return cls(saved.recipe, task.space, members, task.thresholds, task.calibration, facts)


def load_saved_model(folder: Path, provider: str = "cpu") -> Recognizer | BaselineModel | Ensemble:
    """Load a saved model of any kind: an ensemble, a baseline or a recognizer."""
    if is_ensemble(folder):
        return Ensemble.from_pretrained(folder, provider=provider)
    if is_baseline_model(folder):
        return BaselineModel.from_pretrained(folder)
    return Recognizer.from_pretrained(folder, provider=provider)


def load_member(folder: Path, provider: str = "cpu") -> Recognizer | BaselineModel:
    """Load a saved model that can be a member: a baseline or a recognizer."""
    if is_baseline_model(folder):
        return BaselineModel.from_pretrained(folder)
    return Recognizer.read_files(folder, provider=provider)


def is_ensemble(folder: Path) -> bool:
    """Return whether a folder holds a saved ensemble."""
    return "ensemble" in read_metadata(folder)
