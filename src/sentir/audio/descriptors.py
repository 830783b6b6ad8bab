"""What is measured in a wave: its mel and three sets of numbers, all from the same frames in one pass.

Frames are those of `sentir.audio.mel`: 400 samples, 100 a second, centered, zeros beyond both ends. MFCC are the
orthonormal DCT-II of a frame's mel in dB, as ``librosa.feature.mfcc`` has them; ``mfcc1`` is its row 0, which
follows loudness.

The set ``thesis`` holds ``duration`` in seconds and means over all frames:

- ``rms``: root mean square of the samples, without a window: ``librosa.feature.rms``;
- ``zero_crossings``: share of samples whose sign is not that of the one before; beyond both ends nothing crosses,
  and samples within 1e-10 of zero count as positive: ``librosa.feature.zero_crossing_rate``;
- ``flatness``: geometric by arithmetic mean of the power, 1e-10 at least: ``librosa.feature.spectral_flatness``;
- ``rolloff``: Hz below which lie 85 % of the magnitude: ``librosa.feature.spectral_rolloff``;
- ``mfcc1`` to ``mfcc4``, from our 64 bands (librosa's default is 128).

They differ from a call of librosa without arguments, whose frames are 2,048 samples long and 512 apart.

The set ``functionals`` holds 190 numbers over the *active* frames, whose energy is within 30 dB of the loudest
frame's: mean and deviation of 20 MFCC, of the 64 bands and of the energy (mean square in dB, -100 at least), and
the deviation of the deltas of the MFCC. The mean of a delta is the difference of a clip's ends over its length,
about 0 whatever is said, so it is left out. Deltas are taken over all frames, then restricted to active ones.

The set ``health`` is for audits and no feature set:

- ``level``: mean square over the active frames, dB against full scale, -100 at least: how loud the speech is;
- ``peak``: largest magnitude of a sample, full scale being 1;
- ``clipped``: share of samples whose magnitude is 0.98 or more;
- ``silence``: share of frames that are not active; 1 if the loudest is below -70 dB.

Everything is finite for any wave of samples within 1e15, however short or silent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import RATE, Wave
from sentir.audio.mel import BANDS, FFT, HOP, WINDOW, Frames, mel_db, power_blocks

_MFCC = 20
_DELTA_WIDTH = 9
_ACTIVE_DB = 30.0
_ROLLOFF = 0.85
_TINY = 1e-10
_FULL = 0.98
_SILENT_DB = -70.0
_GROUP = 16  # bins, and as many groups of them: the roll-off is first looked for among groups, then in its own
_SUMS = np.triu(np.ones((_GROUP, _GROUP), dtype=np.float32))
_ENDS = np.vstack([np.repeat(_SUMS, _GROUP, axis=0), np.zeros((1, _GROUP), dtype=np.float32)])
_SHARE = np.full(FFT // 2 + 1, 1 / (FFT // 2 + 1), dtype=np.float32)

THESIS = (
    "duration",
    "rms",
    "zero_crossings",
    "flatness",
    "rolloff",
    "mfcc1",
    "mfcc2",
    "mfcc3",
    "mfcc4",
)
_SERIES = (
    tuple(f"mfcc{k}" for k in range(1, _MFCC + 1)) + tuple(f"band{k}" for k in range(1, BANDS + 1)) + ("energy",)
)
HEALTH = ("level", "peak", "clipped", "silence")
FUNCTIONALS = (
    tuple(f"{name}_mean" for name in _SERIES)
    + tuple(f"{name}_std" for name in _SERIES)
    + tuple(f"delta{k}_std" for k in range(1, _MFCC + 1))
)
_SETS = {"thesis": THESIS, "functionals": FUNCTIONALS, "health": HEALTH}
_NAMES = tuple(f"{set_}.{name}" for set_, names in _SETS.items() for name in names)


@dataclass(frozen=True, slots=True, eq=False)
class _Series:
    """What is measured frame by frame, ``(T, columns)`` or ``(T,)``; ``square`` is the mean square."""

    mel: Frames
    mfcc: Frames
    square: Frames
    flatness: Frames
    rolloff: NDArray[np.float64]


def measure(wave: Wave) -> tuple[Frames, dict[str, float]]:
    """Measure a mono wave at 16 kHz.

    Returns:
        The mel ``(T, 64)`` in dB, and ``<set>.<column>`` → number for the sets above.
    """
    series = _series(wave)
    energy = 10 * np.log10(np.maximum(series.square, _TINY))
    active = energy >= energy.max() - _ACTIVE_DB
    numbers = [
        *_thesis(wave, series),
        *_functionals(series.mfcc, series.mel, energy, active),
        *_health(wave, series.square, energy, active),
    ]
    return series.mel, dict(zip(_NAMES, numbers, strict=True))


def _series(wave: Wave) -> _Series:
    rows = [
        (mel_db(power), np.einsum("tn,tn->t", frames, frames) / WINDOW, _flatness(power), _rolloff(power))
        for frames, power in power_blocks(wave)
    ]
    mel, square, flatness, rolloff = (np.concatenate(column) for column in zip(*rows, strict=True))
    return _Series(mel, _mfcc(mel), square, flatness, rolloff)


def _thesis(wave: Wave, series: _Series) -> list[float]:
    return [
        len(wave) / RATE,
        _mean(np.sqrt(series.square)),
        _mean(_zero_crossings(wave)),
        _mean(series.flatness),
        _mean(series.rolloff),
        *series.mfcc[:, :4].mean(axis=0, dtype=np.float64).tolist(),
    ]


def _health(wave: Wave, square: Frames, energy: Frames, active: NDArray[np.bool_]) -> list[float]:
    magnitude = np.abs(wave)
    level = 10 * math.log10(max(_mean(square[active]), _TINY))
    silence = 1 - _mean(active) if energy.max() >= _SILENT_DB else 1.0
    return [level, float(magnitude.max(initial=0.0)), _mean(magnitude >= _FULL), silence]


def _functionals(mfcc: Frames, mel: Frames, energy: Frames, active: NDArray[np.bool_]) -> list[float]:
    series = np.concatenate([mfcc, mel, energy[:, None]], axis=1)[active]
    deltas = _deltas(mfcc)[active]
    means = series.mean(axis=0, dtype=np.float64)
    deviations = np.sqrt(np.square(series - means).mean(axis=0))
    return [*means.tolist(), *deviations.tolist(), *deltas.std(axis=0).tolist()]


def _mfcc(mel: Frames) -> Frames:
    return mel @ _cosines()


@lru_cache
def _cosines() -> Frames:
    """Return the orthonormal DCT-II as a matrix, ``(bands, mfcc)``."""
    from scipy.fft import dct

    return np.ascontiguousarray(dct(np.eye(BANDS, dtype=np.float32), norm="ortho", axis=1)[:, :_MFCC])


def _deltas(series: Frames) -> NDArray[np.float64]:
    """Return the slope of the line through the nine frames around each, per frame.

    The first and last four frames take the nearest slope, as ``librosa.feature.delta`` has them; with fewer than
    nine frames, which librosa refuses, one line goes through all.
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


