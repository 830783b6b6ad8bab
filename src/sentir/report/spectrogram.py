"""The mel spectrogram of a clip: as a figure, and as characters for a terminal."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE
from sentir.audio.mel import HOP_LENGTH, mel_band_frequencies
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import write_errors
from sentir.report.plot_style import DYNAMIC_RANGE_DB, FONT_SIZE, escape_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from sentir.corpus.utterances import AudioFeatures

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
_SHADES = " ░▒▓█"
_TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000)


def plot_spectrogram(audio: AudioFeatures, title: str) -> Figure:
    """Draw a mel spectrogram: seconds to the right, Hz upward, dB as color.

    Other kinds of images have no known axes and are drawn without them.

    Raises:
        ValueError: if the audio has no mel spectrogram.
    """
    from matplotlib.figure import Figure

    mel = _require_mel(audio)
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    figure.colorbar(draw_spectrogram(axes, mel, "magma"), ax=axes, label="dB")
    axes.set_title(escape_label(title, 100), fontsize=FONT_SIZE)
    if audio.mel_kind == "mel":
        name_spectrogram_axes(axes, np.arange(len(mel) + 1) * HOP_LENGTH / SAMPLING_RATE)
    return figure


def draw_spectrogram(axes: Axes, mel: NDArray[np.floating], colors: str) -> AxesImage:
    """Draw a mel spectrogram, ``(frames, bands)``, in a range of `DYNAMIC_RANGE_DB`."""
    max_db = float(mel.max())
    return axes.imshow(
        mel.T, origin="lower", aspect="auto", cmap=colors, vmin=max_db - DYNAMIC_RANGE_DB, vmax=max_db,
        interpolation="nearest",
    )  # fmt: skip


def name_spectrogram_axes(axes: Axes, seconds: NDArray[np.floating]) -> None:
    """Write frequencies on the axes, and times, by the second of each frame."""
    ticks = np.arange(np.ceil(2 * seconds[0]) / 2, seconds[-1] + 1e-6, max(0.5, round(np.ptp(seconds) / 8)))
    axes.set_xticks(np.interp(ticks, seconds, np.arange(len(seconds))), [f"{tick:g}" for tick in ticks])
    frequencies = mel_band_frequencies()
    bands = np.interp(_TICKS_HZ, frequencies, np.arange(len(frequencies)))
    axes.set_yticks(bands, [str(hertz) for hertz in _TICKS_HZ])
    axes.set_xlabel(_("seconds"), fontsize=FONT_SIZE)
    axes.set_ylabel("Hz", fontsize=FONT_SIZE)


def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure as PNG, SVG or PDF, by the suffix of ``path``.

    Raises:
        SentirError: if the suffix is another one, or the file cannot be written.
    """
    if path.suffix.lower() not in FIGURE_SUFFIXES:
        raise SentirError(
            _("{path} is not a supported image format; use a name that ends in {known}.",
              path=path, known=", ".join(FIGURE_SUFFIXES))
        )  # fmt: skip
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)


def render_spectrogram_text(audio: AudioFeatures, *, columns: int = 64, rows: int = 8) -> list[str]:
    """Draw a mel spectrogram with characters, high frequencies first, in at most ``rows`` lines.

    Raises:
        ValueError: if the audio has no mel spectrogram.
    """
    mel = _require_mel(audio)
    pooled = _average_pool(_average_pool(mel, columns).T, rows)
    brightness = np.clip((pooled - pooled.max()) / (DYNAMIC_RANGE_DB * 0.75) + 1, 0, 1)
    shades = np.array(list(_SHADES))[(brightness * (len(_SHADES) - 1)).round().astype(int)]
    return ["".join(line) for line in shades[::-1]]


def _average_pool(values: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Average neighboring rows, so that at most ``n`` remain."""
    edges = np.linspace(0, len(values), min(n, len(values)) + 1).astype(int)
    return np.stack([values[low:high].mean(axis=0) for low, high in pairwise(edges)])


def _require_mel(audio: AudioFeatures) -> NDArray[np.float32]:
    if audio.mel is None:
        raise ValueError("the audio has no mel spectrogram")
    return np.asarray(audio.mel, dtype=np.float32)
