"""Descriptors of a waveform: equal to those of librosa where it has them, and finite for any audio."""

import librosa_reference as reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sentir.audio.descriptors import FUNCTIONALS, HEALTH_DESCRIPTORS, THESIS_DESCRIPTORS, extract_descriptors
from sentir.audio.mel import compute_power_frames, power_to_mel_db

RATE = 16_000
FRAMES = {"frame_length": 400, "hop_length": 160}
SPECTRA = {"n_fft": 512, "win_length": 400, "hop_length": 160}


def speech(seconds: float, *, seed: int = 0) -> np.ndarray:
    """A voice-like waveform: a gliding tone with harmonics, alternately loud and quiet, on faint noise."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * (120 + 40 * np.sin(3 * time)).cumsum() / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 20)) * np.sin(4 * time) ** 2
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return (0.1 * voice + 0.003 * noise).astype(np.float32)


WAVEFORMS = {"speech": speech(2.7), "long": speech(7), "short": speech(0.3), "backwards": speech(2, seed=1)[::-1]}


@pytest.mark.parametrize("waveform", WAVEFORMS.values(), ids=WAVEFORMS)
def test_thesis_descriptors_equal_those_of_librosa(waveform):
    mel, descriptors = extract_descriptors(waveform)
    expected = {
        "duration": len(waveform) / RATE,
        "rms": reference.rms(waveform, **FRAMES).mean(),
        "zero_crossing_rate": reference.zero_crossing_rate(waveform, **FRAMES).mean(),
        "spectral_flatness": reference.spectral_flatness(waveform, **SPECTRA).mean(),
        "spectral_rolloff": reference.spectral_rolloff(waveform, **SPECTRA).mean(),
    }
    mfcc = reference.mfcc(mel.T, 4).mean(axis=1)
    expected |= {f"mfcc{k}": value for k, value in enumerate(mfcc, start=1)}
    assert tuple(expected) == THESIS_DESCRIPTORS
    for name, value in expected.items():
        assert descriptors[f"thesis.{name}"] == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("length", [1, 2, 399, 400, 401, 640])
@pytest.mark.parametrize("sign", [-1, 1])
def test_zero_crossings_at_the_ends_are_those_of_librosa(length, sign):
    waveform = (sign * np.sin(np.arange(length) * 2 + 1)).astype(np.float32)
    expected = reference.zero_crossing_rate(waveform, **FRAMES).mean()
    assert extract_descriptors(waveform)[1]["thesis.zero_crossing_rate"] == pytest.approx(expected)


def test_the_mel_spectrogram_is_that_of_the_mel_module():
    waveform = speech(3)
    # With some kernels of OpenBLAS (Haswell, Zen) products of blocks and of the whole differ in the last digit.
    np.testing.assert_allclose(
        extract_descriptors(waveform)[0], power_to_mel_db(compute_power_frames(waveform)), rtol=0, atol=1e-4
    )


UNUSUAL = {
    "nothing": np.zeros(0),
    "one sample": np.ones(1),
    "one window": np.sin(np.arange(400)),
    "eight frames": np.sin(np.arange(160 * 8 - 1)),
    "nine frames": np.sin(np.arange(160 * 9 - 1)),
    "silence": np.zeros(RATE),
    "a constant": np.full(RATE, 0.5),
    "full scale": np.sign(np.sin(np.arange(RATE) / 9)),
    "a click": np.eye(1, RATE, 700)[0],
    "below the floor": 1e-9 * np.sin(np.arange(RATE)),
    "far beyond full scale": 1e15 * np.sin(np.arange(RATE)),
}


@pytest.mark.parametrize("waveform", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_waveforms_give_finite_descriptors(waveform):
    mel, descriptors = extract_descriptors(waveform.astype(np.float32))
    assert mel.shape == (1 + len(waveform) // 160, 64) and np.isfinite(mel).all()
    sets = {"thesis": THESIS_DESCRIPTORS, "functionals": FUNCTIONALS, "health": HEALTH_DESCRIPTORS}
    assert list(descriptors) == [f"{name}.{column}" for name, columns in sets.items() for column in columns]
    assert np.isfinite(list(descriptors.values())).all()
    assert all(type(value) is float for value in descriptors.values())


@settings(max_examples=50)
@given(
    arrays(
        np.float32, st.integers(400, 3_000), elements=st.floats(-(2.0**49), 2.0**49, width=32), fill=st.just(0.0)
    )
)
def test_descriptors_are_finite_for_any_finite_waveform(waveform):
    mel, descriptors = extract_descriptors(waveform)
    assert np.isfinite(mel).all() and np.isfinite(list(descriptors.values())).all()
    assert all(descriptors[f"functionals.{name}"] >= 0 for name in FUNCTIONALS if name.endswith("_std"))
    assert (
        0 <= descriptors["thesis.zero_crossing_rate"] <= 1
        and 0 <= descriptors["thesis.spectral_rolloff"] <= RATE / 2
    )


def test_health_descriptors_measure_level_peak_clipping_and_silence():
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    silence = np.zeros(RATE, dtype=np.float32)

    def health(waveform):
        return {name: extract_descriptors(waveform)[1][f"health.{name}"] for name in HEALTH_DESCRIPTORS}

    plain, half, loud = health(tone), health(np.concatenate([tone, silence])), health(np.clip(4 * tone, -1, 1))
    assert plain["level"] == pytest.approx(20 * np.log10(0.5) - 3.01, abs=0.1)
    assert plain["peak"] == pytest.approx(0.5, abs=1e-3) and plain["clipped"] == 0 == plain["silence"]
    assert half["level"] == pytest.approx(plain["level"], abs=0.1) and half["silence"] == pytest.approx(
        0.5, abs=0.02
    )
    assert loud["peak"] == 1 and 0.5 < loud["clipped"] < 0.8
    assert health(silence) == {"level": -100, "peak": 0, "clipped": 0, "silence": 1}
    assert health(1e-4 * tone)["silence"] == 1
