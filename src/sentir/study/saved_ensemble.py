"""``sentir.json`` of a saved ensemble, validated as a whole before its members are loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.preflight import METADATA_FILE, require_model
from sentir.recipe import Recipe
from sentir.recognizer.saved_facts import (
    CommonFacts,
    SavedTask,
    check_format,
    damaged_model_error,
    describe_invalid_key,
)

ENSEMBLE_FORMAT = 1
_MAX_SUM_ERROR = 1e-6  # of the weights


class SavedMember(BaseModel):
    """The name and the weight of a member."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    name: str
    weight: float = Field(ge=0, le=1)


class _MemberFacts(BaseModel):
    """What the card shows of a member."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    name: str
    weight: float
    model: str
    seed: int | None = None


class EnsembleFacts(CommonFacts):
    """Facts about an ensemble."""

    members: list[_MemberFacts]


class SavedEnsemble(SavedTask):
    """All of ``sentir.json``."""

    format: int
    ensemble: tuple[SavedMember, ...] = Field(min_length=2)
    recipe: Recipe
    files: tuple[str, ...]
    facts: EnsembleFacts

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.space.task != self.recipe.data.task:
            raise ValueError(_("the labels are not those of the recipe's tasks"))
        if abs(sum(member.weight for member in self.ensemble) - 1) > _MAX_SUM_ERROR:
            raise ValueError(_("the weights of the members must sum to 1"))
        return self


def read_saved_ensemble(folder: Path) -> tuple[SavedEnsemble, dict[str, Any]]:
    """Return the validated ``sentir.json`` of a saved ensemble, and its facts unchanged.

    Raises:
        RecognizerError: naming the invalid key.
    """
    require_model(folder)
    try:
        tree = json.loads((folder / METADATA_FILE).read_bytes())
        check_format(folder / METADATA_FILE, tree, ENSEMBLE_FORMAT)
        return SavedEnsemble.model_validate_json(json.dumps(tree)), tree["facts"]
    except ValidationError as error:
        raise damaged_model_error(folder, METADATA_FILE, describe_invalid_key(error)) from error
    except (OSError, ValueError, RecursionError, CorpusError) as error:
        raise damaged_model_error(folder, METADATA_FILE, error) from error
