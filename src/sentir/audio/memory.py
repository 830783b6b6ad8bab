"""Audio in memory → clips: the bytes of a media file as they are, samples as the WAV that holds the same numbers.

So everything in memory goes through the decoders of files, and gives the same numbers.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentir.audio.segments import MAX_SAMPLING_RATE, MIN_SAMPLING_RATE
from sentir.corpus.utterances import AudioContent, Clip
from sentir.errors import AudioError
from sentir.i18n import _

_PCM, _IEEE_FLOAT = 1, 3  # formats of WAV
_FORMATS = {"u1": _PCM, "i2": _PCM, "i4": _PCM, "f4": _IEEE_FLOAT, "f8": _IEEE_FLOAT}
_MAX_BYTES = (1 << 32) - 37  # that a WAV can declare


def clip_from_bytes(
    name: str, data: bytes | bytearray | memoryview, start: float | None = None, end: float | None = None
) -> Clip:
    """Return the clip of a media file in memory.

    Args:
        name: what messages call it.
        data: the content of an audio file, or of a video with an audio track.
        start, end: in seconds; ``None`` is the start or the end of the file.
    """
    content = bytes(data)
    return Clip(Path(name), start, end, AudioContent(content, hashlib.sha256(content).hexdigest()))


def clip_from_samples(
    name: str, samples: NDArray, sampling_rate: object, start: float | None = None, end: float | None = None
) -> Clip:
    """Return the clip of samples in memory.

    Args:
        name: what messages call it.
        samples: ``(samples,)``: floats with full scale at ±1, or integers (uint8, int16 or int32) with full scale
            at the ends of their range.
        sampling_rate: in Hz.
        start, end: in seconds; ``None`` is the start or the end.

    Raises:
        AudioError: ``invalid_samples``, if they are not one row of such numbers, or the rate is impossible.
    """
    data = np.atleast_1d(np.asarray(samples))
    if data.ndim != 1:
        raise _invalid(
            _("Audio samples must be one row, (samples,), and these have the shape {shape}; average the "
              "channels, as in array.mean(axis=…).", shape=data.shape)
        )  # fmt: skip
    if data.dtype == np.float16:
        data = data.astype(np.float32)
    kind = data.dtype.str[1:]
    if kind not in _FORMATS:
        raise _invalid(
            _("Audio samples must be floats in -1 to 1 or integers (uint8, int16, int32), not {dtype}.",
              dtype=data.dtype)
        )  # fmt: skip
    rate = _check_sampling_rate(sampling_rate)
    content = data.astype(f"<{kind}").tobytes()
    if len(content) > _MAX_BYTES:
        raise _invalid(_("The array is too long ({n} bytes); cut it into clips.", n=len(content)))
    return clip_from_bytes(
        name, _wav_header(_FORMATS[kind], data.itemsize, rate, len(content)) + content, start, end
    )


def _check_sampling_rate(rate: object) -> int:
    if rate is None:
        raise _invalid(_("An array of samples needs its sampling rate: give sampling_rate=16000, or what it is."))
    is_whole = isinstance(rate, int | float | np.integer | np.floating) and not isinstance(rate, bool)
    if not (is_whole and float(rate).is_integer() and MIN_SAMPLING_RATE <= rate <= MAX_SAMPLING_RATE):  # type: ignore[arg-type, operator]
        raise _invalid(
            _("The sampling rate {rate} is impossible: give a whole number of Hz, from {lowest} to {highest}.",
              rate=repr(rate)[:40], lowest=MIN_SAMPLING_RATE, highest=MAX_SAMPLING_RATE)
        )  # fmt: skip
    return int(rate)  # type: ignore[call-overload, no-any-return]


def _wav_header(audio_format: int, item_size: int, rate: int, num_bytes: int) -> bytes:
    """Return the header of a mono WAV."""
    form = struct.pack("<HHIIHH", audio_format, 1, rate, rate * item_size, item_size, 8 * item_size)
    size = 4 + 8 + len(form) + 8 + num_bytes
    return (
        b"RIFF"
        + struct.pack("<I", size)
        + b"WAVEfmt "
        + struct.pack("<I", len(form))
        + form
        + b"data"
        + struct.pack("<I", num_bytes)
    )


def _invalid(message: str) -> AudioError:
    return AudioError("invalid_samples", message)
