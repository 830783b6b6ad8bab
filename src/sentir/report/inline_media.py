"""Spectrograms and sound inside the page, as data URIs: nothing is loaded from anywhere."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import RATE, Wave
from sentir.report.study_report import Example

RANGE_DB = 80.0  # from the brightest color to the darkest
_COLORS = 64  # enough for the eye, and a third of the size of all shades
_FORMATS = {  # the smallest that the library can write: format → subtype and media type
    "MP3": ("MPEG_LAYER_III", "audio/mpeg"),
    "OGG": ("VORBIS", "audio/ogg"),
    "WAV": ("PCM_16", "audio/wav"),
}


@dataclass(frozen=True, slots=True)
class Media:
    """One example's picture and sound as data URIs.

    Attributes:
        seconds: of sound.
        ticks: whole seconds → place on the time axis in percent.
    """

    picture: str
    sound: str
    seconds: float
    ticks: dict[int, float]

    def __len__(self) -> int:
        """Return how many bytes of a page it takes."""
        return len(self.picture) + len(self.sound)


def media(examples: Sequence[Example]) -> dict[tuple[str, str], Media]:
    """Return (corpus, id) → picture and sound of every example; the colors of a corpus share one scale."""
    loudest: dict[str, float] = {}
    for example in examples:
        loudest[example.corpus] = max(float(example.mel.max()), loudest.get(example.corpus, -np.inf))
    return {(example.corpus, example.id): _media(example, loudest[example.corpus]) for example in examples}


def _media(example: Example, loudest: float) -> Media:
    seconds = len(example.wave) / RATE
    return Media(
        picture=_uri("image/png", spectrogram(example.mel, loudest)),
        sound=_uri(*playable(example.wave)),
        seconds=seconds,
        ticks={second: round(100 * second / seconds, 2) for second in range(int(seconds) + 1)},
    )


def spectrogram(mel: NDArray[np.floating], loudest: float) -> bytes:
    """Draw a mel as PNG: time to the right, low bands at the bottom, one pixel per frame and band.

    Args:
        mel: ``(frames, bands)`` in dB.
        loudest: the level in dB of the brightest color; `RANGE_DB` below it all is dark.
    """
    from matplotlib import colormaps
    from PIL import Image

    share = np.clip((mel.T[::-1].astype(np.float32) - loudest) / RANGE_DB + 1, 0, 1)
    image = Image.fromarray((share * (_COLORS - 1)).round().astype(np.uint8))
    colors = colormaps["magma"](np.linspace(0, 1, _COLORS), bytes=True)[:, :3]
    image.putpalette(colors.tobytes())
    file = io.BytesIO()
    image.save(file, format="png", optimize=True)
    return file.getvalue()


def playable(wave: Wave) -> tuple[str, bytes]:
    """Encode sound for a browser, and return its media type and content."""
    import soundfile

    available = soundfile.available_formats()
    name = next(name for name in _FORMATS if name in available)
    subtype, kind = _FORMATS[name]
    file = io.BytesIO()
    soundfile.write(file, np.clip(wave, -1, 1), RATE, format=name, subtype=subtype)
    return kind, file.getvalue()


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"
