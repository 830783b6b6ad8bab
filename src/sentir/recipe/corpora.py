"""The sections of readers of published corpora, such as ``data.iemocap``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from sentir.recipe.sections import Section


class CremadSettings(Section):
    """How the reader ``cremad`` reads.

    Attributes:
        label: the emotion that the actor ``intended``, or the one that most raters ``voted`` for from the voice.
    """

    label: Literal["intended", "voted"] = "intended"


class IemocapSettings(Section):
    """How the reader ``iemocap`` reads.

    Attributes:
        labels: ``four`` (anger, joy with excitement, neutral, sadness), ``six`` (excitement and frustration of
            their own) or ``all`` nine; utterances with another label are kept without one.
    """

    labels: Literal["four", "six", "all"] = "four"


class MmeldSettings(Section):
    """How the reader ``mmeld`` reads.

    Attributes:
        language: of the texts: Spanish, French or Greek.
    """

    language: Literal["es", "fr", "el"] = "es"


class EmoboxSettings(Section):
    """How the reader ``emobox`` reads.

    Attributes:
        dataset: the name of a folder of manifests, such as ``ravdess``; needed if there are several.
        fold: the published fold whose test is read.
        audio_root: the folder of the clips, if they are not in ``downloads/<dataset>`` as EmoBox says.
        dev_fraction: share of train's speakers that are dev, where EmoBox has no dev split.
        seed: of the choice of these speakers.
    """

    recipe_paths: ClassVar[tuple[str, ...]] = ("audio_root",)

    dataset: str | None = None
    fold: int = Field(1, ge=1)
    audio_root: Path | None = None
    dev_fraction: float = Field(0.2, gt=0, lt=1)
    seed: int = 0
