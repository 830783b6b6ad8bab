"""`Recognizer`: a trained model with its preprocessing, saved as one folder, loaded, and used to predict.

The folder::

    sentir.json         recipe, scaler, mel statistics, facts of the training; of each task the label space,
                        calibration and thresholds
    model.safetensors   all trained weights except those of the encoders
    stacked/            the recognizer whose probabilities are among its features, if there is one
    encoder/            the text encoder, if there is one, with its tokenizer, as transformers saves them
    speech/             the speech encoder, if there is one, with its feature extractor
    README.md           the model card, in Spanish README.es.md

Saved without the weights of frozen encoders, a folder has no card, and names the encoders by hash: they must be
available where it is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.errors import MissingDependencyError, RecognizerError
from sentir.evaluation.calibration.fitting import Calibration
from sentir.features import FEATURE_SETS
from sentir.features.speaker_normalization import SpeakerNormalizer
from sentir.i18n import _
from sentir.logs import logger
from sentir.models.kinds import MODELS
from sentir.models.text_backbones import TEXT_BACKBONES, check_language
from sentir.optional_dependencies import is_installed
from sentir.paths import PathLike
from sentir.plugins import load_plugins
from sentir.preprocessing.preprocessor import ModelInputs, Preprocessor
from sentir.preprocessing.speaker_columns import SpeakerColumns
from sentir.recipe import Recipe
from sentir.recognizer.backend import Backend
from sentir.recognizer.card import save_model_cards
from sentir.recognizer.enrollment import (
    Enrollment,
    SpeakerProfiles,
    make_profiles,
    normalize_speakers,
    require_normalizer,
)
from sentir.recognizer.hub import at_revision, find_model
from sentir.recognizer.hub_upload import PushToHubMixin
from sentir.recognizer.inference import embed_inputs, predict_tasks
from sentir.recognizer.needed_plugins import NEEDED_BY_BACKEND, require_plugins
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.recognizer.saved_facts import FORMAT_VERSION, SavedModel, read_saved_model, refuse_outdated_columns
from sentir.recognizer.saved_files import (
    STACKED_FOLDER,
    load_model_files,
    save_metadata,
    save_model_files,
)
from sentir.recognizer.tasks import Task
from sentir.repr_mixin import ReprMixin

if TYPE_CHECKING:
    from torch import nn

    from sentir.recognizer.encoders import Encoders
    from sentir.recognizer.torch_backend import TorchBackend

_MIN_MISSING_SHARE = 0.01  # of train utterances without a modality, from which on it is optional


@dataclass(repr=False)
class Recognizer(PredictionMixin, PushToHubMixin, ReprMixin):
    """A trained model with its preprocessing, labels, thresholds and calibration.

    Attributes:
        recipe: of its training.
        space: label space of its main task.
        preprocessor: fitted on train.
        backend: computes the logits: a torch network with its encoders, or ONNX sessions.
        thresholds: ``(K,)`` tuned on dev, for a multi-label task; ``None`` otherwise.
        facts: about its training: corpus, dev score, versions …; ``scores`` are rows for its card.
        stacked: the recognizer whose probabilities are among its features, if there is one.
        calibration: fitted on dev; ``None`` for regression.
        auxiliary_tasks: tasks that it predicts besides the main one.
        speaker_normalizer: fitted on train; ``None`` without speaker normalization.
    """

    recipe: Recipe
    space: LabelSpace
    preprocessor: Preprocessor
    backend: Backend
    thresholds: NDArray[np.float64] | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    stacked: Recognizer | None = None
    calibration: Calibration | None = None
    auxiliary_tasks: tuple[Task, ...] = ()
    speaker_normalizer: SpeakerNormalizer | None = None

    @property
    def model(self) -> nn.Module:
        """The torch network.

        Raises:
            RecognizerError: for an exported model, which has none.
        """
        return self._torch_backend.network

    @property
    def encoders(self) -> Encoders:
        """The pretrained encoders in torch; raises as `model`."""
        return self._torch_backend.encoders

    @property
    def _torch_backend(self) -> TorchBackend:
        if self.backend.kind != "torch":
            raise RecognizerError(
                _("This model is exported ('{kind}'): it predicts, but cannot be explained, trained further or "
                  "exported again; give the folder that it was exported from.", kind=self.backend.kind)
            )  # fmt: skip
        return cast("TorchBackend", self.backend)

    @property
    def encoder_digests(self) -> tuple[str, ...]:
        """The hashes of its frozen text and speech encoders; ``""`` for those that are trained, or in graphs."""
        return tuple(self._torch_backend.digests.values()) if self.backend.kind == "torch" else ("", "")

    @property
    def modalities(self) -> frozenset[str]:
        """The modalities that the model takes: ``text``, ``audio`` or both."""
        own: frozenset[str] = MODELS.get(self.recipe.model.kind).modalities
        return own if self.stacked is None else own | self.stacked.modalities

    @property
    def optional_modalities(self) -> frozenset[str]:
        """The modalities that an utterance may lack, since they were missing in some of the training data."""
        stacked = self.stacked
        return frozenset(
            what
            for what in self.modalities
            if self._tolerates_missing(what)
            and (stacked is None or what not in stacked.modalities or what in stacked.optional_modalities)
        )

    @property
    def has_acoustic_features(self) -> bool:
        """Whether any of its features may be computed from audio, as those of plug-ins may."""
        return any(FEATURE_SETS.get(name).modality != "text" for name in self.recipe.model.features)

    def _tolerates_missing(self, modality: str) -> bool:
        """Return whether the network itself does not need ``text`` or ``audio``."""
        model = self.recipe.model
        own: frozenset[str] = MODELS.get(model.kind).modalities
        missing, train = (self.facts.get(name, {}).get("train") for name in ("missing_modalities", "data"))
        if modality not in own or missing is None or train is None:  # not counted in training
            return True
        if len(own) > 1 and model.modality_dropout > 0:
            return True
        return int(missing.get(modality, 0)) >= max(1, _MIN_MISSING_SHARE * train["utterances"])

    @property
    def supported_languages(self) -> tuple[str, ...]:
        """The languages of its text encoder; empty if it has none, or they are not known."""
        name = self.recipe.model.backbone
        return TEXT_BACKBONES.get(name).languages if self.preprocessor.text and name in TEXT_BACKBONES else ()

    def warn_unsupported_language(self, texts: Sequence[str | None]) -> None:
        """Warn if texts are not in a language of the text encoder."""
        if self.preprocessor.text is None:
            return
        if sentence := check_language(self.recipe.model.backbone, texts, is_trained=True):
            logger.warning(sentence)

    def predict_utterances(self, utterances: Sequence[Utterance]) -> Predictions:
        """Predict the main task of N utterances; give whole dialogues, in order, to a model with context.

        Returns:
            Calibrated probabilities by utterance id; `labels` decodes them.
        """
        return self.predict_tasks(utterances)[self.space.task]

    def predict_tasks(
        self,
        utterances: Sequence[Utterance],
        *,
        warn_truncated: bool = True,
        enrollment: Enrollment | None = None,
    ) -> dict[str, Predictions]:
        """Predict all tasks of N utterances, the main one first; see `predict_utterances`.

        Args:
            utterances: see `predict_utterances`.
            warn_truncated: whether to warn how many texts are truncated; ``notes`` name each of them anyway.
            enrollment: of their speakers, for a model with speaker normalization; that of a stacked model is not
                used.
        """
        source = {"model": self.recipe.name, "seed": str(self.recipe.train.seed)}
        notes: Mapping[str, tuple[str, ...]] = {}
        if self.stacked is not None:
            inner = self.stacked.predict_utterances(utterances)
            utterances, notes = with_stacked(utterances, inner), inner.notes
        inputs = self.preprocessor.transform(utterances)
        notes = _merge_notes(notes, inputs.notes)
        if warn_truncated and (text := self.preprocessor.text) is not None and (n := inputs.count_truncated()):
            logger.warning(_("{n} texts were truncated to {limit} tokens, the most that the model takes.",
                             n=n, limit=text.tokenizer.max_length))  # fmt: skip
        tasks = self.tasks
        spaces = [task.space for task in tasks]
        embedded = self.backend.embed(inputs)
        if enrollment is not None:
            embedded, added = normalize_speakers(
                *self._speaker_parts, embedded, _speakers(utterances), enrollment
            )
            notes = _merge_notes(notes, added)
        predictions = predict_tasks(self.backend, embedded, spaces, source=source)
        return {
            task.space.task: replace(task.apply(one), notes=notes)
            for task, one in zip(tasks, predictions, strict=True)
        }

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Its tasks, the main one first."""
        return (Task(self.space, self.calibration, self.thresholds), *self.auxiliary_tasks)

    @property
    def _speaker_parts(self) -> tuple[SpeakerNormalizer, SpeakerColumns]:
        return require_normalizer(self.speaker_normalizer), self.preprocessor.speaker_columns

    @property
    def has_speaker_normalization(self) -> bool:
        """Whether its inputs can be normalized by enrolled clips of their speakers."""
        return self.speaker_normalizer is not None

    def profile_speakers(self, utterances: Sequence[Utterance]) -> SpeakerProfiles:
        """Return what is to be known of the speakers of some utterances with audio; see `enroll`."""
        parts, speakers = self._speaker_parts, _speakers(utterances)
        if self.stacked is not None:
            utterances = with_stacked(utterances, self.stacked.predict_utterances(utterances))
        return make_profiles(*parts, self.preprocess(utterances), speakers)

    def preprocess(self, utterances: Sequence[Utterance]) -> ModelInputs:
        """Return the network's inputs for utterances, with the embeddings of frozen encoders."""
        return self.backend.embed(self.preprocessor.transform(utterances))

    def embed_utterances(self, utterances: Sequence[Utterance]) -> NDArray[np.float32]:
        """Return the ``(N, d)`` vectors of N utterances before the classification head."""
        if self.stacked is not None:
            utterances = with_stacked(utterances, self.stacked.predict_utterances(utterances))
        return embed_inputs(self.backend, self.preprocess(utterances))

    def labels(self, predictions: Predictions) -> dict[str, tuple[Label, ...]]:
        """Return id → label names or number, decoded with the thresholds tuned on dev."""
        return predictions.labels(self.thresholds)

    def _repr_fields(self) -> dict[str, object]:
        facts = {key: self.facts[key] for key in ("corpus", "dev_score") if key in self.facts}
        return {"recipe": self.recipe.name, "kind": self.recipe.model.kind, **self.space.repr_fields(), **facts}

    def save_pretrained(self, folder: PathLike, *, skip_frozen_weights: bool = False) -> None:
        """Save as one folder without pickles.

        Args:
            folder: created if it does not exist; the files of an earlier save are replaced atomically, so that an
                interrupted save leaves the earlier model. No other file in the folder is touched.
            skip_frozen_weights: leave out the weights of frozen encoders (tens to hundreds of MB).

        Raises:
            RecognizerError: if the folder cannot be written.
        """
        save_model_files(folder, partial(self.write_files, skip_frozen_weights=skip_frozen_weights))

    def write_files(self, folder: Path, *, skip_frozen_weights: bool) -> None:
        """Write the files of `save_pretrained` into an empty folder."""
        backend = self.backend.save(folder, skip_frozen_weights=skip_frozen_weights)
        mel, scaler = self.preprocessor.mel, self.preprocessor.scaler
        if self.stacked is not None:
            (folder / STACKED_FOLDER).mkdir()
            self.stacked.write_files(folder / STACKED_FOLDER, skip_frozen_weights=skip_frozen_weights)
        main, *auxiliary = self.tasks
        tree = {
            "format": FORMAT_VERSION,
            "recipe": self.recipe.to_dict(),
            **main.to_dict(),
            "auxiliary_tasks": [task.to_dict() for task in auxiliary],
            "scaler": None if scaler is None else scaler.to_dict(),
            "mel_statistics": None if mel is None else mel.statistics.to_dict(),
            "speaker_normalizer": None if self.speaker_normalizer is None else self.speaker_normalizer.to_dict(),
            "backend": self.backend.kind,
            **backend,
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
    ) -> Recognizer:
        """Load a folder that `save_pretrained` wrote; `sentir.load` does the same, for saved baselines too.

        Args:
            folder: of the model, or the id of one on the Hugging Face hub, ``owner/name``. It names the plug-ins
                that it needs, and runs none.
            revision: of a model on the hub: a branch, tag or commit; by default ``main``.
            plugins: Python files to load first; see `sentir.plugins.load_plugin`.
            provider: execution provider of an exported model: ``cpu``, ``cuda``, ``directml`` or ``coreml``.

        Raises:
            RecognizerError: if the folder is not a saved recognizer, is damaged, or of another format, or the
                provider is not available.
            WeightsError: if a frozen encoder that was not saved is not available, or has other weights.
            PluginError: if a plug-in that it needs is not loaded, or one of ``plugins`` cannot be.
            MissingDependencyError: if it is not exported, and torch is not installed.
        """
        load_plugins(plugins)
        return load_model_files(
            find_model(at_revision(folder, revision)), partial(cls.read_files, provider=provider)
        )

    @classmethod
    def read_files(cls, folder: Path, *, provider: str = "cpu") -> Recognizer:
        """Load the files that `write_files` wrote; see `from_pretrained`."""
        saved, facts = read_saved_model(folder)
        main, *auxiliary = saved.to_tasks()
        require_plugins(folder, facts, NEEDED_BY_BACKEND[saved.backend])
        refuse_outdated_columns(folder, saved.scaler)
        preprocessor, backend = _load_backend(folder, saved, provider)
        inner = folder / STACKED_FOLDER
        stacked = cls.read_files(inner, provider=provider) if saved.recipe.model.uses_stacking else None
        parts = (saved.recipe, main.space, preprocessor, backend, main.thresholds)
        return cls(*parts, facts, stacked, main.calibration, tuple(auxiliary), saved.speaker_normalizer)


