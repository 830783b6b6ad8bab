"""Fundamental frequency, harmonicity and voicing of a waveform, frame by frame, in NumPy.

The method is that of Boersma, "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound", Proceedings of the Institute of Phonetic Sciences 17 (1993), as in
Praat's ``To Pitch (ac)...``: the autocorrelation of a Hann-windowed frame is divided by that of the window, and
its highest peak, interpolated between samples, gives the period and the harmonics-to-noise ratio, 10 log₁₀(r / (1
- r)). Where Praat searches a path through all frames, neighboring frames decide by their median.

Peaks are compared by a parabola, which is too low for the narrowest ones: above 520 Hz, a sound without its first
harmonics, whose others are equally strong, may be found an octave low.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE, Waveform
from sentir.audio.mel import HOP_LENGTH, FloatArray, hann_window

MIN_F0, MAX_F0 = 65.0, 600.0  # Hz
_WINDOW = 3 * round(SAMPLING_RATE / MIN_F0)  # three periods of the lowest voice
_N_FFT = 1024
_LAGS_PER_SECOND = 2 * SAMPLING_RATE  # between samples too: a parabola through samples alone misses narrow peaks
_MIN_LAG, _MAX_LAG = int(_LAGS_PER_SECOND / MAX_F0), int(_LAGS_PER_SECOND / MIN_F0) + 1
_OCTAVE_COST = 0.01  # per octave: prefers the shorter of two equal periods
_VOICING_THRESHOLD = 0.45  # of the autocorrelation
_SILENCE_THRESHOLD = 0.03  # of the largest magnitude
_SINC_RADIUS = 8  # lags around a peak from which its height is interpolated
_SMOOTHING = 5  # frames
_BLOCK_FRAMES = 96
_MAX_PERIODICITY = 1 - 1e-5  # 50 dB


@dataclass(frozen=True, slots=True, eq=False)
class Pitch:
    """The voice of T frames, centered on the same samples as those of the mel spectrogram.

    Attributes:
        f0: fundamental frequency in Hz, ``(T,)``; that of the strongest period where no voice is found.
        periodicity: normalized autocorrelation at that period, ``(T,)``, from 0 to 1.
        voiced: whether there is a voice, ``(T,)``.
    """

    f0: FloatArray
    periodicity: FloatArray
    voiced: NDArray[np.bool_]

    @property
    def hnr(self) -> FloatArray:
        """The harmonics-to-noise ratio in dB, ``(T,)``, from -50 to 50."""
        r = np.clip(self.periodicity, 1 - _MAX_PERIODICITY, _MAX_PERIODICITY)
        ratio: FloatArray = 10 * np.log10(r / (1 - r))
        return ratio


def compute_pitch(waveform: Waveform) -> Pitch:
    """Return the pitch of a mono waveform at 16 kHz, 100 frames a second."""
    half = _WINDOW // 2
    padded = np.zeros(len(waveform) + 2 * half, dtype=np.float32)
    padded[half : half + len(waveform)] = waveform
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * half)[::HOP_LENGTH]
    blocks = np.array_split(frames, -(-len(frames) // _BLOCK_FRAMES))
    rows = [_analyze_block(block) for block in blocks]
    lag, periodicity, peak = (np.concatenate(column) for column in zip(*rows, strict=True))
    loudness = peak / max(float(peak.max()), 1e-30)
    needed = np.maximum(0, 2 - loudness * (1 + _VOICING_THRESHOLD) / _SILENCE_THRESHOLD) + _VOICING_THRESHOLD
    voiced = _median(((periodicity > needed) & (peak > 0)).astype(np.float32)) > 0.5
    f0 = _median(np.where(voiced, _LAGS_PER_SECOND / lag, np.nan).astype(np.float32))
    return Pitch(np.where(voiced, f0, _LAGS_PER_SECOND / lag).astype(np.float32), periodicity, voiced)


def _analyze_block(frames: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return lag, periodicity and peak magnitude of each frame, ``(B,)`` each."""
    centered = frames - frames.mean(axis=1, keepdims=True)
    peak = np.abs(centered).max(axis=1)
    centered /= np.maximum(peak, 1e-30)[:, None]
    centered *= _window()
    spectrum = np.fft.rfft(centered, _N_FFT, axis=1)
    power = np.square(spectrum.real, dtype=np.float32) + np.square(spectrum.imag, dtype=np.float32)
    r = np.fft.irfft(power, 2 * _N_FFT, axis=1)[:, : _MAX_LAG + _SINC_RADIUS + 1].astype(np.float32)
    r /= np.maximum(r[:, :1], 1e-30) * _window_autocorrelation()
    lag = _choose_lag(r)
    return lag, np.clip(_interpolate(r, lag), 0, 1), peak


def _choose_lag(r: FloatArray) -> FloatArray:
    """Return the place of the highest peak of each row, by a parabola through three samples."""
    before, here, after = (
        r[:, _MIN_LAG - 1 : _MAX_LAG],
        r[:, _MIN_LAG : _MAX_LAG + 1],
        r[:, _MIN_LAG + 1 : _MAX_LAG + 2],
    )
    slope, curvature = (after - before) / 2, 2 * here - before - after
    is_peak = (here >= before) & (here > after)
    height = here + np.square(slope) / np.maximum(2 * curvature, 1e-12)
    height = np.where(is_peak, np.minimum(height, 1) - _octave_costs(), -np.inf)
    rows, best = np.arange(len(r)), height.argmax(axis=1)
    shift = slope[rows, best] / np.maximum(curvature[rows, best], 1e-12)
    return (_MIN_LAG + best + np.where(is_peak[rows, best], np.clip(shift, -1, 1), 0)).astype(np.float32)


def _interpolate(r: FloatArray, lag: FloatArray) -> FloatArray:
    """Return each row at its fractional lag, by a windowed sinc."""
    nearest = np.floor(lag).astype(np.intp)[:, None] + np.arange(1 - _SINC_RADIUS, _SINC_RADIUS + 1)
    distance = lag[:, None] - nearest
    weights = np.sinc(distance) * (0.5 + 0.5 * np.cos(np.pi * distance / (_SINC_RADIUS + 0.5)))
    heights: FloatArray = (np.take_along_axis(r, nearest, axis=1) * weights).sum(axis=1).astype(np.float32)
    return heights


def _median(series: FloatArray) -> FloatArray:
    """Return the median of the known values among five frames around each; NaN where none is known."""
    half = _SMOOTHING // 2
    padded = np.concatenate([np.full(half, np.nan), series, np.full(half, np.nan)])
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHING), axis=1)
    known = np.maximum((~np.isnan(windows)).sum(axis=1), 1)
    rows = np.arange(len(series))
    medians: FloatArray = (windows[rows, (known - 1) // 2] + windows[rows, known // 2]) / 2
    return medians


@lru_cache
def _window() -> FloatArray:
    return hann_window(2 * (_WINDOW // 2)).astype(np.float32)


@lru_cache
def _window_autocorrelation() -> FloatArray:
    """Return the autocorrelation of the window for the lags in use, 1 at lag 0."""
    power = np.square(np.abs(np.fft.rfft(_window().astype(np.float64), _N_FFT)))
    r = np.fft.irfft(power, 2 * _N_FFT)[: _MAX_LAG + _SINC_RADIUS + 1]
    return (r / r[0]).astype(np.float32)


@lru_cache
def _octave_costs() -> FloatArray:
    lags = np.arange(_MIN_LAG, _MAX_LAG + 1)
    return (_OCTAVE_COST * np.log2(lags * MIN_F0 / _LAGS_PER_SECOND)).astype(np.float32)
