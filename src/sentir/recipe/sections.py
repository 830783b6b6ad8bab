"""Base class and field types of the sections of a recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from sentir.i18n import _
from sentir.paths import explain_invalid_name
from sentir.safe_text import replace_surrogates

_MAX_DEPTH = 50  # of nested tables and lists; recipes have six


class Section(BaseModel):
    """An immutable section of settings that refuses unknown keys and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    recipe_paths: ClassVar[tuple[str, ...]] = ()
    """Settings that are paths relative to the recipe's folder."""

    @classmethod
    def known_settings(cls) -> dict[str, Any]:
        """Return setting → type."""
        return {name: field.annotation for name, field in cls.model_fields.items()}


def _validate_name(text: str) -> str:
    if why := explain_invalid_name(text):
        raise ValueError(why)
    return text


def _to_toml_values(value: Any) -> Any:
    """Return settings as types that TOML has; other types are refused."""
    if isinstance(value, Mapping):
        return {key: _to_toml_values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_to_toml_values(inner) for inner in value]
    if isinstance(value, Section):
        return _to_toml_values(value.model_dump(mode="json", exclude_none=True))
    if isinstance(value, PurePath):
        return str(value)
    if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(
            _("'{value}' is not a valid setting; give a string, a number, true, false, a list or a table",
              value=value)
        )  # fmt: skip
    return value


def check_settings(value: Any, depth: int = 0) -> None:
    """Refuse settings and keys nested too deeply, or with unpaired surrogates, which UTF-8 cannot encode.

    Raises:
        ValueError: naming the string.
    """
    if depth > _MAX_DEPTH:
        raise ValueError(_("settings are nested more than {n} levels deep", n=_MAX_DEPTH))
    if isinstance(value, Mapping | list | tuple):
        for inner in (*value, *value.values()) if isinstance(value, Mapping) else value:
            check_settings(inner, depth + 1)
    elif isinstance(value, str | PurePath) and replace_surrogates(str(value)) != str(value):
        raise ValueError(_("'{text}' contains an unpaired surrogate", text=replace_surrogates(str(value))))


FileSafeName = Annotated[str, AfterValidator(_validate_name)]
"""A name that files and folders can have; see `sentir.paths.to_file_name`."""

SettingsTable = Annotated[dict[str, Any], BeforeValidator(_to_toml_values)]
"""Nested settings that are validated later, such as overrides."""
