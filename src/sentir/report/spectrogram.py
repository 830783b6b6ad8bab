"""The spectrogram of one clip: a figure with axes, and a picture of characters for a terminal."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import RATE
from sentir.audio.mel import HOP, MEL, mel_filters
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.report.figures import _plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sentir.corpus.utterances import Sound

RANGE_DB = 80.0  # from the brightest to the darkest
FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
_SHADES = " ░▒▓█"
_HERTZ = (250, 500, 1000, 2000, 4000, 8000)


def spectrogram_figure(sound: Sound, title: str) -> Figure:
    """Draw the mel of a sound: seconds to the right, Hz upward, dB as color.

    A picture made elsewhere has no known axes and is drawn as it is.

    Raises:
        ValueError: if the sound has no mel.
    """
    from matplotlib.figure import Figure

    mel = _mel(sound)
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    loudest = float(mel.max())
    drawn = axes.imshow(
        mel.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=loudest - RANGE_DB,
        vmax=loudest,
        interpolation="nearest",
    )
    figure.colorbar(drawn, ax=axes, label="dB")
    axes.set_title(_plain(title, 100), fontsize=9)
    if sound.kind == "mel":
        seconds = np.arange(0, len(mel) * HOP / RATE, max(0.5, round(sound.seconds / 8)))
        axes.set_xticks(seconds * RATE / HOP, [f"{second:g}" for second in seconds])
        axes.set_yticks([_band(hertz) for hertz in _HERTZ], [str(hertz) for hertz in _HERTZ])
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


def spectrogram_text(sound: Sound, *, columns: int = 64, rows: int = 8) -> list[str]:
    """Draw the mel of a sound with characters, high tones first, one line for each of ``rows``.

    Raises:
        ValueError: if the sound has no mel.
    """
    mel = _mel(sound)
    pooled = _pool(_pool(mel, columns).T, rows)
    share = np.clip((pooled - pooled.max()) / (RANGE_DB * 0.75) + 1, 0, 1)
    shades = np.array(list(_SHADES))[(share * (len(_SHADES) - 1)).round().astype(int)]
    return ["".join(line) for line in shades[::-1]]


def _pool(table: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Average neighboring rows, so that at most ``n`` are left."""
    edges = np.linspace(0, len(table), min(n, len(table)) + 1).astype(int)
    return np.stack([table[low:high].mean(axis=0) for low, high in pairwise(edges)])


def _mel(sound: Sound) -> NDArray[np.float32]:
    if sound.mel is None:
        raise ValueError("this sound has no mel")
    return np.asarray(sound.mel, dtype=np.float32)


def _band(hertz: int) -> float:
    """Return the place of a frequency on the axis of bands."""
    centers = mel_filters().argmax(axis=0) * RATE / MEL.fft
    return float(np.interp(hertz, centers, np.arange(len(centers))))
