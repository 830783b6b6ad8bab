"""`sentir.json` of a saved model, checked whole before anything is built by it."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError, model_validator

from sentir.audio.mel import BANDS
from sentir.audio.thesis_mel import SIDE
from sentir.corpus.labels import LabelSpace
from sentir.errors import CorpusError, RecognizerError
from sentir.evaluation.calibration.fitting import METHODS, Calibration
from sentir.evaluation.results import ModelScores
from sentir.features.scaling import Scaler
from sentir.i18n import _
from sentir.models.weights import Source
from sentir.preflight import FACTS, require_model
from sentir.preprocessing.mel import MelLevels
from sentir.recipe import Recipe
from sentir.recipe.validation_messages import complaint
from sentir.recognizer.tasks import Task

FORMAT = 4
_UNCALIBRATED = 3  # the format before there was a calibration
_SHOWN = 160  # characters of a complaint


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Told(BaseModel):
    """Facts, which later versions may add to, and of which some scores are no numbers."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class _Counts(_Told):
    utterances: NonNegativeInt
    dialogues: NonNegativeInt
    speakers: NonNegativeInt
    labels: dict[str, NonNegativeInt]


class _Earlier(_Told):
    recipe: str
    corpus: str
    fingerprint: str


class _Point(_Told):
    epoch: float = Field(ge=0, allow_inf_nan=False)


class _Versions(_Told):
    sentir: str
    __pydantic_extra__: dict[str, str]


class Facts(_Told):
    """What a saved model tells of its training, as far as a model card and a reader of it rely on."""

    corpus: str
    synthetic: bool
    fingerprint: str
    best_epoch: float = Field(ge=0, allow_inf_nan=False)
    curve: list[_Point] = Field(min_length=1)
    versions: _Versions
    dev_score: float | None = None
    speed: dict[str, float] = {}
    unusable: dict[str, dict[str, NonNegativeInt]] = {}
    cut: dict[str, NonNegativeInt] = {}
    calibration: Literal["", "none", "temperature", "per_label"] = ""
    weights: dict[str, Source] = {}
    data: dict[str, _Counts] = {}
    earlier: list[_Earlier] = []
    scores: list[ModelScores] = []
    slices: list[dict[str, Any]] = []


class SavedTask(_Part):
    """A task and what dev taught about it; see `sentir.recognizer.tasks.Task`."""

    space: LabelSpace
    calibration: Calibration | None
    thresholds: list[float] | None

    @model_validator(mode="after")
    def _fit_the_space(self) -> Self:
        if self.calibration is not None and not self.calibration.fits(self.space):
            raise ValueError(_("its calibration is none of its labels"))
        if self.thresholds is not None and len(self.thresholds) != len(self.space):
            raise ValueError(_("its thresholds are not one for each label"))
        return self

    def task(self) -> Task:
        """Return the task."""
        return Task(self.space, self.calibration, None if self.thresholds is None else np.array(self.thresholds))


class SavedModel(SavedTask):
    """All of `sentir.json`, where ``facts`` are checked and kept as they are."""

    format: int
    recipe: Recipe
    also: tuple[SavedTask, ...] = ()
    scaler: Scaler | None
    mel_levels: MelLevels | None
    encoder_digest: str
    speech_digest: str = ""
    files: tuple[str, ...] | None = None
    facts: Facts

    @model_validator(mode="after")
    def _fit_the_recipe(self) -> Self:
        model = self.recipe.model
        if tuple(task.space.task for task in self.tasks()) != (self.recipe.data.task, *self.recipe.also):
            raise ValueError(_("its labels are not of the recipe's tasks"))
        sets = {name.partition(".")[0] for name in (self.scaler.names if self.scaler else ())}
        if bool(model.features) != (self.scaler is not None) or not sets <= {*model.features}:
            raise ValueError(_("its scaler is not of the recipe's features"))
        bands = SIDE if model.audio.mel == "thesis" else BANDS
        if self.mel_levels is not None and len(self.mel_levels.means) != bands:
            raise ValueError(_("its mel levels are not of {n} bands", n=bands))
        return self

    def tasks(self) -> tuple[Task, ...]:
        """Return all its tasks, its own first."""
        return tuple(saved.task() for saved in (self, *self.also))


def read_saved(folder: Path) -> tuple[SavedModel, dict[str, Any]]:
    """Return what the folder of a saved model tells of itself, and its facts as they stand there.

    Raises:
        RecognizerError: naming the key that cannot be used.
    """
    require_model(folder)
    try:
        tree = json.loads((folder / FACTS).read_bytes())
        _check_format(folder / FACTS, tree)
        return SavedModel.model_validate_json(json.dumps(_as_now(tree))), tree["facts"]
    except ValidationError as error:
        raise incomplete(folder, FACTS, _why(error)) from error
    except (OSError, ValueError, RecursionError, CorpusError) as error:
        raise incomplete(folder, FACTS, error) from error


def _check_format(path: Path, tree: Any) -> None:
    found = tree.get("format") if isinstance(tree, dict) else None
    if found not in (_UNCALIBRATED, FORMAT) or not isinstance(found, int):
        raise RecognizerError(
            _("{path} has format {found}, this version of Sentir reads {known}; update Sentir or train it again.",
              path=path, found=shorten(str(found), _SHOWN), known=FORMAT)
        )  # fmt: skip


def _as_now(tree: dict[str, Any]) -> dict[str, Any]:
    """Return what an earlier version saved as this one would have."""
    if tree["format"] == _UNCALIBRATED:
        tree = {"calibration": None} | tree
    found, space = tree.get("calibration"), tree.get("space")
    if isinstance(found, dict) and isinstance(space, dict) and "method" not in found:
        method = METHODS[1 + bool(space.get("multilabel"))]  # before there was a choice it was the last
        tree = tree | {"calibration": found | {"method": method}}
    return tree


def _why(error: ValidationError) -> str:
    """Name the first key that cannot be used, and say why."""
    first = error.errors(include_url=False)[0]
    key, why = ".".join(map(str, first["loc"])), shorten(complaint(first), _SHOWN, placeholder=" …").rstrip(".")
    return f"'{key}': {why}" if key else why


def incomplete(folder: Path, file: str, why: object) -> RecognizerError:
    """Return the error of a saved model that is damaged."""
    reason = shorten(str(why), 2 * _SHOWN, placeholder=" …").rstrip(".")
    return RecognizerError(
        _("The recognizer {folder} is damaged: {file} cannot be used ({why}); save it again.",
          folder=folder, file=file, why=reason)
    )  # fmt: skip
