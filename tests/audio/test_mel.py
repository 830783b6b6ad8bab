"""The mel spectrogram equals that of librosa, whatever the length and level of a waveform."""

from dataclasses import asdict

import librosa_reference as reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.audio_utils import hertz_to_mel, mel_to_hertz

from sentir.audio.mel import (
    DEFAULT_MEL,
    HOP_LENGTH,
    MIN_DB,
    N_FFT,
    N_MELS,
    WIN_LENGTH,
    MelSettings,
    compute_power_frames,
    mel_filter_bank,
    power_to_mel_db,
)
from sentir.audio.thesis_mel import THESIS_MEL

RATE = 16_000


def noise(length: int, *, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(length)).astype(np.float32)


def librosa_power(waveform: np.ndarray, mel_settings: MelSettings) -> np.ndarray:
    facts = asdict(mel_settings)
    del facts["n_mels"]
    return reference.power_spectrogram(waveform, **facts).T


def librosa_mel_db(waveform: np.ndarray, mel_settings: MelSettings) -> np.ndarray:
    return reference.mel_spectrogram_db(waveform, **asdict(mel_settings)).T


def assert_equal_above_rounding(mel: np.ndarray, expected: np.ndarray) -> None:
    """The tolerance grows with the distance below the loudest band of the frame, as the module documents."""
    below = expected.max(axis=1, keepdims=True) - expected
    for depth, tolerance in ((40, 1e-4), (80, 2e-3), (np.inf, 0.2)):
        assert np.abs(mel - expected)[below < depth].max() < tolerance


@pytest.mark.parametrize("mel_settings", [DEFAULT_MEL, THESIS_MEL], ids=["ours", "thesis"])
@pytest.mark.parametrize("length", [1, 159, 160, 399, 400, 401, 5_000, 41_120, 100_000])
def test_mel_equals_that_of_librosa(length, mel_settings):
    waveform = noise(length)
    power = compute_power_frames(waveform, settings=mel_settings)
    mel = power_to_mel_db(power, settings=mel_settings)
    assert power.dtype == mel.dtype == np.float32
    assert power.shape == (1 + length // mel_settings.hop_length, mel_settings.n_fft // 2 + 1)
    assert mel.shape == (len(power), mel_settings.n_mels)
    np.testing.assert_allclose(power, librosa_power(waveform, mel_settings), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(mel, librosa_mel_db(waveform, mel_settings), rtol=0, atol=1e-4)


@pytest.mark.shared_data
def test_mel_of_speech_equals_that_of_librosa(shared_data):
    import soundfile

    clips = sorted((shared_data / "ravdess" / "audio").glob("*-01.ogg"))[:5]
    assert len(clips) == 5
    for clip in clips:
        waveform, _rate = soundfile.read(clip, dtype="float32")
        assert_equal_above_rounding(
            power_to_mel_db(compute_power_frames(waveform)), librosa_mel_db(waveform, DEFAULT_MEL)
        )


@pytest.mark.parametrize("hertz", [100, 440, 3_000])
def test_mel_of_a_tone_at_full_scale_equals_that_of_librosa(hertz):
    tone = np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE).astype(np.float32)
    assert_equal_above_rounding(power_to_mel_db(compute_power_frames(tone)), librosa_mel_db(tone, DEFAULT_MEL))


@pytest.mark.parametrize("mel_settings", [DEFAULT_MEL, THESIS_MEL], ids=["ours", "thesis"])
def test_filters_equal_those_of_librosa(mel_settings):
    expected = reference.mel_filters(n_fft=mel_settings.n_fft, n_mels=mel_settings.n_mels).T
    np.testing.assert_allclose(mel_filter_bank(mel_settings), expected, rtol=1e-5, atol=1e-8)


def test_the_default_settings_are_the_documented_ones():
    assert MelSettings(WIN_LENGTH, HOP_LENGTH, N_FFT, N_MELS) == DEFAULT_MEL == MelSettings(400, 160, 512, 64)


@settings(max_examples=30)
@given(st.floats(-60, 60), st.integers(0, 3))
def test_a_gain_shifts_the_mel_spectrogram_by_as_many_decibels_above_the_floor(gain, seed):
    waveform = noise(4_000, seed=seed)
    louder = (waveform * 10 ** (gain / 20)).astype(np.float32)
    before, after = (power_to_mel_db(compute_power_frames(one)) for one in (waveform, louder))
    above_floor = (before > MIN_DB) & (after > MIN_DB)
    assert above_floor.mean() > 0.9
    np.testing.assert_allclose((after - before)[above_floor], gain, atol=2e-3)


def test_nothing_lies_below_the_floor_and_silence_lies_on_it():
    silence = power_to_mel_db(compute_power_frames(np.zeros(1_000, dtype=np.float32)))
    np.testing.assert_allclose(silence, MIN_DB, atol=1e-4)
    assert power_to_mel_db(compute_power_frames(noise(1_000) * np.float32(1e-6))).min() >= MIN_DB - 1e-4


def test_a_frame_depends_only_on_its_own_samples():
    waveform = noise(RATE * 6)
    part = waveform[: 300 * HOP_LENGTH]
    mel, mel_of_part = (power_to_mel_db(compute_power_frames(one)) for one in (waveform, part))
    np.testing.assert_allclose(mel_of_part[:298], mel[:298], atol=1e-4)


def test_a_tone_is_loudest_in_the_band_around_it():
    tone = np.sin(2 * np.pi * 1_000 * np.arange(RATE) / RATE).astype(np.float32)
    centers = mel_to_hertz(np.linspace(0, hertz_to_mel(RATE / 2, "slaney"), N_MELS + 2), "slaney")[1:-1]
    assert power_to_mel_db(compute_power_frames(tone))[50].argmax() == np.abs(centers - 1_000).argmin()
