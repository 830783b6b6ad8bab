"""The feature set ``functionals``: equal to simple definitions, and what it says of sounds that are known."""

import re
import tracemalloc

import librosa_reference as reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.audio.descriptors import extract_descriptors
from sentir.audio.functionals import FUNCTIONALS
from sentir.audio.pitch import compute_pitch

RATE = 16_000
BINS = np.arange(257) * RATE / 512


def functionals(waveform: np.ndarray) -> dict[str, float]:
    numbers = extract_descriptors(waveform.astype(np.float32))[1]
    return {name: numbers[f"functionals.{name}"] for name in FUNCTIONALS}


def noise(seconds: float, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(int(seconds * RATE))


def voice(seconds: float, f0: float = 130.0, *, seed: int = 0) -> np.ndarray:
    """A complex that glides and swells, on faint noise."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(f0 * (1 + 0.3 * np.sin(3 * time))) / RATE
    waveform = sum(np.sin(k * phase) / k for k in range(1, 20)) * np.sin(4 * time) ** 2
    return 0.1 * waveform + 0.003 * noise(seconds, seed=seed)


def test_names_are_unique_and_say_series_and_statistic():
    assert len(set(FUNCTIONALS)) == len(FUNCTIONALS) and {"f0_semitone_mean", "mfcc_3_slope"} <= set(FUNCTIONALS)
    assert all(re.fullmatch(r"[a-z0-9_.]+", name) for name in FUNCTIONALS)


@pytest.mark.parametrize(
    "waveform", [voice(2.7), voice(0.3), voice(1.5)[::-1]], ids=["speech", "short", "backwards"]
)
def test_statistics_are_those_of_simple_definitions(waveform):
    found = functionals(waveform)
    series, active, pitch = simple_series(waveform)
    for name in FUNCTIONALS:
        row, _, statistic = name.rpartition("_")
        if row in series:
            mask = pitch.voiced if row in ("f0_semitone", "hnr", "voiced_loudness") else active
            expected = simple_statistic(statistic, series[row][mask])
            assert found[name] == pytest.approx(expected, rel=2e-3, abs=5e-3), name


def simple_series(waveform):
    """Series over frames, from the definitions, in float64 where ours are in float32."""
    spectra = {"n_fft": 512, "win_length": 400, "hop_length": 160}
    power = reference.power_spectrogram(waveform, **spectra).T
    level = 10 * np.log10(np.maximum(power, 1e-10))
    mel = reference.mel_spectrogram_db(waveform, n_mels=64, **spectra)
    energy = 20 * np.log10(reference.rms(waveform, frame_length=400, hop_length=160))
    pitch = compute_pitch(waveform.astype(np.float32))

    def band(low, high):
        return (low <= BINS) & (high > BINS)

    def slope(low, high, places=BINS / 1000):
        return np.array([np.polyfit(places[band(low, high)], row[band(low, high)], 1)[0] for row in level])

    centroid = (power * BINS).sum(1) / power.sum(1)
    spread = np.sqrt((power * np.square(BINS - centroid[:, None])).sum(1) / power.sum(1))
    flux = [
        0,
        *(np.sqrt(np.square(after - before).mean()) for before, after in zip(mel.T, mel.T[1:], strict=False)),
    ]
    cepstra, deltas = reference.mfcc(mel, 13), reference.delta(reference.mfcc(mel, 13))
    series = {
        "f0_semitone": 12 * np.log2(pitch.f0 / 100),
        "hnr": pitch.hnr,
        "voiced_loudness": energy,
        "loudness": energy,
        "alpha_ratio": 10 * np.log10(power[:, band(50, 1000)].sum(1) / power[:, band(1000, 5000)].sum(1)),
        "hammarberg_index": level[:, band(0, 2000)].max(1) - level[:, band(2000, 5000)].max(1),
        "slope_0_500": slope(0, 500),
        "slope_500_1500": slope(500, 1500),
        "slope_1000_5000": slope(1000, 5000),
        "spectral_tilt": slope(100, 9000, np.log2(np.maximum(BINS, 1))),
        "spectral_flatness": 10 * np.log10(reference.spectral_flatness(waveform, **spectra)),
        "spectral_centroid": np.log2(centroid / 1000),
        "spectral_spread": spread / 1000,
        "spectral_flux": np.array(flux),
    }
    series |= {f"mfcc_{k}": row for k, row in enumerate(cepstra)}
    series |= {f"delta_mfcc_{k}": row for k, row in enumerate(deltas)}
    return series, energy >= energy.max() - 30, pitch


def simple_statistic(name, values):
    if name == "slope":
        return np.polyfit(np.arange(len(values)) / 100, values, 1)[0]
    percentiles = {f"p{q}": np.percentile(values, q) for q in (10, 50, 90)}
    both = {"mean": np.mean(values), "std": np.std(values), "range": percentiles["p90"] - percentiles["p10"]}
    return (both | percentiles)[name]


@settings(max_examples=15, deadline=None)
@given(st.integers(-3, 6), st.integers(0, 3))
def test_gain_changes_loudness_alone(gain, seed):
    plain, louder = functionals(voice(1, seed=seed)), functionals(2.0**gain * voice(1, seed=seed))
    decibels = 20 * np.log10(2.0**gain)
    for name, value in louder.items():
        shift = decibels if re.fullmatch(r"(voiced_)?loudness_(mean|p\d0)", name) else 0
        assert value == pytest.approx(plain[name] + shift, rel=2e-3, abs=2e-2), name


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 60), st.integers(0, 60))
def test_silence_around_a_clip_changes_little(before, after):
    """Time within a clip does not depend on where in the recording it was cut."""
    waveform = voice(1.2)[2_000:-2_000]  # begins and ends in a voice
    padded = np.concatenate([np.zeros(160 * before), waveform, np.zeros(160 * after)])
    plain, found = functionals(waveform), functionals(padded)
    for name in (
        "f0_semitone_mean",
        "hnr_p50",
        "loudness_mean",
        "mfcc_2_mean",
        "alpha_ratio_p50",
        "voiced_share",
    ):
        assert found[name] == pytest.approx(plain[name], rel=0.06, abs=0.1), name


def test_bursts_have_their_rate_length_and_share():
    burst = np.concatenate([np.zeros(3_200), np.sin(2 * np.pi * 200 * np.arange(4_800) / RATE)])  # 0.2 s, 0.3 s
    found = functionals(0.1 * np.tile(burst, 6)[3_200:])  # 2.8 s
    assert found["voiced_rate"] == pytest.approx(6 / 2.8, rel=0.05)
    assert found["voiced_length_mean"] == pytest.approx(0.3, abs=0.04)
    assert found["voiced_share"] == pytest.approx(6 * 0.3 / 2.8, abs=0.08)
    assert found["pause_rate"] == pytest.approx(5 / 2.8, rel=0.05)


@pytest.mark.parametrize(
    ("hertz", "band"), [(0.7, "0.5_1"), (1.5, "1_2"), (3, "2_4"), (6, "4_8"), (12, "8_16"), (24, "16_32")]
)
def test_the_modulation_spectrum_peaks_where_a_tremor_is(hertz, band):
    time = np.arange(4 * RATE) / RATE
    found = functionals(
        0.1 * noise(4) * 10 ** (0.5 * np.sin(2 * np.pi * hertz * time))
    )  # ±10 dB: variance 50 dB²
    levels = {name: value for name, value in found.items() if name.startswith("modulation_all_")}
    assert max(levels, key=levels.get) == f"modulation_all_{band}"
    assert levels[f"modulation_all_{band}"] == pytest.approx(10 * np.log10(50), abs=4 if hertz < 16 else 8)


@pytest.mark.parametrize(
    "waveform", [np.zeros(RATE), 0.1 * noise(1), np.eye(1, RATE, 700)[0]], ids=["silence", "noise", "click"]
)
def test_without_a_voice_its_numbers_are_zero(waveform):
    found = functionals(waveform)
    names = [name for name in FUNCTIONALS if re.match(r"f0_|hnr|voiced_|jitter|shimmer", name)]
    assert len(names) > 15 and {found[name] for name in names} == {0}


def test_constant_audio_has_no_deltas():
    deltas = [value for name, value in functionals(np.zeros(RATE)).items() if "delta" in name]
    # Rows of one matrix product may differ in the last digit.
    assert deltas == pytest.approx([0] * len(deltas), abs=1e-4)
    assert functionals(voice(0.04))["delta_mfcc_2_std"] == pytest.approx(0, abs=1e-9)
    assert functionals(voice(0.4))["delta_mfcc_2_std"] > 0.01


def test_memory_grows_little_with_the_clip():
    waveform = (0.1 * noise(60)).astype(np.float32)
    extract_descriptors(waveform[:RATE])
    tracemalloc.start()
    extract_descriptors(waveform)
    _current, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * waveform.nbytes  # its power spectra alone would be 1.6 times, frames of its pitch 4.6 times
