"""Low-level descriptors of a waveform and functionals over them, from the frames of its mel spectrogram.

Frames are those of `sentir.audio.mel`: 400 samples, 100 a second, centered, zero padding at both ends. MFCC are
the orthonormal DCT-II of a frame's mel bands in dB, as in ``librosa.feature.mfcc``; ``mfcc1`` is its row 0, which
follows loudness.

The set ``thesis`` holds ``duration`` in seconds and means over all frames:

- ``rms``: root mean square of the samples, without a window: ``librosa.feature.rms``;
- ``zero_crossing_rate``: share of samples whose sign differs from the one before, none beyond both ends; samples
  within 1e-10 of zero count as positive: ``librosa.feature.zero_crossing_rate``;
- ``spectral_flatness``: geometric by arithmetic mean of the power, at least 1e-10:
  ``librosa.feature.spectral_flatness``;
- ``spectral_rolloff``: frequency in Hz with 85 % of the magnitude below it: ``librosa.feature.spectral_rolloff``;
- ``mfcc1`` to ``mfcc4``, from our 64 bands (librosa's default is 128).

They differ from librosa with default arguments, whose frames are 2,048 samples long and 512 apart.

The set ``functionals`` holds 190 numbers over the *active* frames, whose energy is within 30 dB of the loudest
frame's: mean and standard deviation of 20 MFCC, of the 64 bands and of the energy (mean square in dB, at least
-100), and the standard deviation of the MFCC deltas. The mean of a delta is left out: it is the difference of a
clip's ends over its length, always about 0. Deltas are computed over all frames, then restricted to active ones.

The set ``health`` is for audits and is not a feature set:

- ``level``: mean square over the active frames, in dB relative to full scale, at least -100: the speech level;
- ``peak``: largest magnitude of a sample, 1 at full scale;
- ``clipped``: share of samples with a magnitude of 0.98 or more;
- ``silence``: share of frames that are not active; 1 if the loudest is below -70 dB.

All are finite for any waveform with samples within 1e15, however short or silent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE, Waveform
from sentir.audio.mel import HOP_LENGTH, N_FFT, N_MELS, WIN_LENGTH, FloatArray, iter_power_frames, power_to_mel_db

_NUM_MFCC = 20
_DELTA_WIDTH = 9
_ACTIVE_DB = 30.0
_ROLLOFF_SHARE = 0.85
_EPSILON = 1e-10
_CLIPPING_AMPLITUDE = 0.98
_SILENT_DB = -70.0
_BIN_GROUP_SIZE = 16  # bins, in as many groups: the roll-off is searched among groups, then within one
_PREFIX_SUMS = np.triu(np.ones((_BIN_GROUP_SIZE, _BIN_GROUP_SIZE), dtype=np.float32))
_GROUP_PREFIX_SUMS = np.vstack(
    [np.repeat(_PREFIX_SUMS, _BIN_GROUP_SIZE, axis=0), np.zeros((1, _BIN_GROUP_SIZE), dtype=np.float32)]
)
_MEAN_WEIGHTS = np.full(N_FFT // 2 + 1, 1 / (N_FFT // 2 + 1), dtype=np.float32)

THESIS_DESCRIPTORS = (
    "duration",
    "rms",
    "zero_crossing_rate",
    "spectral_flatness",
    "spectral_rolloff",
    "mfcc1",
    "mfcc2",
    "mfcc3",
    "mfcc4",
)
_FRAME_DESCRIPTORS = (
    tuple(f"mfcc{k}" for k in range(1, _NUM_MFCC + 1))
    + tuple(f"band{k}" for k in range(1, N_MELS + 1))
    + ("energy",)
)
HEALTH_DESCRIPTORS = ("level", "peak", "clipped", "silence")
FUNCTIONALS = (
    tuple(f"{name}_mean" for name in _FRAME_DESCRIPTORS)
    + tuple(f"{name}_std" for name in _FRAME_DESCRIPTORS)
    + tuple(f"delta{k}_std" for k in range(1, _NUM_MFCC + 1))
)
_DESCRIPTOR_SETS = {"thesis": THESIS_DESCRIPTORS, "functionals": FUNCTIONALS, "health": HEALTH_DESCRIPTORS}
_DESCRIPTOR_NAMES = tuple(f"{set_}.{name}" for set_, names in _DESCRIPTOR_SETS.items() for name in names)


@dataclass(frozen=True, slots=True, eq=False)
class _FrameDescriptors:
    """Descriptors of each frame, ``(T, columns)`` or ``(T,)``."""

    mel: FloatArray
    mfcc: FloatArray
    mean_square: FloatArray
    spectral_flatness: FloatArray
    spectral_rolloff: NDArray[np.float64]


def extract_descriptors(waveform: Waveform) -> tuple[FloatArray, dict[str, float]]:
    """Compute the mel spectrogram and the descriptors of a mono waveform at 16 kHz.

    Returns:
        The mel spectrogram ``(T, 64)`` in dB, and ``<set>.<column>`` → number for the sets above.
    """
    frames = _compute_frame_descriptors(waveform)
    energy = _energy_db(frames.mean_square)
    active = energy >= energy.max() - _ACTIVE_DB
    numbers = [
        *_compute_thesis_set(waveform, frames),
        *_compute_functionals(frames.mfcc, frames.mel, energy, active),
        *_compute_health_set(waveform, frames.mean_square, energy, active),
    ]
    return frames.mel, dict(zip(_DESCRIPTOR_NAMES, numbers, strict=True))


def extract_health(waveform: Waveform) -> tuple[FloatArray, dict[str, float]]:
    """Do what `extract_descriptors` does for the set ``health`` alone, in about half the time."""
    rows = [(power_to_mel_db(power), _mean_square(frames)) for frames, power in iter_power_frames(waveform)]
    mel, mean_square = (np.concatenate(column) for column in zip(*rows, strict=True))
    energy = _energy_db(mean_square)
    numbers = _compute_health_set(waveform, mean_square, energy, energy >= energy.max() - _ACTIVE_DB)
    names = (f"health.{name}" for name in HEALTH_DESCRIPTORS)
    return mel, dict(zip(names, numbers, strict=True))


def _mean_square(frames: FloatArray) -> FloatArray:
    mean_square: FloatArray = np.einsum("tn,tn->t", frames, frames) / WIN_LENGTH
    return mean_square


def _energy_db(mean_square: FloatArray) -> FloatArray:
    energy: FloatArray = 10 * np.log10(np.maximum(mean_square, _EPSILON))
    return energy


def _compute_frame_descriptors(waveform: Waveform) -> _FrameDescriptors:
    rows = [
        (
            power_to_mel_db(power),
            _mean_square(frames),
            _spectral_flatness(power),
            _spectral_rolloff(power),
        )
        for frames, power in iter_power_frames(waveform)
    ]
    mel, mean_square, flatness, rolloff = (np.concatenate(column) for column in zip(*rows, strict=True))
    return _FrameDescriptors(mel, _compute_mfcc(mel), mean_square, flatness, rolloff)


def _compute_thesis_set(waveform: Waveform, frames: _FrameDescriptors) -> list[float]:
    return [
        len(waveform) / SAMPLING_RATE,
        _mean(np.sqrt(frames.mean_square)),
        _mean(_zero_crossing_rate(waveform)),
        _mean(frames.spectral_flatness),
        _mean(frames.spectral_rolloff),
        *frames.mfcc[:, :4].mean(axis=0, dtype=np.float64).tolist(),
    ]


def _compute_health_set(
    waveform: Waveform, mean_square: FloatArray, energy: FloatArray, active: NDArray[np.bool_]
) -> list[float]:
    magnitude = np.abs(waveform)
    level = 10 * math.log10(max(_mean(mean_square[active]), _EPSILON))
    silence = 1 - _mean(active) if energy.max() >= _SILENT_DB else 1.0
    return [level, float(magnitude.max(initial=0.0)), _mean(magnitude >= _CLIPPING_AMPLITUDE), silence]


def _compute_functionals(
    mfcc: FloatArray, mel: FloatArray, energy: FloatArray, active: NDArray[np.bool_]
) -> list[float]:
    series = np.concatenate([mfcc, mel, energy[:, None]], axis=1)[active]
    deltas = _compute_deltas(mfcc)[active]
    means = series.mean(axis=0, dtype=np.float64)
    deviations = np.sqrt(np.square(series - means).mean(axis=0))
    return [*means.tolist(), *deviations.tolist(), *deltas.std(axis=0).tolist()]


def _compute_mfcc(mel: FloatArray) -> FloatArray:
    return mel @ _dct_matrix()


@lru_cache
def _dct_matrix() -> FloatArray:
    """Return the orthonormal DCT-II as a matrix, ``(n_mels, n_mfcc)``."""
    cosines = np.cos(np.pi * np.outer(np.arange(N_MELS) + 0.5, np.arange(_NUM_MFCC)) / N_MELS)
    cosines *= np.where(np.arange(_NUM_MFCC) > 0, np.sqrt(2 / N_MELS), np.sqrt(1 / N_MELS))
    return cosines.astype(np.float32)


def _compute_deltas(series: FloatArray) -> NDArray[np.float64]:
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


def _zero_crossing_rate(waveform: Waveform) -> NDArray[np.float64]:
    negative = np.asarray(waveform) < -_EPSILON
    crossings = np.flatnonzero(negative[1:] != negative[:-1]) + 1
    starts = np.arange(1 + len(waveform) // HOP_LENGTH) * HOP_LENGTH - WIN_LENGTH // 2
    return (np.searchsorted(crossings, starts + WIN_LENGTH) - np.searchsorted(crossings, starts + 1)) / WIN_LENGTH


def _spectral_flatness(power: FloatArray) -> FloatArray:
    power = np.maximum(power, _EPSILON)
    mean = power @ _MEAN_WEIGHTS
    np.log(power, out=power)
    return np.exp(power @ _MEAN_WEIGHTS) / mean


def _spectral_rolloff(power: FloatArray) -> NDArray[np.float64]:
    """Return the roll-off frequency of each frame in Hz: first find its group of 16 bins, then its bin."""
    magnitude = np.sqrt(power)
    ends = magnitude @ _GROUP_PREFIX_SUMS
    enough = _ROLLOFF_SHARE * (ends[:, -1:] + magnitude[:, -1:])
    group = np.minimum((ends < enough).sum(axis=1), _BIN_GROUP_SIZE - 1)
    rows = np.arange(len(power))
    sums = magnitude[:, :-1].reshape(-1, _BIN_GROUP_SIZE, _BIN_GROUP_SIZE)[rows, group] @ _PREFIX_SUMS
    sums[group > 0] += ends[rows, group - 1][group > 0, None]
    inside = (sums < enough).sum(axis=1)
    return (_BIN_GROUP_SIZE * group + inside) * (SAMPLING_RATE / N_FFT)


def _mean(values: NDArray[np.floating | np.bool_]) -> float:
    return float(values.mean(dtype=np.float64)) if len(values) else 0.0
