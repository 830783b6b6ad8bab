"""``sentir.json`` of a saved model, validated as a whole before anything is built from it."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError, model_validator

from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.errors import CorpusError, RecognizerError
from sentir.evaluation.calibration.fitting import Calibration
from sentir.evaluation.results import ModelScores
from sentir.features import find_outdated_column
from sentir.features.scaling import FeatureScaler
from sentir.features.speaker_normalization import SpeakerNormalizer
from sentir.i18n import _
from sentir.models.weights import WeightsSource
from sentir.preflight import METADATA_FILE, read_metadata, require_model
from sentir.preprocessing.mel import MelStatistics, num_mel_bands
from sentir.recipe import Recipe
from sentir.recipe.validation_messages import describe_error
from sentir.recognizer.tasks import Task

FORMAT_VERSION, OLDEST_FORMAT = 8, 6  # written; the oldest that is read. See docs/decisions/saved-models.md
_MAX_MESSAGE_LENGTH = 160  # characters


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _ExtensibleModel(BaseModel):
    """Facts, to which later versions may add; some scores are not numbers."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class _SplitCounts(_ExtensibleModel):
    utterances: NonNegativeInt
    dialogues: NonNegativeInt
    speakers: NonNegativeInt
    labels: dict[str, NonNegativeInt]


class _PreviousTraining(_ExtensibleModel):
    recipe: str
    corpus: str
    fingerprint: str


class _EpochRecord(_ExtensibleModel):
    epoch: float = Field(ge=0, allow_inf_nan=False)


class _PackageVersions(_ExtensibleModel):
    sentir: str
    __pydantic_extra__: dict[str, str]


class _NeededPlugin(_StrictModel):
    """A plug-in that the model needs: a file, or an entry point of a package, and what it registered, by kind."""

    name: str
    sha256: str
    package: str
    registers: dict[str, list[str]]


class CommonFacts(_ExtensibleModel):
    """Facts about a saved model or ensemble, as far as its card and other code use them."""

    corpus: str
    synthetic: bool
    fingerprint: str
    versions: _PackageVersions
    dev_score: float | None = None
    throughput: dict[str, float] = {}
    missing_modalities: dict[str, dict[str, NonNegativeInt]] = {}
    truncated: dict[str, NonNegativeInt] = {}
    calibration: Literal["", "none", "temperature", "per_label"] = ""
    language: str | None = None
    weights: dict[str, WeightsSource] = {}
    data: dict[str, _SplitCounts] = {}
    previous_trainings: list[_PreviousTraining] = []
    scores: list[ModelScores] = []
    slices: list[dict[str, Any]] = []
    plugins: list[_NeededPlugin] = []


class TrainingFacts(CommonFacts):
    """Facts about the training of a saved model."""

    best_epoch: float = Field(ge=0, allow_inf_nan=False)
    history: list[_EpochRecord] = Field(min_length=1)


class SavedTask(_StrictModel):
    """A saved `sentir.recognizer.tasks.Task`."""

    space: SingleLabelSpace | MultiLabelSpace | RegressionSpace = Field(discriminator="kind")
    calibration: Calibration | None
    thresholds: list[float] | None

    @model_validator(mode="after")
    def _check_label_space(self) -> Self:
        if self.calibration is not None and not self.calibration.is_valid_for(self.space):
            raise ValueError(_("the calibration does not fit the labels"))
        if self.thresholds is not None and len(self.thresholds) != len(self.space):
            raise ValueError(_("there must be one threshold per label"))
        return self

    def to_task(self) -> Task:
        """Convert to a task."""
        return Task(self.space, self.calibration, None if self.thresholds is None else np.array(self.thresholds))