def _zero_crossings(wave: Wave) -> NDArray[np.float64]:
    negative = np.asarray(wave) < -_TINY
    crossings = np.flatnonzero(negative[1:] != negative[:-1]) + 1
    starts = np.arange(1 + len(wave) // HOP) * HOP - WINDOW // 2
    return (np.searchsorted(crossings, starts + WINDOW) - np.searchsorted(crossings, starts + 1)) / WINDOW


def _flatness(power: Frames) -> Frames:
    power = np.maximum(power, _TINY)
    mean = power @ _SHARE
    np.log(power, out=power)
    return np.exp(power @ _SHARE) / mean


def _rolloff(power: Frames) -> NDArray[np.float64]:
    """Return the first frequency below which lie 85 %: first its group of 16 bins, then its bin in there."""
    magnitude = np.sqrt(power)
    ends = magnitude @ _ENDS
    enough = _ROLLOFF * (ends[:, -1:] + magnitude[:, -1:])
    group = np.minimum((ends < enough).sum(axis=1), _GROUP - 1)
    rows = np.arange(len(power))
    sums = magnitude[:, :-1].reshape(-1, _GROUP, _GROUP)[rows, group] @ _SUMS
    sums[group > 0] += ends[rows, group - 1][group > 0, None]
    inside = (sums < enough).sum(axis=1)
    return (_GROUP * group + inside) * (RATE / FFT)


def _mean(values: NDArray[np.floating | np.bool_]) -> float:
    return float(values.mean(dtype=np.float64)) if len(values) else 0.0
