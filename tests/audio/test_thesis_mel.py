"""Mel spectrograms of the thesis and its published files: shape, scale, orientation, and what is rejected."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from librosa_reference import thesis_mel_db

from sentir.audio.thesis_mel import compute_thesis_mel, load_thesis_mel
from sentir.errors import AudioError

RATE = 16_000


def tone(hertz: float, seconds: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.0, 0.05, 2.5, 4, 6])
def test_it_is_a_square_of_decibels_relative_to_the_loudest_value(seconds):
    waveform = (
        tone(440, seconds) + np.random.default_rng(0).standard_normal(int(seconds * RATE)).astype("f4") / 50
    )
    mel = compute_thesis_mel(waveform)
    assert mel.shape == (224, 224) and mel.dtype == np.float32
    assert mel.max() <= 0 and mel.min() >= -80


def test_it_is_the_resized_mel_spectrogram_of_librosa():
    waveform = tone(440, 3) + np.random.default_rng(0).standard_normal(3 * RATE).astype("f4") / 50
    ours, theirs = compute_thesis_mel(waveform), thesis_mel_db(waveform).T
    assert theirs.shape == (126, 128)
    time, band = (np.linspace(0, n - 1, 224) for n in theirs.shape)
    columns = np.stack([np.interp(band, np.arange(128), row) for row in theirs])
    expected = np.stack([np.interp(time, np.arange(126), column) for column in columns.T], axis=1)
    np.testing.assert_allclose(ours, expected, atol=1e-2)


def test_the_first_axis_is_time_and_low_bands_come_first():
    mel = compute_thesis_mel(tone(200, 2))
    assert mel[:100].max() == pytest.approx(0, abs=0.1) and mel[120:].max() == pytest.approx(-80)
    assert mel[50].argmax() < 30


def test_audio_after_four_seconds_is_ignored_and_loudness_is_lost():
    waveform = tone(300, 4)
    longer = np.concatenate([waveform, 3 * tone(900, 1)])
    np.testing.assert_array_equal(compute_thesis_mel(longer), compute_thesis_mel(waveform))
    np.testing.assert_allclose(
        compute_thesis_mel(waveform * np.float32(0.5)), compute_thesis_mel(waveform), atol=1e-3
    )


def test_silence_is_zero_throughout_as_in_librosa():
    silence = np.zeros(RATE, dtype=np.float32)
    assert (compute_thesis_mel(silence) == 0).all() and (thesis_mel_db(silence) == 0).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_published_file_is_transposed_to_time_by_bands(tmp_path, dtype, order):
    published = np.asarray(-80 * np.random.default_rng(0).random((224, 224)), dtype=dtype, order=order)
    np.save(tmp_path / "dia0_utt0.npy", published)
    mel = load_thesis_mel(tmp_path / "dia0_utt0.npy")
    assert mel.dtype == np.float32 and mel.flags.c_contiguous
    np.testing.assert_array_equal(mel, published.T.astype(np.float32))


def archive(path):
    with path.open("wb") as file:
        np.savez(file, a=np.zeros((224, 224)))


UNUSABLE = {
    "another shape": lambda path: np.save(path, np.zeros((128, 224))),
    "a stack": lambda path: np.save(path, np.zeros((1, 224, 224))),
    "a single number": lambda path: np.save(path, np.float32(1)),
    "whole numbers": lambda path: np.save(path, np.zeros((224, 224), dtype=np.uint8)),
    "complex numbers": lambda path: np.save(path, np.zeros((224, 224), dtype=complex)),
    "strings": lambda path: np.save(path, np.full((224, 224), "x")),
    "objects": lambda path: np.save(path, np.full((224, 224), None), allow_pickle=True),
    "missing numbers": lambda path: np.save(path, np.full((224, 224), np.nan)),
    "infinite numbers": lambda path: np.save(path, np.full((224, 224), -np.inf)),
    "numbers too large": lambda path: np.save(path, np.full((224, 224), 1e300)),
    "numbers too large for float16": lambda path: np.save(path, np.full((224, 224), 1e5)),
    "an archive": archive,
    "text": lambda path: path.write_text("not an array"),
    "a magic string only": lambda path: path.write_bytes(b"\x93NUMPY\x01"),
    "an excessive shape": lambda path: np.lib.format.write_array_header_1_0(
        path.open("wb"), {"descr": "<f8", "fortran_order": False, "shape": (10**12, 10**12)}
    ),
}


@pytest.mark.parametrize("write", UNUSABLE.values(), ids=UNUSABLE)
def test_invalid_spectrograms_are_rejected_by_name(tmp_path, write):
    path = tmp_path / "dia1_utt2.npy"
    write(path)
    with pytest.raises(AudioError, match=r"dia1_utt2\.npy.*224 × 224") as caught:
        load_thesis_mel(path)
    assert caught.value.kind == "undecodable"


@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_a_missing_or_empty_file_has_its_kind_of_error(tmp_path, kind):
    path = tmp_path / "dia1_utt2.npy"
    if kind == "empty":
        path.touch()
    with pytest.raises(AudioError, match=r"dia1_utt2\.npy") as caught:
        load_thesis_mel(path)
    assert caught.value.kind == kind


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 127), st.binary(min_size=1, max_size=3))
def test_a_damaged_header_is_rejected_or_harmless(tmp_path, offset, damage):
    path = tmp_path / "damaged.npy"
    np.save(path, np.zeros((224, 224), dtype=np.float32))
    content = bytearray(path.read_bytes())
    content[offset : offset + len(damage)] = damage
    path.write_bytes(content)
    try:
        assert load_thesis_mel(path).shape == (224, 224)
    except AudioError as error:
        assert error.kind == "undecodable"