class SavedModel(SavedTask):
    """All of ``sentir.json``."""

    format: int
    recipe: Recipe
    backend: Literal["torch", "onnx"] = "torch"
    auxiliary_tasks: tuple[SavedTask, ...]
    scaler: FeatureScaler | None
    mel_statistics: MelStatistics | None
    speaker_normalizer: SpeakerNormalizer | None = None
    encoder_digest: str
    speech_digest: str
    files: tuple[str, ...]
    facts: TrainingFacts

    @model_validator(mode="after")
    def _check_recipe(self) -> Self:
        model = self.recipe.model
        if tuple(task.space.task for task in self.to_tasks()) != (
            self.recipe.data.task,
            *self.recipe.auxiliary_tasks,
        ):
            raise ValueError(_("the labels are not those of the recipe's tasks"))
        sets = {name.partition(".")[0] for name in (self.scaler.names if self.scaler else ())}
        if bool(model.features) != (self.scaler is not None) or not sets <= {*model.features}:
            raise ValueError(_("the scaler is not for the recipe's features"))
        if model.speaker_normalization != (self.speaker_normalizer is not None):
            raise ValueError(_("the speaker normalization is not that of the recipe"))
        bands = num_mel_bands(model.audio.mel)
        if self.mel_statistics is not None and len(self.mel_statistics.means) != bands:
            raise ValueError(_("the mel statistics must be of {n} bands", n=bands))
        return self

    def to_tasks(self) -> tuple[Task, ...]:
        """Return all tasks, the main one first."""
        return tuple(saved.to_task() for saved in (self, *self.auxiliary_tasks))


def read_saved_model(folder: Path) -> tuple[SavedModel, dict[str, Any]]:
    """Return the validated ``sentir.json`` of a saved model, and its facts unchanged.

    Raises:
        RecognizerError: naming the invalid key.
    """
    require_model(folder)
    if "ensemble" in read_metadata(folder):
        raise RecognizerError(
            _("{folder} is an ensemble, not a single model; load it with sentir.load.", folder=folder)
        )
    try:
        tree = json.loads((folder / METADATA_FILE).read_bytes())
        check_format(folder / METADATA_FILE, tree, FORMAT_VERSION, OLDEST_FORMAT)
        return SavedModel.model_validate_json(json.dumps(tree)), tree["facts"]
    except ValidationError as error:
        raise damaged_model_error(folder, METADATA_FILE, describe_invalid_key(error)) from error
    except (OSError, ValueError, RecursionError, CorpusError) as error:
        raise damaged_model_error(folder, METADATA_FILE, error) from error


def check_format(path: Path, tree: Any, newest: int, oldest: int | None = None) -> None:
    """Raise a `RecognizerError` unless the metadata of a saved model have a format that can be read.

    Args:
        path: of the metadata.
        tree: its content.
        newest: the format that this version writes.
        oldest: the oldest that it reads, by default the newest.
    """
    version = tree.get("format") if isinstance(tree, dict) else None
    oldest = newest if oldest is None else oldest
    if isinstance(version, int) and oldest <= version <= newest:
        return
    known = str(newest) if oldest == newest else _("{first} to {last}", first=oldest, last=newest)
    values = {"path": path, "found": shorten(str(version), _MAX_MESSAGE_LENGTH), "known": known}
    if isinstance(version, int) and version > newest:
        raise RecognizerError(
            _("{path} has format {found}, which a later version of Sentir wrote, and this one reads {known}; "
              "update Sentir.", **values)
        )  # fmt: skip
    raise RecognizerError(
        _("{path} has format {found}, and this version of Sentir reads {known}; train the model again.", **values)
    )


def refuse_outdated_columns(folder: Path, scaler: FeatureScaler | None) -> None:
    """Raise a `RecognizerError` if a model was trained on columns that its feature sets no longer have."""
    name = find_outdated_column(scaler.names) if scaler is not None else None
    if name is not None:
        feature_set = name.partition(".")[0]
        raise RecognizerError(
            _("The model {folder} was trained on the column '{name}', which the feature set '{set}' of this "
              "version of Sentir does not have; train it again.", folder=folder, name=name, set=feature_set)
        )  # fmt: skip


def describe_invalid_key(error: ValidationError) -> str:
    """Return the first invalid key, and why it is invalid."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"]))
    why = shorten(describe_error(first), _MAX_MESSAGE_LENGTH, placeholder=" …").rstrip(".")
    return f"'{key}': {why}" if key else why


def damaged_model_error(folder: Path, file: str, why: object) -> RecognizerError:
    """Return the error of a damaged saved model."""
    reason = shorten(str(why), 2 * _MAX_MESSAGE_LENGTH, placeholder=" …").rstrip(".")
    return RecognizerError(
        _("The recognizer {folder} is damaged: {file} cannot be used ({why}); save it again.",
          folder=folder, file=file, why=reason)
    )  # fmt: skip
