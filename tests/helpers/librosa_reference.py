"""librosa's features at 16 kHz, from transformers, SciPy and NumPy in float64: the oracle without librosa itself.

``tests/audio/test_librosa_reference.py`` compares them with numbers that librosa computed.
"""

import numpy as np
from scipy.fft import dct
from scipy.signal import savgol_filter
from transformers.audio_utils import mel_filter_bank, power_to_db, spectrogram, window_function

RATE = 16_000


def power_spectrogram(waveform, *, n_fft, win_length, hop_length):
    """``np.abs(librosa.stft(waveform, ..., pad_mode="constant")) ** 2``, ``(bins, time)``."""
    return spectrogram(
        np.asarray(waveform, dtype=np.float64),
        window_function(win_length, "hann", frame_length=n_fft),
        frame_length=n_fft,
        hop_length=hop_length,
        pad_mode="constant",
        power=2.0,
        mel_floor=0.0,
        dtype=np.float64,
    )


def mel_filters(*, n_fft, n_mels):
    """``librosa.filters.mel(sr=16_000, ...)``, ``(bands, bins)``."""
    return mel_filter_bank(1 + n_fft // 2, n_mels, 0.0, RATE / 2, RATE, norm="slaney", mel_scale="slaney").T


def mel_spectrogram_db(waveform, *, n_fft, win_length, hop_length, n_mels):
    """``librosa.power_to_db(melspectrogram(...), ref=1.0, amin=1e-10, top_db=None)``, ``(bands, time)``."""
    power = power_spectrogram(waveform, n_fft=n_fft, win_length=win_length, hop_length=hop_length)
    return power_to_db(mel_filters(n_fft=n_fft, n_mels=n_mels) @ power, min_value=1e-10)


def thesis_mel_db(waveform):
    """``power_to_db(melspectrogram(y, sr=16_000, n_mels=128), ref=np.max)`` of four seconds, bands by time."""
    padded = np.zeros(4 * RATE)
    padded[: len(waveform)] = waveform[: len(padded)]
    decibels = mel_spectrogram_db(padded, n_fft=2048, win_length=2048, hop_length=512, n_mels=128)
    return np.maximum(decibels - decibels.max(), -80)


def frame(waveform, frame_length, hop_length, mode):
    padded = np.pad(np.asarray(waveform, dtype=np.float64), frame_length // 2, mode=mode)
    return np.lib.stride_tricks.sliding_window_view(padded, frame_length)[::hop_length]


def rms(waveform, *, frame_length, hop_length):
    """``librosa.feature.rms(y=waveform, ...)[0]``."""
    return np.sqrt(np.square(frame(waveform, frame_length, hop_length, "constant")).mean(axis=1))


def zero_crossing_rate(waveform, *, frame_length, hop_length):
    """``librosa.feature.zero_crossing_rate(waveform, ...)[0]``."""
    frames = frame(waveform, frame_length, hop_length, "edge")
    negative = np.signbit(np.where(np.abs(frames) <= 1e-10, 0, frames))
    return (negative[:, 1:] != negative[:, :-1]).sum(axis=1) / frame_length


def spectral_flatness(waveform, **spectra):
    """``librosa.feature.spectral_flatness(y=waveform, ...)[0]``."""
    power = np.maximum(power_spectrogram(waveform, **spectra), 1e-10)
    return np.exp(np.log(power).mean(axis=0)) / power.mean(axis=0)


def spectral_rolloff(waveform, **spectra):
    """``librosa.feature.spectral_rolloff(y=waveform, sr=16_000, ...)[0]``."""
    total = np.cumsum(np.sqrt(power_spectrogram(waveform, **spectra)), axis=0)
    return (total < 0.85 * total[-1]).sum(axis=0) * RATE / spectra["n_fft"]


def mfcc(mel_db, n_mfcc):
    """``librosa.feature.mfcc(S=mel_db, n_mfcc=n_mfcc)``; ``mel_db`` is ``(bands, time)``."""
    return dct(np.asarray(mel_db, dtype=np.float64), axis=0, norm="ortho")[:n_mfcc]


def delta(series):
    """``librosa.feature.delta(series)``."""
    return savgol_filter(series, 9, deriv=1, polyorder=1, axis=-1, mode="interp")
