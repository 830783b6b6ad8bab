"""The log-mel spectrogram, in NumPy and SciPy.

Training, prediction and audits use the same functions: a periodic Hann window, frames centered on multiples of
the hop, zero padding at both ends, Slaney's mel scale and area normalization. Decibels are relative to full
scale, never to the loudest moment of a file: loudness carries emotion.

The values equal ``librosa.power_to_db(librosa.feature.melspectrogram(...), ref=1.0, amin=1e-10, top_db=None)`` to
1e-4 dB in bands within 40 dB of the loudest band of their frame. Below that float32 rounding shows (librosa
transforms in float64): 2e-3 dB down to 80 dB, 0.1 dB beneath a tone at full scale, where float16 has steps of
0.06 dB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE, Waveform

FloatArray = NDArray[np.float32]

WIN_LENGTH = 400
HOP_LENGTH = 160
N_FFT = 512
N_MELS = 64
MIN_DB = -100.0
_BLOCK_FRAMES = 192  # at a time: temporary arrays of up to 400 kB fit the cache


@dataclass(frozen=True, slots=True)
class MelSettings:
    """Settings of a mel spectrogram: samples per window and hop, points of the FFT, and mel bands."""

    win_length: int = WIN_LENGTH
    hop_length: int = HOP_LENGTH
    n_fft: int = N_FFT
    n_mels: int = N_MELS


DEFAULT_MEL = MelSettings()


def frame_waveform(waveform: Waveform, *, settings: MelSettings = DEFAULT_MEL) -> FloatArray:
    """Return the frames, ``(1 + samples // hop_length, win_length)``, a view of one padded copy."""
    half = settings.win_length // 2
    padded = np.zeros(len(waveform) + 2 * half, dtype=np.float32)
    padded[half : half + len(waveform)] = waveform
    return np.lib.stride_tricks.sliding_window_view(padded, settings.win_length)[:: settings.hop_length]


def iter_power_frames(
    waveform: Waveform, *, settings: MelSettings = DEFAULT_MEL
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield up to 192 frames at a time and their power, ``(B, win_length)`` and ``(B, n_fft // 2 + 1)``."""
    from scipy.fft import rfft

    frames = frame_waveform(waveform, settings=settings)
    window = _cached_window(settings.win_length)
    blocks = np.array_split(frames, -(-len(frames) // _BLOCK_FRAMES))
    padded = np.zeros((len(blocks[0]), settings.n_fft), dtype=np.float32)
    for block in blocks:
        windowed = padded[: len(block)]
        np.multiply(block, window, out=windowed[:, : settings.win_length])
        spectrum = rfft(windowed, axis=1, workers=1)
        power = spectrum.real**2
        power += spectrum.imag**2
        yield block, power


def compute_power_frames(waveform: Waveform, *, settings: MelSettings = DEFAULT_MEL) -> FloatArray:
    """Return the power spectrum of each frame, ``(T, n_fft // 2 + 1)``."""
    return np.concatenate([power for _frames, power in iter_power_frames(waveform, settings=settings)])


def power_to_mel_db(power: FloatArray, *, settings: MelSettings = DEFAULT_MEL) -> FloatArray:
    """Return log-mel bands in dB relative to full scale, ``(T, n_mels)``, at least `MIN_DB`."""
    mel = power @ _cached_filter_bank(settings)
    np.maximum(mel, 10 ** (MIN_DB / 10), out=mel)
    np.log10(mel, out=mel)
    mel *= 10
    return mel


def hann_window(length: int) -> NDArray[np.float64]:
    """Return a periodic Hann window, ``(length,)``."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def mel_filter_bank(settings: MelSettings = DEFAULT_MEL) -> NDArray[np.float64]:
    """Return triangular filters of equal area, ``(n_fft // 2 + 1, n_mels)``, from 0 Hz to the Nyquist frequency.

    Slaney, Auditory Toolbox (1998), as in ``librosa.filters.mel``.
    """
    bins = np.fft.rfftfreq(settings.n_fft, 1 / SAMPLING_RATE)[:, None]
    edges = _mel_to_hertz(np.linspace(0, _hertz_to_mel(SAMPLING_RATE / 2), settings.n_mels + 2))
    low, center, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - low) / (center - low), (high - bins) / (high - center))
    return np.maximum(triangles, 0) * 2 / (high - low)


def mel_band_frequencies() -> NDArray[np.float64]:
    """Return the center of each mel band, in Hz."""
    return mel_filter_bank().argmax(axis=0) * SAMPLING_RATE / DEFAULT_MEL.n_fft


@lru_cache(maxsize=4)
def _cached_filter_bank(settings: MelSettings) -> FloatArray:
    return mel_filter_bank(settings).astype(np.float32)


@lru_cache(maxsize=4)
def _cached_window(length: int) -> FloatArray:
    return hann_window(length).astype(np.float32)


# Slaney's mel scale: 3 mels per 200 Hz up to 1,000 Hz (15 mels), then 27 mels per factor of 6.4.
def _hertz_to_mel(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * float(np.log(hertz / 1000) / np.log(6.4))


def _mel_to_hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))
