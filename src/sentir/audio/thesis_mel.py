"""Mel spectrograms as in the thesis, 224 by 224: to reproduce it, and to read its published ``.npy`` files.

They resize four seconds to a square, in decibels relative to the loudest moment of the file, so that loudness is
lost; everything else uses `sentir.audio.mel`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentir.array_files import open_array
from sentir.audio.decoding import SAMPLING_RATE, Waveform
from sentir.audio.mel import MelSettings, compute_power_frames, power_to_mel_db
from sentir.errors import AudioError
from sentir.i18n import _

THESIS_IMAGE_SIZE = 224
THESIS_SECONDS = 4
TOP_DB = 80.0
THESIS_MEL = MelSettings(win_length=2048, hop_length=512, n_fft=2048, n_mels=128)


def compute_thesis_mel(waveform: Waveform) -> NDArray[np.float32]:
    """Return the mel spectrogram of the first four seconds, ``(224, 224)`` (time, bands), in dB from -80 to 0.

    Shorter waveforms are padded with zeros. Frames and bands are librosa's defaults (2,048 samples, 512 apart,
    128 bands), decibels are relative to the loudest value, silence is 0 throughout, as with
    ``power_to_db(ref=np.max)``, and the 126 by 128 values are resized by linear interpolation with fixed corners.
    """
    padded = np.zeros(THESIS_SECONDS * SAMPLING_RATE, dtype=np.float32)
    start = waveform[: len(padded)]
    padded[: len(start)] = start
    mel = power_to_mel_db(compute_power_frames(padded, settings=THESIS_MEL), settings=THESIS_MEL)
    mel = np.maximum(mel - mel.max(), -TOP_DB)
    return (_interpolation_weights(mel.shape[0]) @ mel @ _interpolation_weights(mel.shape[1]).T).astype(
        np.float32
    )


@cache
def _interpolation_weights(length: int) -> NDArray[np.float64]:
    """Return the weights of linear interpolation from ``length`` values to 224, ``(224, length)``."""
    positions = np.linspace(0, length - 1, THESIS_IMAGE_SIZE)
    return np.maximum(1 - np.abs(positions[:, None] - np.arange(length)), 0)


def load_thesis_mel(path: Path) -> NDArray[np.float32]:
    """Read a published spectrogram, stored in librosa's layout (bands, time), lowest band first.

    Returns:
        ``(224, 224)`` (time, bands) in dB.

    Raises:
        AudioError: if the file is missing, empty, or not a 224 by 224 array of finite floating-point numbers.
    """
    array = _open_array(path)
    if array.shape != (THESIS_IMAGE_SIZE, THESIS_IMAGE_SIZE) or not np.issubdtype(array.dtype, np.floating):
        shape = " × ".join(map(str, array.shape))
        raise _invalid_spectrogram_error(
            path, _("numbers of type {type}, {shape}", type=array.dtype, shape=shape)
        )
    with np.errstate(over="ignore"):
        mel = np.ascontiguousarray(array.T, dtype=np.float32)
        stored = mel.astype(np.float16)
    if not np.isfinite(stored).all():
        raise _invalid_spectrogram_error(path, _("infinite or missing numbers"))
    return mel


def _open_array(path: Path) -> NDArray[np.generic]:
    """Map the array to memory, so that a header with an excessive shape allocates nothing."""
    if not path.is_file():
        raise AudioError("missing", _("The spectrogram {path} does not exist; check the path.", path=path))
    if path.stat().st_size == 0:
        raise AudioError("empty", _("The spectrogram {path} is empty; copy it again.", path=path))
    try:
        return open_array(path)
    except (ValueError, OSError) as error:
        raise _invalid_spectrogram_error(path, _("no array that can be read ({why})", why=error)) from error


def _invalid_spectrogram_error(path: Path, content: str) -> AudioError:
    return AudioError(
        "undecodable",
        _(
            "The spectrogram {path} contains {content}; "
            "use a NumPy file of {side} × {side} floating-point numbers in dB.",
            path=path,
            content=content,
            side=THESIS_IMAGE_SIZE,
        ),
    )
