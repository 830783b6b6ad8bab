"""The speed of the mel spectrogram against librosa at equal settings, and with all descriptors, on one thread.

Prints ratios measured in this run, on this machine.
"""

import time
from collections.abc import Callable
from statistics import median

import librosa
import numpy as np
from threadpoolctl import threadpool_limits

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

SECONDS = 4
ROUNDS = 100


def sentir_mel(waveform: np.ndarray) -> np.ndarray:
    return power_to_mel_db(compute_power_frames(waveform))


def librosa_mel(waveform: np.ndarray) -> np.ndarray:
    mel = librosa.feature.melspectrogram(
        y=waveform,
        sr=SAMPLING_RATE,
        n_fft=N_FFT,
        win_length=WIN_LENGTH,
        hop_length=HOP_LENGTH,
        n_mels=N_MELS,
        center=True,
    )
    return librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=None).T


def measure_seconds(work: Callable[[np.ndarray], object], waveform: np.ndarray) -> float:
    """Return the CPU seconds, which depend little on other load."""
    start = time.process_time()
    work(waveform)
    return time.process_time() - start


def main() -> None:
    waveform = (0.1 * np.random.default_rng(0).standard_normal(SECONDS * SAMPLING_RATE)).astype(np.float32)
    works = (sentir_mel, librosa_mel, extract_descriptors)
    with threadpool_limits(1):
        difference = np.abs(sentir_mel(waveform) - librosa_mel(waveform)).max()
        extract_descriptors(waveform)
        rounds = [[measure_seconds(work, waveform) for work in works] for _ in range(ROUNDS)]  # in turns
    mel, other, complete = (median(times) for times in zip(*rounds, strict=True))
    print(f"mel of {SECONDS} s {1e3 * mel:.2f} ms, {SECONDS / mel:.0f} × real time")
    print(f"largest difference from librosa {difference:.0e} dB")
    print(f"librosa {1e3 * other:.2f} ms: {other / mel:.1f} times as long")
    print(f"mel and all descriptors {1e3 * complete:.2f} ms: {complete / mel:.1f} times as long")


if __name__ == "__main__":
    main()
