"""Fingerprints find duplicates whatever their encoding, and nothing else."""

import csv
from itertools import combinations, product

import numpy as np
import pytest
import soundfile
import soxr
from audio_files import write_mp4
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.audio.decoding import SAMPLING_RATE, decode
from sentir.audio.descriptors import extract_descriptors
from sentir.audio.fingerprinting import compute_audio_fingerprint, compute_bit_error_rate, find_duplicate_clips
from sentir.corpus.utterances import Clip

DUPLICATES = ("03-01-03-01-02-01-07", "03-01-03-01-02-02-07")


def speech(seed, seconds=1.5):
    """Speech-like noise: eight bands, each with its own syllables."""
    rng = np.random.default_rng(seed)
    n = int(seconds * SAMPLING_RATE)
    waveform = np.zeros(n, dtype=np.float32)
    for hz in rng.uniform(250, 3_200, 8):
        envelope = np.interp(
            np.arange(n), np.linspace(0, n, int(10 * seconds)), rng.uniform(0, 1, int(10 * seconds))
        )
        phase = 2 * np.pi * hz * np.arange(n) / SAMPLING_RATE + np.cumsum(rng.normal(0, 0.05, n))
        waveform += (0.05 * envelope * np.sin(phase)).astype(np.float32)
    return waveform


def fingerprint(waveform):
    return compute_audio_fingerprint(extract_descriptors(waveform)[0].astype(np.float16))


def reencode(waveform, tmp_path, codec):
    """Write a waveform to a file and decode it."""
    path = tmp_path / "copy"
    if codec == "mp4":
        write_mp4(path, waveform, SAMPLING_RATE)
    elif codec == "telephone":
        soundfile.write(path, soxr.resample(waveform, SAMPLING_RATE, 8_000), 8_000, format="WAV")
    else:
        soundfile.write(path, waveform, SAMPLING_RATE, format=codec, compression_level=0.9)
    return decode(Clip(path)).waveform


@pytest.mark.parametrize("codec", ["MP3", "OGG", "mp4", "telephone"])
def test_a_reencoded_copy_that_is_quieter_and_starts_later_is_found_among_others(codec, tmp_path):
    waveforms = [speech(seed) for seed in range(6)]
    delayed = np.concatenate([np.zeros(int(0.29 * SAMPLING_RATE), dtype=np.float32), 0.3 * waveforms[4]])
    fingerprints = [*map(fingerprint, waveforms), fingerprint(reencode(delayed, tmp_path, codec))]
    assert find_duplicate_clips(fingerprints) == [(4, 6)]
    assert compute_bit_error_rate(fingerprints[4], fingerprints[6]).overall < 0.15


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.floats(-30, 6), st.integers(0, 4_000))
def test_gain_and_leading_silence_hardly_change_a_fingerprint(seed, decibels, silence):
    waveform = speech(seed, 0.9)
    other = np.concatenate([np.zeros(silence, dtype=np.float32), waveform * np.float32(10 ** (decibels / 20))])
    assert compute_bit_error_rate(fingerprint(waveform), fingerprint(waveform)) == (0, 0)
    assert compute_bit_error_rate(fingerprint(waveform), fingerprint(other)).is_duplicate


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(10_001, 20_000))
def test_a_comparison_is_symmetric_and_unrelated_clips_are_far_apart(one, other):
    a, b = fingerprint(speech(one)), fingerprint(speech(other))
    assert compute_bit_error_rate(a, b).overall == compute_bit_error_rate(b, a).overall > 0.25
    assert not compute_bit_error_rate(a, b).is_duplicate


def test_less_than_half_a_second_of_active_audio_has_no_fingerprint():
    mostly_silent = np.concatenate([speech(0, 0.3), np.zeros(SAMPLING_RATE, dtype=np.float32)])
    assert fingerprint(mostly_silent) is None and fingerprint(np.zeros(SAMPLING_RATE, dtype=np.float32)) is None
    assert fingerprint(speech(0, 0.7)) is not None
    assert find_duplicate_clips([None, fingerprint(speech(1)), None]) == [] == find_duplicate_clips([])


