"""The speed of the mel spectrogram against librosa at equal settings, and with all descriptors, on one thread.

Without librosa, Sentir alone is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from sentir.audio.descriptors import extract_descriptors
from sentir.audio.mel import (
    HOP_LENGTH,
    N_FFT,
    N_MELS,
    SAMPLING_RATE,
    WIN_LENGTH,
    compute_power_frames,
    power_to_mel_db,
)
from sentir.bench.timing import Row, alternate
from sentir.optional_dependencies import is_installed

SECONDS = 4
ROUNDS = 30


def sentir_mel(waveform: np.ndarray) -> np.ndarray:
    """Return a mel spectrogram as Sentir computes it."""
    return power_to_mel_db(compute_power_frames(waveform))


def librosa_power(waveform: np.ndarray) -> np.ndarray:
    """Return the power of mel bands at Sentir's settings, ``(bands, frames)``, computed by librosa."""
    import librosa

    power: np.ndarray = librosa.feature.melspectrogram(
        y=waveform,
        sr=SAMPLING_RATE,
        n_fft=N_FFT,
        win_length=WIN_LENGTH,
        hop_length=HOP_LENGTH,
        n_mels=N_MELS,
    )
    return power


def librosa_mel(waveform: np.ndarray) -> np.ndarray:
    """Return the same as `sentir_mel`, computed by librosa."""
    import librosa

    return librosa.power_to_db(librosa_power(waveform), ref=1.0, amin=1e-10, top_db=None).T


def rows() -> Iterator[Row]:
    """Yield the table."""
    waveform = (0.1 * np.random.default_rng(0).standard_normal(SECONDS * SAMPLING_RATE)).astype(np.float32)
    works = {"Sentir": sentir_mel, "Sentir, with all descriptors": extract_descriptors}
    if is_installed("librosa"):
        assert np.abs(sentir_mel(waveform) - librosa_mel(waveform)).max() < 1e-3  # decibels
        works = {"librosa": librosa_mel} | works
    times = alternate({name: partial(work, waveform) for name, work in works.items()}, ROUNDS)
    yield times.row(f"mel spectrogram of {SECONDS} s", "librosa", "Sentir", "2.2 to 2.6")
    yield times.row(f"mel spectrogram of {SECONDS} s", "librosa", "Sentir, with all descriptors")
