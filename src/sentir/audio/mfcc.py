"""Mel-frequency cepstral coefficients of a mel spectrogram and their deltas, as those of librosa, in NumPy."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sentir.audio.mel import N_MELS, FloatArray

NUM_MFCC = 13  # of a frame, with the mean of its bands
_DELTA_WIDTH = 9


def compute_mfcc(mel: FloatArray) -> FloatArray:
    """Return the orthonormal DCT-II of each frame's bands, ``(T, 13)``, as ``librosa.feature.mfcc``."""
    return mel @ _dct_matrix()


@lru_cache
def _dct_matrix() -> FloatArray:
    """Return the orthonormal DCT-II as a matrix, ``(n_mels, n_mfcc)``."""
    cosines = np.cos(np.pi * np.outer(np.arange(N_MELS) + 0.5, np.arange(NUM_MFCC)) / N_MELS)
    cosines *= np.where(np.arange(NUM_MFCC) > 0, np.sqrt(2 / N_MELS), np.sqrt(1 / N_MELS))
    return cosines.astype(np.float32)


def compute_deltas(series: FloatArray) -> NDArray[np.float64]:
    """Return the slope of a line fitted to nine frames around each frame, per frame.

    The first and last four frames take the nearest slope, as in ``librosa.feature.delta``; with fewer than nine
    frames, which librosa rejects, one line is fitted to all.
    """
    series = series.astype(np.float64)
    width = min(_DELTA_WIDTH, len(series))
    time = np.arange(width) - (width - 1) / 2
    weights = time / max(float(time @ time), 0.5)
    last = len(series) - width + 1
    padded = np.zeros(series.shape)
    before = (width - 1) // 2
    slopes = padded[before : before + last]
    for k in range(width // 2):  # the weights are antisymmetric
        end = width - 1 - k
        slopes += weights[end] * (series[end : end + last] - series[k : k + last])
    padded[:before], padded[before + last :] = slopes[0], slopes[-1]
    return padded
