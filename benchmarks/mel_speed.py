"""How fast our mel is: against librosa at equal settings, and with every measure, on one thread.

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


def sentir_mel(wave: np.ndarray) -> np.ndarray:
    return power_to_mel_db(compute_power_frames(wave))


def librosa_mel(wave: np.ndarray) -> np.ndarray:
    mel = librosa.feature.melspectrogram(
        y=wave,
        sr=SAMPLING_RATE,
        n_fft=N_FFT,
        win_length=WIN_LENGTH,
        hop_length=HOP_LENGTH,
        n_mels=N_MELS,
        center=True,
    )
    return librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=None).T


def measure_seconds(work: Callable[[np.ndarray], object], wave: np.ndarray) -> float:
    """Processor time, which the load of the machine changes least."""
    start = time.process_time()
    work(wave)
    return time.process_time() - start


def main() -> None:
    wave = (0.1 * np.random.default_rng(0).standard_normal(SECONDS * SAMPLING_RATE)).astype(np.float32)
    works = (sentir_mel, librosa_mel, extract_descriptors)
    with threadpool_limits(1):
        apart = np.abs(sentir_mel(wave) - librosa_mel(wave)).max()
        extract_descriptors(wave)
        rounds = [
            [measure_seconds(work, wave) for work in works] for _ in range(ROUNDS)
        ]  # by turns: equal load for all
    mel, other, all_measures = (median(times) for times in zip(*rounds, strict=True))
    print(f"mel of {SECONDS} s {1e3 * mel:.2f} ms, {SECONDS / mel:.0f} times real time; apart {apart:.0e} dB")
    print(f"librosa {1e3 * other:.2f} ms: {other / mel:.1f} times as long")
    print(f"mel and all measures {1e3 * all_measures:.2f} ms: {all_measures / mel:.1f} times as long")


if __name__ == "__main__":
    main()
