"""The spectrogram of one clip: a figure with axes, and a picture of characters for a terminal."""

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
from sentir.report.plot_style import escape_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sentir.corpus.utterances import AudioFeatures

DYNAMIC_RANGE_DB = 80.0  # from the brightest to the darkest
FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
_SHADES = " ░▒▓█"
_TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000)


def plot_spectrogram(audio: AudioFeatures, title: str) -> Figure:
    """Draw the mel of a sound: seconds to the right, Hz upward, dB as color.

    A picture made elsewhere has no known axes and is drawn as it is.

    Raises:
        ValueError: if the sound has no mel.
    """
    from matplotlib.figure import Figure

    mel = _require_mel(audio)
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    loudest = float(mel.max())
    drawn = axes.imshow(
        mel.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=loudest - DYNAMIC_RANGE_DB,
        vmax=loudest,
        interpolation="nearest",
    )
    figure.colorbar(drawn, ax=axes, label="dB")
    axes.set_title(escape_label(title, 100), fontsize=9)
    if audio.kind == "mel":
        seconds = np.arange(0, len(mel) * HOP_LENGTH / SAMPLING_RATE, max(0.5, round(audio.seconds / 8)))
        axes.set_xticks(seconds * SAMPLING_RATE / HOP_LENGTH, [f"{second:g}" for second in seconds])
        axes.set_yticks([_hz_to_band(hertz) for hertz in _TICKS_HZ], [str(hertz) for hertz in _TICKS_HZ])
        axes.set_xlabel(_("seconds"))
        axes.set_ylabel("Hz")
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a file of the kind that its name ends in.

    Raises:
        SentirError: if it is of another kind or cannot be written.
    """
    if path.suffix.lower() not in FIGURE_SUFFIXES:
        raise SentirError(
            _(
                "{path} is no kind of picture; name a file that ends in {known}.",
                path=path,
                known=", ".join(FIGURE_SUFFIXES),
            )
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise SentirError(
            _("{path} cannot be written: {why}.", path=path, why=error.strerror or error)
        ) from error


def render_spectrogram_text(audio: AudioFeatures, *, columns: int = 64, rows: int = 8) -> list[str]:
    """Draw the mel of a sound with characters, high tones first, one line for each of ``rows``.

    Raises:
        ValueError: if the sound has no mel.
    """
    mel = _require_mel(audio)
    pooled = _average_pool(_average_pool(mel, columns).T, rows)
    share = np.clip((pooled - pooled.max()) / (DYNAMIC_RANGE_DB * 0.75) + 1, 0, 1)
    shades = np.array(list(_SHADES))[(share * (len(_SHADES) - 1)).round().astype(int)]
    return ["".join(line) for line in shades[::-1]]


def _average_pool(values: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Average neighboring rows, so that at most ``n`` are left."""
    edges = np.linspace(0, len(values), min(n, len(values)) + 1).astype(int)
    return np.stack([values[low:high].mean(axis=0) for low, high in pairwise(edges)])


def _require_mel(audio: AudioFeatures) -> NDArray[np.float32]:
    if audio.mel is None:
        raise ValueError("this sound has no mel")
    return np.asarray(audio.mel, dtype=np.float32)


def _hz_to_band(frequency: int) -> float:
    """Return the place of a frequency on the axis of bands."""
    centers = mel_filter_bank().argmax(axis=0) * SAMPLING_RATE / DEFAULT_MEL.n_fft
    return float(np.interp(frequency, centers, np.arange(len(centers))))
