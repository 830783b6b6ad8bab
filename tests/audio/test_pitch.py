"""Pitch: right on tones, glides, complexes and noise, and as Praat finds it in speech."""

import numpy as np
import pytest
import soxr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentir.audio.pitch import MAX_F0, MIN_F0, Pitch, compute_pitch
from sentir.demo.voice import VOICE_SAMPLING_RATE, ScriptLine, synthesize

RATE = 16_000
FREQUENCIES = st.floats(MIN_F0 * 1.02, MAX_F0 * 0.98)


def harmonic_complex(f0: np.ndarray, harmonics=range(1, 12), *, tilt: float = 1.0, seed: int = 0) -> np.ndarray:
    """Harmonics of a fundamental, one frequency a sample, with random phases and ``1 / k ** tilt`` amplitudes."""
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    offsets = np.random.default_rng(seed).uniform(0, 2 * np.pi, 64)
    parts = [np.sin(k * phase + offsets[k]) / k**tilt for k in harmonics if k * np.max(f0) < RATE / 2]
    return (0.1 * np.sum(parts, axis=0)).astype(np.float32)


def noise(seconds: float, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(int(seconds * RATE)).astype(np.float32)


def inner(pitch: Pitch) -> slice:
    """The frames whose window lies inside the waveform."""
    return slice(4, len(pitch.f0) - 4)


@settings(max_examples=40, deadline=None)
@given(FREQUENCIES, st.floats(1e-3, 1), st.integers(0, 99))
@example(MIN_F0 * 1.02, 1, 0)
@example(MAX_F0 * 0.98, 1e-3, 0)
def test_the_pitch_of_a_tone_is_its_frequency(frequency, amplitude, seed):
    tone = harmonic_complex(np.full(RATE // 2, frequency), [1], seed=seed)
    pitch = compute_pitch(amplitude * tone)
    assert pitch.voiced[inner(pitch)].all()
    np.testing.assert_allclose(pitch.f0[inner(pitch)], frequency, rtol=2e-3)
    assert (pitch.hnr[inner(pitch)] > 25).all()


@settings(max_examples=40, deadline=None)
@given(st.floats(MIN_F0 * 1.02, 450), st.integers(1, 3), st.floats(0, 1.5), st.integers(0, 99))
def test_a_complex_has_the_pitch_of_its_fundamental_even_if_that_is_missing(frequency, first, tilt, seed):
    waveform = harmonic_complex(np.full(RATE // 2, frequency), range(first, first + 9), tilt=tilt, seed=seed)
    pitch = compute_pitch(waveform)
    assert pitch.voiced[inner(pitch)].all()
    np.testing.assert_allclose(pitch.f0[inner(pitch)], frequency, rtol=2e-3)


@settings(max_examples=25, deadline=None)
@given(st.floats(90, 400), st.floats(-1.5, 1.5))
def test_a_glide_is_followed(start, octaves_per_second):
    octaves = octaves_per_second * np.arange(RATE // 2) / RATE
    f0 = np.clip(start * 2**octaves, MIN_F0 * 1.05, MAX_F0 * 0.95)
    pitch = compute_pitch(harmonic_complex(f0))
    expected = f0[np.minimum(np.arange(len(pitch.f0)) * 160, len(f0) - 1)]
    assert pitch.voiced[inner(pitch)].all()
    np.testing.assert_allclose(pitch.f0[inner(pitch)], expected[inner(pitch)], rtol=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_voice(seed):
    pitch = compute_pitch(0.1 * noise(3, seed=seed))
    assert pitch.voiced.mean() < 0.02 and np.median(pitch.hnr) < 0


@pytest.mark.parametrize("expected", [0, 5, 10, 20])
def test_hnr_is_the_ratio_of_a_complex_to_noise_on_it(expected):
    voice = harmonic_complex(np.full(4 * RATE, 140.0))
    background = noise(4, seed=expected)
    background *= np.sqrt(np.square(voice).mean() / np.square(background).mean() / 10 ** (expected / 10))
    pitch = compute_pitch(voice + background)
    assert np.median(pitch.hnr[inner(pitch)]) == pytest.approx(expected, abs=1)


def test_voice_is_found_where_it_is():
    voice = harmonic_complex(np.full(RATE, 200.0))
    pitch = compute_pitch(np.concatenate([voice, np.zeros(RATE, np.float32), 0.002 * noise(1), voice]))
    expected = np.zeros(401, dtype=bool)
    expected[:100] = expected[300:] = True
    assert (pitch.voiced != expected).mean() < 0.02


@settings(max_examples=20, deadline=None)
@given(st.floats(80, 500), st.integers(-12, 12), st.integers(1, 40))
def test_gain_and_a_shift_by_frames_change_nothing(frequency, gain, shift):
    waveform = harmonic_complex(np.full(RATE // 2, frequency)) + 0.01 * noise(0.5)
    plain, louder = compute_pitch(waveform), compute_pitch(np.float32(2.0**gain) * waveform)
    shifted = compute_pitch(np.concatenate([np.zeros(160 * shift, np.float32), waveform]))
    for name in ("f0", "periodicity", "voiced"):
        assert np.array_equal(getattr(plain, name), getattr(louder, name)), name
    # The median reaches two frames beyond the start; products of blocks may differ in the last digit.
    assert np.array_equal(plain.voiced[4:], shifted.voiced[shift + 4 :])
    np.testing.assert_allclose(plain.f0[4:], shifted.f0[shift + 4 :], rtol=1e-4)
    np.testing.assert_allclose(plain.periodicity[4:], shifted.periodicity[shift + 4 :], atol=1e-4)


def speech(seed: int) -> np.ndarray:
    """Vowels of a source and three formants with a wavering pitch, consonants of noise, and pauses."""
    rng = np.random.default_rng(seed)
    parts = []
    for _syllable in range(8):
        samples = int(rng.uniform(0.12, 0.3) * RATE)
        course = np.linspace(*rng.uniform(100, 320, 2), samples)
        vowel = harmonic_complex(course, range(1, 40), seed=int(rng.integers(99))).astype(np.float64)
        for formant in rng.uniform((300, 900, 2200), (800, 2000, 3000)):
            vowel = resonate(vowel, formant, 90)
        vowel *= np.hanning(samples) / np.abs(vowel).max()
        parts += [0.3 * vowel, 0.02 * noise(rng.uniform(0.05, 0.1), seed=seed), np.zeros(rng.integers(1_600))]
    whole = np.concatenate(parts)
    return (whole + 1e-3 * noise(len(whole) / RATE + 1)[: len(whole)]).astype(np.float32)


def resonate(waveform: np.ndarray, frequency: float, bandwidth: float) -> np.ndarray:
    from scipy.signal import lfilter

    radius = np.exp(-np.pi * bandwidth / RATE)
    return lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * frequency / RATE), radius**2], waveform)


@pytest.mark.parametrize("seed", range(4))
def test_pitch_and_hnr_of_speech_are_those_of_praat(seed):
    assert_agrees_with_praat(speech(seed))


def assert_agrees_with_praat(waveform: np.ndarray) -> None:
    import parselmouth

    pitch = compute_pitch(waveform)
    sound = parselmouth.Sound(waveform.astype(np.float64), RATE)
    praat = sound.to_pitch_ac(time_step=0.01, pitch_floor=MIN_F0, pitch_ceiling=MAX_F0)
    harmonicity = sound.to_harmonicity_ac(time_step=0.01, minimum_pitch=MIN_F0, periods_per_window=3.0)
    times = np.arange(len(pitch.f0)) / 100
    f0 = np.array([praat.get_value_at_time(time) for time in times])
    hnr = np.array([harmonicity.get_value(time) for time in times])
    voiced = ~np.isnan(f0)
    both = voiced & pitch.voiced
    assert voiced.mean() > 0.2 and (voiced != pitch.voiced).mean() < 0.12
    semitones = np.abs(12 * np.log2(pitch.f0[both] / f0[both]))
    assert (semitones > 1).mean() < 0.13 and np.median(semitones) < 0.1
    assert np.nanmedian(np.abs(pitch.hnr[both] - hnr[both])) < 1.2  # Praat has none at the ends


@pytest.mark.parametrize("emotion", ["", "fear", "sadness"])
def test_pitch_and_hnr_of_demo_voices_are_those_of_praat(emotion):
    line = ScriptLine(
        "voice-test",
        "Kids are talking by the door, and dogs are sitting there.",
        "Elena",
        {emotion: 1.0} if emotion else {},
        4.0,
    )
    spoken = soxr.resample(synthesize(line), VOICE_SAMPLING_RATE, RATE)
    assert_agrees_with_praat(spoken.astype(np.float32))
