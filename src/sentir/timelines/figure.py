"""A figure of a timeline: its turns, colored by label, above its curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentir.display_names import display_name
from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.timelines.colors import label_color
from sentir.timelines.document import CURVE_STEP, TimelineDocument

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_timeline(timeline: TimelineDocument) -> Figure:
    """Return a figure with a lane of turns per speaker and, below, a panel for each task with its curves.

    Raises:
        TimelineError: if matplotlib is not installed, or the turns have no times.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise TimelineError(
            _("The package {package} is missing; install it with: pip install {package}.", package="matplotlib")
        ) from error
    if not timeline.has_times:
        raise TimelineError(_("Turns without times cannot be plotted."))
    speakers = list(dict.fromkeys(turn.speaker or "" for turn in timeline.turns)) or [""]
    columns = dict(zip(timeline.labels, timeline.curve.T, strict=True))
    curves = {timeline.task: columns} | timeline.other_curves
    figure = Figure(figsize=(10, 0.8 + 1.8 * len(curves) + 0.35 * len(speakers)), layout="constrained")
    turns, *panels = figure.subplots(
        1 + len(curves), 1, sharex=True, height_ratios=[len(speakers), *[3] * len(curves)]
    )
    for turn in timeline.turns:
        color = label_color(turn.labels[0], timeline.labels) if turn.labels else "#bbbbbb"
        lane = speakers.index(turn.speaker or "")
        turns.broken_barh([(turn.start or 0.0, turn.seconds)], (lane - 0.4, 0.8), facecolors=color)
    turns.set_yticks(range(len(speakers)), speakers)
    turns.set_ylim(len(speakers) - 0.5, -0.5)
    for panel, named in zip(panels, curves.values(), strict=True):
        _draw_curves(panel, named)
    panels[-1].set_xlabel(_("seconds"))
    return figure


def _draw_curves(panel: Axes, columns: Mapping[str, NDArray[np.float64]]) -> None:
    labels = tuple(columns)
    for name, column in columns.items():
        seconds = np.arange(len(column)) * CURVE_STEP + CURVE_STEP / 2
        panel.plot(seconds, column, color=label_color(name, labels), label=display_name(name), lw=1.2)
    if columns:
        panel.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize="small")
