"""The feature set ``functionals``: statistics of a clip's pitch, voice, loudness and spectrum, in NumPy.

Frames are those of `sentir.audio.mel`. They are *active* within 30 dB of the loudest frame's energy, and *voiced*
as `sentir.audio.pitch` finds. Each series of numbers, one per frame, is summarized by ``mean``, ``std``,
percentiles ``p10``, ``p50``, ``p90``, their ``range`` (p90 - p10) and ``slope`` (of a fitted line, per second of
such frames). MFCC have mean, std and slope, their deltas std, ``jitter`` and ``shimmer`` no p10, range and slope.

Over voiced frames:

- ``f0_semitone``: fundamental frequency in semitones above 100 Hz;
- ``hnr``: harmonics-to-noise ratio in dB (Boersma 1993);
- ``voiced_loudness``: energy, the mean square of the samples in dB relative to full scale, at least -100;
- ``jitter`` and ``shimmer``: difference of consecutive frames' pitch in semitones and energy in dB, as magnitude.
  They are 10 ms apart: not the differences of single periods that these words mean in phonetics.

Over active frames:

- ``loudness``: energy as above;
- the columns of `sentir.audio.spectral_shape`;
- ``spectral_flux``: root mean square of the differences to the frame before, over the mel bands in dB;
- ``mfcc_1`` to ``mfcc_12``: the orthonormal DCT-II of the mel bands in dB, without its mean, ``mfcc_0``;
  ``delta_mfcc_0`` to ``delta_mfcc_12``, standard deviation alone, as a delta's mean is the clip's end less its
  start.

Of the clip, from its first active frame to its last, its span:

- ``voiced_share`` and ``active_share`` of its frames; ``voiced_rate`` and ``pause_rate``: stretches per second;
  ``voiced_length_mean``, ``…_std`` and ``…_max`` of stretches of voice, and ``span``, in seconds;
- ``modulation_<band>_<low>_<high>``: the modulation spectrum (Greenberg and Kingsbury, "The modulation
  spectrogram", ICASSP 1997): variance, in dB, of the energy's level at ``low`` to ``high`` Hz, of all frequencies
  (``all``) and of the four quarters of the mel bands (``1`` to ``4``), each no more than 60 dB below its highest.

Statistics of no frames are 0: without a voice, ``f0_semitone_mean`` is 0 and so is ``voiced_share``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sentir.audio.mel import HOP_LENGTH, N_MELS, SAMPLING_RATE, FloatArray, hann_window
from sentir.audio.mfcc import NUM_MFCC, compute_deltas
from sentir.audio.pitch import Pitch
from sentir.audio.spectral_shape import SPECTRAL_SHAPE

_FRAMES_PER_SECOND = SAMPLING_RATE // HOP_LENGTH
_STATISTICS = ("mean", "std", "p10", "p50", "p90", "range", "slope")
_MAGNITUDE_STATISTICS = ("mean", "std", "p50", "p90")
_MFCC_STATISTICS = ("mean", "std", "slope")
_VOICED = ("f0_semitone", "hnr", "voiced_loudness")
_DIFFERENCES = ("jitter", "shimmer")
_ACTIVE = (
    "loudness",
    *SPECTRAL_SHAPE,
    "spectral_flux",
)
_MFCC = tuple(f"mfcc_{k}" for k in range(1, NUM_MFCC))
_DELTAS = tuple(f"delta_mfcc_{k}" for k in range(NUM_MFCC))
_TIMING = (
    "span",
    "active_share",
    "pause_rate",
    "voiced_share",
    "voiced_rate",
    "voiced_length_mean",
    "voiced_length_std",
    "voiced_length_max",
)
_MODULATION_EDGES = (0.5, 1, 2, 4, 8, 16, 32)  # Hz
_MODULATION_BANDS = ("all", "1", "2", "3", "4")
_MODULATION_FFT = 1024  # at least
_MODULATION_DEPTH = 60.0  # dB
_MIN_VARIANCE = 1e-2  # dB²


def _name_columns(series: tuple[str, ...], statistics: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name}_{statistic}" for name in series for statistic in statistics)


FUNCTIONALS = (
    *_name_columns(_VOICED, _STATISTICS),
    *_name_columns(_DIFFERENCES, _MAGNITUDE_STATISTICS),
    *_name_columns(_ACTIVE, _STATISTICS),
    *_name_columns(_MFCC, _MFCC_STATISTICS),
    *_name_columns(_DELTAS, ("std",)),
    *_TIMING,
    *(
        f"modulation_{band}_{low:g}_{high:g}"
        for band in _MODULATION_BANDS
        for low, high in pairwise(_MODULATION_EDGES)
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class FrameSeries:
    """What functionals are computed from, of T frames.

    Attributes:
        mel: in dB, ``(T, 64)``.
        mfcc: ``(T, 13)``.
        shape: `sentir.audio.spectral_shape.SPECTRAL_SHAPE`, ``(T, 9)``.
        energy: in dB, ``(T,)``.
        active: ``(T,)``.
        pitch: of the same frames.
    """

    mel: FloatArray
    mfcc: FloatArray
    shape: FloatArray
    energy: FloatArray
    active: NDArray[np.bool_]
    pitch: Pitch


def compute_functionals(frames: FrameSeries) -> list[float]:
    """Return the numbers of `FUNCTIONALS`."""
    pitch, active = frames.pitch, frames.active
    semitones = 12 * np.log2(pitch.f0 / 100)
    voiced = np.stack([semitones, pitch.hnr, frames.energy], axis=1)
    both = pitch.voiced[1:] & pitch.voiced[:-1]
    differences = np.abs(np.diff(voiced[:, ::2], axis=0))[both]
    flux = np.sqrt(np.square(np.diff(frames.mel, axis=0, prepend=frames.mel[:1])).mean(axis=1))
    rows = np.concatenate([frames.energy[:, None], frames.shape, flux[:, None]], axis=1)
    span = slice(int(active.argmax()), len(active) - int(active[::-1].argmax()))
    numbers = [
        _summarize(voiced[pitch.voiced], _STATISTICS),
        _summarize(differences, _MAGNITUDE_STATISTICS),
        _summarize(rows[active], _STATISTICS),
        _summarize(frames.mfcc[active, 1:], _MFCC_STATISTICS),
        compute_deltas(frames.mfcc)[active].std(axis=0),
        _compute_timing(active[span], pitch.voiced[span]),
        _compute_modulation(frames.mel[span], frames.energy[span]),
    ]
    return np.concatenate([np.ravel(part) for part in numbers]).tolist()


def _summarize(series: FloatArray, statistics: tuple[str, ...]) -> NDArray[np.float64]:
    """Return statistics of each column, ``(columns, statistics)``; 0 without rows."""
    if not len(series):
        return np.zeros((series.shape[1], len(statistics)))
    values = series.astype(np.float64)
    low, middle, high = np.percentile(values, (10, 50, 90), axis=0)
    seconds = (np.arange(len(values)) - (len(values) - 1) / 2) / _FRAMES_PER_SECOND
    slope = seconds @ values / max(float(seconds @ seconds), 1 / _FRAMES_PER_SECOND)
    all_of_them = {
        "mean": values.mean(axis=0), "std": values.std(axis=0), "p10": low, "p50": middle, "p90": high,
        "range": high - low, "slope": slope,
    }  # fmt: skip
    return np.stack([all_of_them[name] for name in statistics], axis=1)


def _compute_timing(active: NDArray[np.bool_], voiced: NDArray[np.bool_]) -> list[float]:
    seconds = len(active) / _FRAMES_PER_SECOND
    stretches = _stretch_lengths(voiced)
    lengths = (
        [float(stretches.mean()), float(stretches.std()), float(stretches.max())] if len(stretches) else [0.0] * 3
    )
    return [
        seconds,
        float(active.mean()),
        len(_stretch_lengths(~active)) / seconds,
        float(voiced.mean()),
        len(stretches) / seconds,
        *lengths,
    ]


def _stretch_lengths(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the lengths of the stretches of true values, in seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask, [0]])))
    return (edges[1::2] - edges[::2]) / _FRAMES_PER_SECOND


def _compute_modulation(mel: FloatArray, energy: FloatArray) -> NDArray[np.float64]:
    """Return the level of each modulation band, ``(bands of frequency, bands of modulation)``."""
    power = np.power(10, mel.astype(np.float64) / 10).reshape(len(mel), 4, N_MELS // 4).mean(axis=2)
    levels = np.concatenate([energy[:, None], 10 * np.log10(power)], axis=1)
    levels = np.maximum(levels, levels.max(axis=0) - _MODULATION_DEPTH)
    window = hann_window(len(levels) + 1)[1:, None]
    size = max(_MODULATION_FFT, len(levels))
    spectrum = np.fft.rfft((levels - levels.mean(axis=0)) * window, size, axis=0)
    variance = 2 * np.square(np.abs(spectrum)) / (size * np.square(window).sum())
    places = np.searchsorted(np.fft.rfftfreq(size, 1 / _FRAMES_PER_SECOND), _MODULATION_EDGES)
    bands = np.add.reduceat(variance, places, axis=0)[:-1]
    return (10 * np.log10(bands + _MIN_VARIANCE)).T
