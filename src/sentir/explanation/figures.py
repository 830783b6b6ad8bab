"""Figures of explanations: maps over a spectrogram, and what a score loses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sentir.evaluation.results import Comparison, gain, is_share
from sentir.explanation.results import Importance, ModelExplanation, SoundMap
from sentir.i18n import _, localized, mark, thousands
from sentir.report.figures import COLORS, _canvas, _plain
from sentir.report.spectrogram import RANGE_DB
from sentir.report.words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TEXT, _SMALL = 9, 8
_HERTZ = (250, 500, 1000, 2000, 4000)
MAP_NAMES = {
    "words": mark("words"),
    "evidence": mark("Grad-CAM"),
    "local_gate": mark("local gate"),
    "global_gate": mark("global gate"),
}
PARTS = {"text": mark("text"), "sound": mark("audio"), "context": mark("context"), "numbers": mark("features")}


def sound_figure(sound: SoundMap, name: str) -> Figure:
    """Draw a map over the gray spectrogram: color where it is high, a line around its upper half.

    Args:
        sound: the maps.
        name: one of `sentir.explanation.results.MAPS`.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure, axes = _canvas(height=2.4)
    mel, high = sound.mel.T, sound.resampled(name).T
    loudest = float(mel.max())
    axes.imshow(mel, origin="lower", aspect="auto", cmap="gray", vmin=loudest - RANGE_DB, vmax=loudest)
    low, top = float(high.min()), float(high.max())
    share = (high - low) / (top - low) if top > low else np.zeros_like(high)
    axes.imshow(high, origin="lower", aspect="auto", cmap="inferno", vmin=low, vmax=top, alpha=0.75 * share)
    if top > low:
        axes.contour(share, levels=[0.5], colors="white", linewidths=1.0)
    scale = ScalarMappable(Normalize(low, top), "inferno")
    figure.colorbar(scale, ax=axes).ax.tick_params(labelsize=_SMALL)
    _name_axes(axes, sound)
    return figure


def _name_axes(axes: Axes, sound: SoundMap) -> None:
    if sound.kind != "mel":
        axes.set_xticks([])
        axes.set_yticks([])
        return
    seconds = sound.seconds
    ticks = np.arange(np.ceil(2 * seconds[0]) / 2, seconds[-1] + 1e-6, max(0.5, round(np.ptp(seconds) / 8)))
    axes.set_xticks(np.interp(ticks, seconds, np.arange(len(seconds))), [f"{tick:g}" for tick in ticks])
    bands = np.interp(_HERTZ, sound.hertz, np.arange(len(sound.hertz)))
    axes.set_yticks(bands, [str(hertz) for hertz in _HERTZ])
    axes.set_xlabel(_("seconds"), fontsize=_TEXT)
    axes.set_ylabel("Hz", fontsize=_TEXT)


def sound_text(sound: SoundMap, name: str) -> str:
    """Say where a map is high, for those who cannot see it."""
    values = sound.maps[name]
    low, high = localized(f"{values.min():.2f}"), localized(f"{values.max():.2f}")
    if values.min() == values.max():
        return _("The same everywhere: {value}.", value=high)
    peak = sound.peak(name)
    if peak is None:
        return _("From {low} to {high}.", low=low, high=high)
    seconds = localized(f"{peak[0]:.2f}–{peak[1]:.2f} s")
    hertz = f"{thousands(peak[2])}–{thousands(peak[3])} Hz"
    return _(
        "From {low} to {high}; highest at {seconds}, {hertz}.", low=low, high=high, seconds=seconds, hertz=hertz
    )


def withheld_figure(found: ModelExplanation) -> Figure:
    """Draw what the score loses without each kind of thing, with its interval."""
    rows = [
        (_(PARTS[w.part]), gain(found.metric, w.comparison.difference), *_bounds(found.metric, w.comparison))
        for w in found.withheld
    ]
    return _losses(rows, found.metric)


def importance_figure(rows: Sequence[Importance], metric: str) -> Figure:
    """Draw what the score loses when numbers are permuted, with its interval."""
    return _losses([(one.name, one.loss, one.low, one.high) for one in rows], metric)


def _bounds(metric: str, comparison: Comparison) -> tuple[float | None, float | None]:
    if comparison.low is None or comparison.high is None:
        return None, None
    low, high = sorted(gain(metric, bound) for bound in (comparison.low, comparison.high))
    return low, high


def _losses(rows: Sequence[tuple[str, float, float | None, float | None]], metric: str) -> Figure:
    factor = 100 if is_share(metric) else 1
    figure, axes = _canvas(height=0.8 + 0.3 * len(rows))
    for n, (_name, loss, low, high) in enumerate(rows):
        if low is not None and high is not None:
            ends = [factor * low, factor * high]
            axes.plot(ends, [n, n], color=COLORS[0], lw=2.5, alpha=0.6, solid_capstyle="round")
        axes.plot(factor * loss, n, "o", ms=5.5, color=COLORS[0])
    axes.axvline(0, color="black", lw=0.8, alpha=0.5, ls="--")
    axes.set_yticks(range(len(rows)), [_plain(row[0]) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(
        _("points of {metric} lost", metric=word(metric))
        if factor > 1
        else _("{metric} lost", metric=word(metric)),
        fontsize=_TEXT,
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure
