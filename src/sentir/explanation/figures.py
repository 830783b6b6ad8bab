"""Figures of explanations: maps over a mel spectrogram, and decreases of a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.evaluation.results import Comparison
from sentir.explanation.results import AudioAttribution, FeatureImportance, ModelExplanation
from sentir.i18n import _, format_count, gettext_noop, localize_numbers
from sentir.report.plot_style import COLORS, DYNAMIC_RANGE_DB, escape_label, make_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FONT_SIZE, _SMALL_FONT_SIZE = 9, 8
_FREQUENCY_TICKS = (250, 500, 1000, 2000, 4000)
MAP_NAMES = {
    "words": gettext_noop("words"),
    "grad_cam": gettext_noop("Grad-CAM"),
    "local_gate": gettext_noop("local gate"),
    "global_gate": gettext_noop("global gate"),
}
INPUT_NAMES = {
    "text": gettext_noop("text"),
    "audio": gettext_noop("audio"),
    "context": gettext_noop("context"),
    "features": gettext_noop("features"),
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
    mel, values = attribution.mel.T, attribution.upsample(name).T
    loudest = float(mel.max())
    axes.imshow(mel, origin="lower", aspect="auto", cmap="gray", vmin=loudest - DYNAMIC_RANGE_DB, vmax=loudest)
    low, top = float(values.min()), float(values.max())
    share = (values - low) / (top - low) if top > low else np.zeros_like(values)
    axes.imshow(values, origin="lower", aspect="auto", cmap="inferno", vmin=low, vmax=top, alpha=0.75 * share)
    if top > low:
        axes.contour(share, levels=[0.5], colors="white", linewidths=1.0)
    scale = ScalarMappable(Normalize(low, top), "inferno")
    figure.colorbar(scale, ax=axes).ax.tick_params(labelsize=_SMALL_FONT_SIZE)
    _name_axes(axes, attribution)
    return figure


def _name_axes(axes: Axes, attribution: AudioAttribution) -> None:
    if attribution.kind != "mel":
        axes.set_xticks([])
        axes.set_yticks([])
        return
    seconds = attribution.seconds
    ticks = np.arange(np.ceil(2 * seconds[0]) / 2, seconds[-1] + 1e-6, max(0.5, round(np.ptp(seconds) / 8)))
    axes.set_xticks(np.interp(ticks, seconds, np.arange(len(seconds))), [f"{tick:g}" for tick in ticks])
    bands = np.interp(_FREQUENCY_TICKS, attribution.frequencies, np.arange(len(attribution.frequencies)))
    axes.set_yticks(bands, [str(hertz) for hertz in _FREQUENCY_TICKS])
    axes.set_xlabel(_("seconds"), fontsize=_FONT_SIZE)
    axes.set_ylabel("Hz", fontsize=_FONT_SIZE)


def audio_attribution_alt_text(attribution: AudioAttribution, name: str) -> str:
    """Return a description of a map for screen readers."""
    values = attribution.maps[name]
    low, high = localize_numbers(f"{values.min():.2f}"), localize_numbers(f"{values.max():.2f}")
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
    rows = [
        (
            _(INPUT_NAMES[one.ablated]),
            get_metric(explanation.metric).sign * one.comparison.difference,
            *_score_drop_interval(explanation.metric, one.comparison),
        )
        for one in explanation.ablations
    ]
    return _score_drop_figure(rows, explanation.metric)


def importance_figure(rows: Sequence[FeatureImportance], metric: str) -> Figure:
    """Draw the decrease of the score when features are permuted, with its interval."""
    return _score_drop_figure([(one.name, one.score_drop, one.low, one.high) for one in rows], metric)


def _score_drop_interval(metric: str, comparison: Comparison) -> tuple[float | None, float | None]:
    if comparison.low is None or comparison.high is None:
        return None, None
    low, high = sorted(get_metric(metric).sign * bound for bound in (comparison.low, comparison.high))
    return low, high


def _score_drop_figure(rows: Sequence[tuple[str, float, float | None, float | None]], metric: str) -> Figure:
    factor = 100 if get_metric(metric).is_proportion else 1
    figure, axes = make_axes(height=0.8 + 0.3 * len(rows))
    for n, (_name, drop, low, high) in enumerate(rows):
        if low is not None and high is not None:
            ends = [factor * low, factor * high]
            axes.plot(ends, [n, n], color=COLORS[0], lw=2.5, alpha=0.6, solid_capstyle="round")
        axes.plot(factor * drop, n, "o", ms=5.5, color=COLORS[0])
    axes.axvline(0, color="black", lw=0.8, alpha=0.5, ls="--")
    axes.set_yticks(range(len(rows)), [escape_label(row[0]) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(
        _("points of {metric} lost", metric=metric_display_name(metric))
        if factor > 1
        else _("{metric} lost", metric=metric_display_name(metric)),
        fontsize=_FONT_SIZE,
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure
