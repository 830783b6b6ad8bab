"""The shape of each frame's spectrum: balance, slopes, flatness and moments, in NumPy.

All are of the power spectrum of a frame and, but for its floor of -100 dB, the same for any gain:

- ``alpha_ratio``: energy of 50 to 1,000 Hz over that of 1 to 5 kHz, in dB, and ``hammarberg_index``: highest peak
  of 0 to 2 kHz over that of 2 to 5 kHz, in dB: Eyben et al., "The Geneva minimalistic acoustic parameter set
  (GeMAPS)", IEEE Transactions on Affective Computing 7 (2016), after Hammarberg et al., "Perceptual and acoustic
  correlates of abnormal voice qualities", Acta Oto-Laryngologica 90 (1980);
- ``slope_0_500``, ``slope_500_1500`` (as GeMAPS) and ``slope_1000_5000``: slope of the line fitted to the levels
  of these frequencies, in dB per kHz;
- ``spectral_tilt``: the same over the logarithm of the frequency, from 100 Hz upwards, in dB per octave;
- ``spectral_flatness``: geometric by arithmetic mean of the power, in dB, as in
  ``librosa.feature.spectral_flatness``;
- ``spectral_centroid``: mean frequency, weighted by power, in octaves above 1 kHz;
- ``spectral_spread``: standard deviation of the frequency, weighted by power, in kHz.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE
from sentir.audio.mel import N_FFT, FloatArray

SPECTRAL_SHAPE = (
    "alpha_ratio",
    "hammarberg_index",
    "slope_0_500",
    "slope_500_1500",
    "slope_1000_5000",
    "spectral_tilt",
    "spectral_flatness",
    "spectral_centroid",
    "spectral_spread",
)
_MIN_POWER = 1e-10
_MIN_CENTROID = 15.625  # Hz, half a bin: six octaves below 1 kHz
_KILOHERTZ = np.fft.rfftfreq(N_FFT, 1 / SAMPLING_RATE) / 1000


def compute_spectral_shape(power: FloatArray, level: FloatArray) -> FloatArray:
    """Return the columns `SPECTRAL_SHAPE` of T frames.

    Args:
        power: ``(T, bins)``.
        level: the same in dB, at least -100.

    Returns:
        ``(T, 9)``.
    """
    sums = power @ _sum_weights()
    low, high, total, first, second = sums.T
    total = np.maximum(total, _MIN_POWER)
    centroid = first / total
    spread = np.sqrt(np.maximum(second / total - np.square(centroid), 0))
    slopes_and_mean = level @ _level_weights()
    columns = [
        _decibels(low) - _decibels(high),
        level[:, _bins(0, 2)].max(axis=1) - level[:, _bins(2, 5)].max(axis=1),
        *slopes_and_mean[:, :4].T,
        slopes_and_mean[:, 4] - _decibels(total / len(_KILOHERTZ)),
        np.log2(np.maximum(centroid, _MIN_CENTROID / 1000)),
        spread,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _decibels(power: FloatArray) -> FloatArray:
    level: FloatArray = 10 * np.log10(np.maximum(power, _MIN_POWER))
    return level


def _bins(low: float, high: float) -> slice:
    """Return the bins of a range of frequencies in kHz, without its end."""
    return slice(*np.searchsorted(_KILOHERTZ, (low, high)).tolist())


@lru_cache
def _sum_weights() -> FloatArray:
    """Return weights of the power that give two band energies and three moments, ``(bins, 5)``."""
    weights = np.zeros((len(_KILOHERTZ), 5))
    weights[_bins(0.05, 1), 0] = weights[_bins(1, 5), 1] = 1
    weights[:, 2:] = np.stack([_KILOHERTZ**0, _KILOHERTZ, _KILOHERTZ**2], axis=1)
    return weights.astype(np.float32)


@lru_cache
def _level_weights() -> FloatArray:
    """Return weights of the level that give four slopes and the mean, ``(bins, 5)``."""
    octaves = np.log2(np.maximum(_KILOHERTZ, 1e-3))
    columns = [_line(_KILOHERTZ, low, high) for low, high in ((0, 0.5), (0.5, 1.5), (1, 5))]
    mean = np.full(len(_KILOHERTZ), 1 / len(_KILOHERTZ))
    return np.stack([*columns, _line(octaves, 0.1, 9), mean], axis=1).astype(np.float32)


def _line(places: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Return weights whose product with levels is the slope of a line fitted to those of a range."""
    weights = np.zeros(len(places))
    inside = _bins(low, high)
    centered = places[inside] - places[inside].mean()
    weights[inside] = centered / (centered @ centered)
    return weights
