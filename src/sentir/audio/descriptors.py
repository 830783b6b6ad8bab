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
- ``spectral_rolloff``: frequency in Hz with 85% of the magnitude below it: ``librosa.feature.spectral_rolloff``;
- ``mfcc1`` to ``mfcc4``, from our 64 bands (librosa's default is 128).

They differ from librosa with default arguments, whose frames are 2,048 samples long and 512 apart.

The set ``functionals`` is defined in `sentir.audio.functionals`.

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

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE, Waveform
from sentir.audio.functionals import FUNCTIONALS, FrameSeries, compute_functionals
from sentir.audio.mel import HOP_LENGTH, N_FFT, WIN_LENGTH, FloatArray, iter_power_frames, power_to_mel_db
from sentir.audio.mfcc import compute_mfcc
from sentir.audio.pitch import compute_pitch
from sentir.audio.spectral_shape import compute_spectral_shape

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
HEALTH_DESCRIPTORS = ("level", "peak", "clipped", "silence")
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
    shape: FloatArray


def extract_descriptors(waveform: Waveform) -> tuple[FloatArray, dict[str, float]]:
    """Compute the mel spectrogram and the descriptors of a mono waveform at 16 kHz.

    Returns:
        The mel spectrogram ``(T, 64)`` in dB, and ``<set>.<column>`` → number for the sets above.
    """
    frames = _compute_frame_descriptors(waveform)
    energy = _energy_db(frames.mean_square)
    active = energy >= energy.max() - _ACTIVE_DB
    series = FrameSeries(frames.mel, frames.mfcc, frames.shape, energy, active, compute_pitch(waveform))
    numbers = [
        *_compute_thesis_set(waveform, frames),
        *compute_functionals(series),
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
    rows = []
    for frames, power in iter_power_frames(waveform):
        log_power = np.log(np.maximum(power, _EPSILON))
        flatness = _spectral_flatness(power, log_power)
        shape = compute_spectral_shape(power, log_power * np.float32(10 / math.log(10)))
        rows.append((power_to_mel_db(power), _mean_square(frames), flatness, _spectral_rolloff(power), shape))
    mel, *columns = (np.concatenate(column) for column in zip(*rows, strict=True))
    return _FrameDescriptors(mel, compute_mfcc(mel), *columns)


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


def _zero_crossing_rate(waveform: Waveform) -> NDArray[np.float64]:
    negative = np.asarray(waveform) < -_EPSILON
    crossings = np.flatnonzero(negative[1:] != negative[:-1]) + 1
    starts = np.arange(1 + len(waveform) // HOP_LENGTH) * HOP_LENGTH - WIN_LENGTH // 2
    return (np.searchsorted(crossings, starts + WIN_LENGTH) - np.searchsorted(crossings, starts + 1)) / WIN_LENGTH


def _spectral_flatness(power: FloatArray, log_power: FloatArray) -> FloatArray:
    return np.exp(log_power @ _MEAN_WEIGHTS) / (np.maximum(power, _EPSILON) @ _MEAN_WEIGHTS)


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
