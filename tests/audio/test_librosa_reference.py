"""The oracle of the audio tests computes what librosa does: compared with numbers of librosa itself.

``librosa.npz`` is written by ``tools/librosa_numbers.py``.
"""

from pathlib import Path

import librosa_reference as reference
import numpy as np
import pytest

SPECTRA = {"n_fft": 512, "win_length": 400, "hop_length": 160}
FRAMES = {"frame_length": 400, "hop_length": 160}
OURS = {
    "power_spectrogram": lambda y: reference.power_spectrogram(y, **SPECTRA),
    "mel_filters": lambda y: reference.mel_filters(n_fft=512, n_mels=64),
    "mel_spectrogram_db": lambda y: reference.mel_spectrogram_db(y, n_mels=64, **SPECTRA),
    "thesis_mel_db": reference.thesis_mel_db,
    "rms": lambda y: reference.rms(y, **FRAMES),
    "zero_crossing_rate": lambda y: reference.zero_crossing_rate(y, **FRAMES),
    "spectral_flatness": lambda y: reference.spectral_flatness(y, **SPECTRA),
    "spectral_rolloff": lambda y: reference.spectral_rolloff(y, **SPECTRA),
    "mfcc": lambda y: reference.mfcc(reference.mel_spectrogram_db(y, n_mels=64, **SPECTRA), 20),
    "delta": lambda y: reference.delta(reference.mfcc(reference.mel_spectrogram_db(y, n_mels=64, **SPECTRA), 20)),
}


@pytest.fixture(scope="module")
def numbers():
    with np.load(Path(__file__).with_name("librosa.npz"), allow_pickle=False) as file:
        return dict(file)


def test_the_file_holds_everything_that_the_oracle_computes(numbers):
    assert set(numbers) == {"samples", "librosa", *OURS}


@pytest.mark.parametrize("name", OURS)
def test_the_oracle_equals_librosa(name, numbers):
    ours = OURS[name](numbers["samples"] / 32_768)
    assert ours.shape == numbers[name].shape and np.ptp(ours) > 0
    np.testing.assert_allclose(ours, numbers[name], rtol=2e-5, atol=1e-4 * np.abs(numbers[name]).max())
