"""Figures of explanations: maps over a mel spectrogram, and decreases of a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sentir.display_names import display_name
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.explanation.results import AudioAttribution, FeatureImportance, ModelExplanation
from sentir.i18n import _, format_count, format_decimal, gettext_noop, localize_numbers
from sentir.report.plot_style import COLORS, SMALL_FONT_SIZE, IntervalRow, make_axes, plot_intervals
from sentir.report.spectrogram import draw_spectrogram, name_spectrogram_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAP_NAMES = {
    "words": gettext_noop("words"),
    "grad_cam": gettext_noop("Grad-CAM"),
    "local_gate": gettext_noop("local gate"),
    "global_gate": gettext_noop("global gate"),
}


def audio_attribution_figure(attribution: AudioAttribution, name: str) -> Figure:
    """Draw a map in color over the gray mel spectrogram, with a line around the upper half of its range.

    Args:
        attribution: the maps.
        name: one of `sentir.explanation.results.AUDIO_MAPS`.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure, axes = make_axes(height=2.4)
    draw_spectrogram(axes, attribution.mel, "gray")
    values = attribution.upsample(name).T
    low, top = float(values.min()), float(values.max())
    share = (values - low) / (top - low) if top > low else np.zeros_like(values)
    axes.imshow(values, origin="lower", aspect="auto", cmap="inferno", vmin=low, vmax=top, alpha=0.75 * share)
    if top > low:
        axes.contour(share, levels=[0.5], colors="white", linewidths=1.0)
    scale = ScalarMappable(Normalize(low, top), "inferno")
    figure.colorbar(scale, ax=axes).ax.tick_params(labelsize=SMALL_FONT_SIZE)
    if attribution.kind == "mel":
        name_spectrogram_axes(axes, attribution.seconds)
    else:
        axes.set_xticks([])
        axes.set_yticks([])
    return figure


def audio_attribution_alt_text(attribution: AudioAttribution, name: str) -> str:
    """Return a description of a map for screen readers."""
    values = attribution.maps[name]
    low, high = format_decimal(values.min(), 2), format_decimal(values.max(), 2)
    if values.min() == values.max():
        return _("The same everywhere: {value}.", value=high)
    peak = attribution.find_peak(name)
    if peak is None:
        return _("From {low} to {high}.", low=low, high=high)
    seconds = localize_numbers(f"{peak[0]:.2f}–{peak[1]:.2f} s")
    hertz = f"{format_count(peak[2])}–{format_count(peak[3])} Hz"
    return _(
        "From {low} to {high}; highest at {seconds}, {hertz}.", low=low, high=high, seconds=seconds, hertz=hertz
    )


def ablation_figure(explanation: ModelExplanation) -> Figure:
    """Draw the decrease of the score without each kind of input, with its interval."""
    sign = get_metric(explanation.metric).sign
    rows = []
    for one in explanation.ablations:
        c = one.comparison
        low, high = (None if bound is None else sign * bound for bound in (c.low, c.high)[::sign])
        rows.append((display_name(one.ablated), sign * c.difference, low, high, COLORS[0]))
    return _plot_score_drops(rows, explanation.metric)


def importance_figure(rows: Sequence[FeatureImportance], metric: str) -> Figure:
    """Draw the decrease of the score when features are permuted, with its interval."""
    return _plot_score_drops([(one.name, one.score_drop, one.low, one.high, COLORS[0]) for one in rows], metric)


def _plot_score_drops(rows: Sequence[IntervalRow], metric: str) -> Figure:
    name, factor = metric_display_name(metric), 100 if get_metric(metric).is_proportion else 1
    x_label = _("points of {metric} lost", metric=name) if factor > 1 else _("{metric} lost", metric=name)
    return plot_intervals(rows, x_label, factor=factor, zero_line=True)
