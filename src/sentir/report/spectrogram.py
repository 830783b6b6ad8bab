"""The mel spectrogram of a clip: as a figure, and as characters for a terminal."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE
from sentir.audio.mel import DEFAULT_MEL, HOP_LENGTH, mel_filter_bank
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import write_errors
from sentir.report.plot_style import DYNAMIC_RANGE_DB, escape_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    max_db = float(mel.max())
    image = axes.imshow(
        mel.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=max_db - DYNAMIC_RANGE_DB,
        vmax=max_db,
        interpolation="nearest",
    )
    figure.colorbar(image, ax=axes, label="dB")
    axes.set_title(escape_label(title, 100), fontsize=9)
    if audio.mel_kind == "mel":
        seconds = np.arange(0, len(mel) * HOP_LENGTH / SAMPLING_RATE, max(0.5, round(audio.seconds / 8)))
        axes.set_xticks(seconds * SAMPLING_RATE / HOP_LENGTH, [f"{second:g}" for second in seconds])
        axes.set_yticks([_hz_to_band(hertz) for hertz in _TICKS_HZ], [str(hertz) for hertz in _TICKS_HZ])
        axes.set_xlabel(_("seconds"))
        axes.set_ylabel("Hz")
    return figure


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


def _hz_to_band(frequency: int) -> float:
    """Return the position of a frequency in Hz on the axis of mel bands."""
    centers = mel_filter_bank().argmax(axis=0) * SAMPLING_RATE / DEFAULT_MEL.n_fft
    return float(np.interp(frequency, centers, np.arange(len(centers))))
