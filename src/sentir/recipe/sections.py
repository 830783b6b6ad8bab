"""What every section of a recipe is: a frozen table of settings that refuses keys it does not know."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from sentir.i18n import _
from sentir.paths import no_name
from sentir.safe_text import encodable


class Section(BaseModel):
    """A frozen table of settings that refuses keys it does not know, and numbers that are none."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _name(text: str) -> str:
    if why := no_name(text):
        raise ValueError(why)
    return text


def _plain(value: Any) -> Any:
    """Return settings as TOML holds them; what it cannot hold is refused."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Section):
        return _plain(value.model_dump(mode="json", exclude_none=True))
    if isinstance(value, PurePath):
        return str(value)
    if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(_("'{value}' is no setting; give a text, a number, true, false, a list or a table",
                           value=value))  # fmt: skip
    return value


def check_characters(value: Any) -> None:
    """Refuse half characters, which no file can hold, in settings and their keys.

    Raises:
        ValueError: naming the text.
    """
    if isinstance(value, Mapping):
        for pair in value.items():
            check_characters(pair)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_characters(inner)
    elif isinstance(value, str | PurePath) and encodable(str(value)) != str(value):
        raise ValueError(_("'{text}' holds half a character", text=encodable(str(value))))


Name = Annotated[str, AfterValidator(_name)]
"""A text that files and folders can be named after; see `sentir.paths.file_name`."""

Settings = Annotated[dict[str, Any], BeforeValidator(_plain)]
"""Settings of another section, as they stand in a recipe."""