def _load_backend(folder: Path, saved: SavedModel, provider: str) -> tuple[Preprocessor, Backend]:
    if saved.backend == "onnx":
        from sentir.recognizer.onnx_loading import load_onnx_backend

        return load_onnx_backend(folder, saved, provider)
    if provider != "cpu":
        raise RecognizerError(
            _("The model {folder} is not exported, so it has no execution provider; leave out provider, or "
              "export it with 'sentir export'.", folder=folder)
        )  # fmt: skip
    if not is_installed("torch"):
        raise MissingDependencyError(
            _("{folder} is a torch model, and torch is not installed; install it with: pip install "
              "'sentir[train]', or load the folder that 'sentir export' writes of it where torch is installed.",
              folder=folder)
        )  # fmt: skip
    from sentir.recognizer.torch_backend import load_torch_backend

    return load_torch_backend(folder, saved)


def _merge_notes(*parts: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Chain the notes of each id, without duplicates."""
    ids = dict.fromkeys(key for part in parts for key in part)
    return {key: tuple(dict.fromkeys(chain(*(part.get(key, ()) for part in parts)))) for key in ids}


def _speakers(utterances: Sequence[Utterance]) -> list[str | None]:
    return [u.speaker for u in utterances]


def with_stacked(utterances: Sequence[Utterance], predictions: Predictions) -> list[Utterance]:
    """Return the utterances with another model's probabilities as ``stacked_probabilities``, joined by id."""
    names = [f"{predictions.label_space.task}.{label}" for label in predictions.label_space.names]
    rows = predictions.select(u.id for u in utterances).probabilities.tolist()
    return [
        replace(u, stacked_probabilities=dict(zip(names, row, strict=True)))
        for u, row in zip(utterances, rows, strict=True)
    ]