def test_a_part_is_no_duplicate_of_the_whole():
    whole = speech(0, 3.0)
    assert compute_bit_error_rate(fingerprint(whole), fingerprint(whole[: len(whole) // 2])) == (1, 1)


def test_a_sentence_with_another_last_word_is_no_duplicate():
    one, other = speech(0, 4.0), speech(0, 4.0)
    other[-SAMPLING_RATE // 2 :] = speech(1, 0.5)
    rate = compute_bit_error_rate(fingerprint(one), fingerprint(other))
    assert rate.overall < 0.19 and rate.worst_window > 0.3 and not rate.is_duplicate


def test_twenty_copies_of_one_clip_are_all_in_a_pair():
    rng = np.random.default_rng(0)
    fingerprints = [
        fingerprint(speech(0) + rng.normal(0, 1e-4, 24_000).astype(np.float32)) for _copy in range(20)
    ]
    pairs = find_duplicate_clips([*fingerprints, *(fingerprint(speech(seed)) for seed in range(1, 5))])
    assert {position for pair in pairs for position in pair} == set(range(20))


@pytest.mark.shared_data
def test_the_one_identical_pair_of_ravdess_is_found_among_its_repetitions(shared_data):
    with (shared_data / "ravdess" / "manifest.csv").open(encoding="utf-8") as file:
        paths = [row["path"] for row in csv.DictReader(file) if row["speaker"] in ("actor07", "actor23")]
    names = [path.split("/")[-1].removesuffix(".ogg") for path in paths]
    fingerprints = [fingerprint(decode(Clip(shared_data / "ravdess" / path)).waveform) for path in paths]
    assert len(names) == 120
    assert [(names[a], names[b]) for a, b in find_duplicate_clips(fingerprints)] == [DUPLICATES]
    repetitions = [
        (a, b)
        for a, b in combinations(range(len(names)), 2)
        if names[a][:14] == names[b][:14] and names[a][-2:] == names[b][-2:]
    ]
    others = [
        compute_bit_error_rate(fingerprints[a], fingerprints[b]).overall
        for a, b in repetitions
        if (names[a], names[b]) != DUPLICATES
    ]
    assert len(others) == 59 and min(others) > 0.21


SUBJECTS, VERBS, OBJECTS = ("I", "we", "they", "you"), ("lost", "hated", "loved"), ("the keys", "my dog", "that")
SENTENCES = [" ".join(words) for words in product(SUBJECTS, VERBS, OBJECTS, ("again.", "today."))]


@pytest.fixture(scope="module")
def one_voice():
    """Sentences of one synthetic voice in one style, which differ only in their words."""
    from sentir.demo.voice import EMOTION_PROSODY, VOICE_SAMPLING_RATE, _run_espeak

    pytest.importorskip("espeakng_loader")
    waveforms = (
        _run_espeak(text, "en-us", 168, EMOTION_PROSODY["neutral"]).astype(np.float32) / 2**15
        for text in SENTENCES
    )
    return [soxr.resample(waveform, VOICE_SAMPLING_RATE, SAMPLING_RATE) for waveform in waveforms]


def test_sentences_of_one_synthetic_voice_are_no_duplicates(one_voice):
    fingerprints = [fingerprint(waveform) for waveform in one_voice]
    similar = [
        pair
        for pair in combinations(range(len(fingerprints)), 2)
        if compute_bit_error_rate(*(fingerprints[n] for n in pair)).is_duplicate
    ]
    assert len(similar) > 5, "they are so similar that only their texts distinguish them"
    assert find_duplicate_clips(fingerprints, SENTENCES) == [] and find_duplicate_clips(fingerprints) == []


@pytest.mark.parametrize("codec", ["MP3", "OGG", "mp4", "telephone"])
@pytest.mark.parametrize("with_text", [True, False])
def test_a_copy_of_a_sentence_of_one_synthetic_voice_is_still_found(one_voice, codec, with_text, tmp_path):
    fingerprints = [*map(fingerprint, one_voice), fingerprint(reencode(one_voice[7], tmp_path, codec))]
    transcripts = [*SENTENCES, SENTENCES[7]] if with_text else None
    assert find_duplicate_clips(fingerprints, transcripts) == [(7, len(SENTENCES))]


def test_a_certain_duplicate_with_another_text_is_found(one_voice, tmp_path):
    fingerprints = [*map(fingerprint, one_voice), fingerprint(reencode(one_voice[7], tmp_path, "telephone"))]
    assert find_duplicate_clips(fingerprints, [*SENTENCES, "something else"]) == [(7, len(SENTENCES))]
