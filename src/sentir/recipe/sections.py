"""What every section of a recipe is: a frozen table of settings that refuses keys it does not know."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen table of settings that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
