"""A timeline with what can be done with it: data frame, files, figure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.paths import PathLike
from sentir.timelines.document import TimelineDocument
from sentir.timelines.formats import save_timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


class Timeline(TimelineDocument):
    """The turns of a recording with their predictions; see `sentir.timelines.document.TimelineDocument`."""

    def at_path(self, recording: PathLike) -> Timeline:
        """Return it with the path of its recording, for formats that include audio or waveform."""
        return replace(self, path=Path(recording))

    def to_frame(self) -> DataFrame:
        """Return a data frame with a row per turn, indexed by ``file``, ``start`` and ``end`` as in audformat."""
        from sentir.timelines.formats.table import to_frame

        return to_frame(self)

    def save(self, path: PathLike, *, format: str | None = None) -> None:
        """Write it in the format of the suffix, or in ``format``; see `sentir.timelines.formats`.

        Raises:
            TimelineError: if the format is unknown, or cannot hold a timeline without times.
            SentirError: if the file cannot be written.
        """
        save_timeline(self, Path(path), format)

    def plot(self) -> Figure:
        """Return a figure of the turns, colored by label, above the curve."""
        from sentir.timelines.figure import plot_timeline

        return plot_timeline(self)
