"""Spectrograms and audio of examples as data URIs, so that the page loads no other files."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE
from sentir.audio.encoding import encode_audio
from sentir.report.plot_style import DYNAMIC_RANGE_DB
from sentir.report.study_report import Example

_PALETTE_SIZE = 64  # colors; visually as good as 256 in a third of the bytes


@dataclass(frozen=True, slots=True)
class InlineMedia:
    """The spectrogram and audio of an example as data URIs.

    Attributes:
        seconds: duration of the audio.
        ticks: whole seconds → position on the time axis in percent.
    """

    spectrogram_uri: str
    audio_uri: str
    seconds: float
    ticks: dict[int, float]

    def __len__(self) -> int:
        """Return the size in the page, in bytes."""
        return len(self.spectrogram_uri) + len(self.audio_uri)


def make_inline_media(examples: Sequence[Example]) -> dict[tuple[str, str], InlineMedia]:
    """Return (corpus, id) → spectrogram and audio of every example; the colors of a corpus share one scale."""
    max_db: dict[str, float] = {}
    for example in examples:
        max_db[example.corpus] = max(float(example.mel.max()), max_db.get(example.corpus, -np.inf))
    return {
        (example.corpus, example.id): _make_example_media(example, max_db[example.corpus]) for example in examples
    }


def _make_example_media(example: Example, max_db: float) -> InlineMedia:
    seconds = len(example.waveform) / SAMPLING_RATE
    return InlineMedia(
        spectrogram_uri=_data_uri("image/png", encode_spectrogram_png(example.mel, max_db)),
        audio_uri=_data_uri(*encode_audio(example.waveform)),
        seconds=seconds,
        ticks={second: round(100 * second / seconds, 2) for second in range(int(seconds) + 1)},
    )


def encode_spectrogram_png(mel: NDArray[np.floating], max_db: float) -> bytes:
    """Draw a mel spectrogram as PNG: time to the right, low bands at the bottom, one pixel per frame and band.

    Args:
        mel: ``(frames, bands)`` in dB.
        max_db: the level in dB of the brightest color; `DYNAMIC_RANGE_DB` below it is the darkest.
    """
    from matplotlib import colormaps
    from PIL import Image

    brightness = np.clip((mel.T[::-1].astype(np.float32) - max_db) / DYNAMIC_RANGE_DB + 1, 0, 1)
    image = Image.fromarray((brightness * (_PALETTE_SIZE - 1)).round().astype(np.uint8))
    colors = colormaps["magma"](np.linspace(0, 1, _PALETTE_SIZE), bytes=True)[:, :3]
    image.putpalette(colors.tobytes())
    file = io.BytesIO()
    image.save(file, format="png", optimize=True)
    return file.getvalue()


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(content).decode()}"
