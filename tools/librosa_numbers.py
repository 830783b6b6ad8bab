"""Write ``tests/audio/librosa.npz``: what librosa computes of one waveform, so that the tests need no librosa.

Run it with the extra ``bench`` installed: ``python tools/librosa_numbers.py``.
"""

from pathlib import Path

import librosa
import numpy as np

RATE = 16_000
SPECTRA = {"n_fft": 512, "win_length": 400, "hop_length": 160}
FRAMES = {"frame_length": 400, "hop_length": 160}


def make_waveform() -> np.ndarray:
    """A gliding tone with harmonics on noise, 0.5 s; as int16 it is the same wherever it is read."""
    time = np.arange(int(0.5 * RATE)) / RATE
    phase = 2 * np.pi * (120 + 60 * np.sin(5 * time)).cumsum() / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 20)) * np.sin(4 * time) ** 2
    noise = np.random.default_rng(0).standard_normal(len(time))
    return (32_768 * (0.1 * voice + 0.003 * noise)).astype(np.int16)


def compute(samples: np.ndarray) -> dict[str, np.ndarray]:
    """Return what `tests/helpers/librosa_reference.py` computes, by the names of its functions."""
    waveform, feature = samples.astype(np.float64) / 32_768, librosa.feature
    mel = feature.melspectrogram(y=waveform, sr=RATE, n_mels=64, **SPECTRA)
    decibels = librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=None)
    padded = librosa.util.fix_length(waveform, size=4 * RATE)
    mfcc = feature.mfcc(S=decibels, n_mfcc=20)
    return {
        "power_spectrogram": np.abs(librosa.stft(waveform, pad_mode="constant", **SPECTRA)) ** 2,
        "mel_filters": librosa.filters.mel(sr=RATE, n_fft=512, n_mels=64),
        "mel_spectrogram_db": decibels,
        "thesis_mel_db": librosa.power_to_db(feature.melspectrogram(y=padded, sr=RATE, n_mels=128), ref=np.max),
        "rms": feature.rms(y=waveform, **FRAMES)[0],
        "zero_crossing_rate": feature.zero_crossing_rate(waveform, **FRAMES)[0],
        "spectral_flatness": feature.spectral_flatness(y=waveform, **SPECTRA)[0],
        "spectral_rolloff": feature.spectral_rolloff(y=waveform, sr=RATE, **SPECTRA)[0],
        "mfcc": mfcc,
        "delta": feature.delta(mfcc),
    }


def main() -> None:
    """Write the file."""
    samples = make_waveform()
    numbers = {name: array.astype(np.float32) for name, array in compute(samples).items()}
    path = Path(__file__).parents[1] / "tests" / "audio" / "librosa.npz"
    np.savez_compressed(path, samples=samples, librosa=np.array(librosa.__version__), **numbers)


if __name__ == "__main__":
    main()
