"""Scores with enrolled speakers, which used unlabeled clips of the speakers that they are measured on."""

from __future__ import annotations

from dataclasses import dataclass

from sentir.display_names import display_name
from sentir.i18n import _


@dataclass(frozen=True, slots=True)
class EnrollmentScore:
    """The score of a model that was given other clips of each speaker, without their labels.

    It is no score like those of other models, and is never ranked with them.

    Attributes:
        clips: most clips of each speaker; ``None`` for all others of the split.
        label: that all of the clips have, the one with the worst score; ``""`` for random clips.
        metric: name of the metric.
        value, low, high, sd: as in `sentir.evaluation.results.Score`.
    """

    clips: int | None
    label: str
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    sd: float | None = None

    @property
    def heading(self) -> str:
        """What was enrolled, for a table."""
        if self.label:
            return _("{n} of one label", n=self.clips)
        return _("all others") if self.clips is None else str(self.clips)

    @property
    def display_label(self) -> str:
        """The label of the clips, as a note on the score; ``""`` for random clips."""
        return f" ({display_name(self.label)})" if self.label else ""
