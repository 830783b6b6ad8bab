"""A figure of a timeline: its turns, colored by label, above the curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sentir.display_names import display_name
from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.timelines.colors import label_color
from sentir.timelines.document import CURVE_STEP, TimelineDocument

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_timeline(timeline: TimelineDocument) -> Figure:
    """Return a figure with a lane of turns per speaker and, below, the curve of each label.

    Raises:
        TimelineError: if matplotlib is not installed, or the turns have no times.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise TimelineError(_("This needs {package} (pip install {package}).", package="matplotlib")) from error
    if not timeline.has_times:
        raise TimelineError(_("Turns without times cannot be plotted."))
    speakers = list(dict.fromkeys(turn.speaker or "" for turn in timeline.turns)) or [""]
    figure = Figure(figsize=(10, 2.6 + 0.35 * len(speakers)), layout="constrained")
    turns, curve = figure.subplots(2, 1, sharex=True, height_ratios=[len(speakers), 3])
    for turn in timeline.turns:
        color = label_color(turn.labels[0], timeline.labels) if turn.labels else "#bbbbbb"
        lane = speakers.index(turn.speaker or "")
        turns.broken_barh([(turn.start or 0.0, turn.seconds)], (lane - 0.4, 0.8), facecolors=color)
    turns.set_yticks(range(len(speakers)), speakers)
    turns.set_ylim(len(speakers) - 0.5, -0.5)
    values = timeline.curve
    seconds = np.arange(len(values)) * CURVE_STEP + CURVE_STEP / 2
    for name, column in zip(timeline.labels, values.T, strict=True):
        curve.plot(seconds, column, color=label_color(name, timeline.labels), label=display_name(name), lw=1.2)
    curve.set_xlabel(_("seconds"))
    if timeline.labels:
        curve.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize="small")
    return figure
