"""Fingerprints find copies however they were encoded, and nothing else."""

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

TWINS = ("03-01-03-01-02-01-07", "03-01-03-01-02-02-07")


def speech(seed, seconds=1.5):
    """Something that changes as speech does: eight noisy bands, each with syllables of its own."""
    draw = np.random.default_rng(seed)
    n = int(seconds * SAMPLING_RATE)
    wave = np.zeros(n, dtype=np.float32)
    for hz in draw.uniform(250, 3_200, 8):
        envelope = np.interp(
            np.arange(n), np.linspace(0, n, int(10 * seconds)), draw.uniform(0, 1, int(10 * seconds))
        )
        phase = 2 * np.pi * hz * np.arange(n) / SAMPLING_RATE + np.cumsum(draw.normal(0, 0.05, n))
        wave += (0.05 * envelope * np.sin(phase)).astype(np.float32)
    return wave


def heard(wave):
    return compute_audio_fingerprint(extract_descriptors(wave)[0].astype(np.float16))


def encoded(wave, tmp_path, how):
    """Return a wave as it comes back from a file."""
    path = tmp_path / "copy"
    if how == "mp4":
        write_mp4(path, wave, SAMPLING_RATE)
    elif how == "telephone":
        soundfile.write(path, soxr.resample(wave, SAMPLING_RATE, 8_000), 8_000, format="WAV")
    else:
        soundfile.write(path, wave, SAMPLING_RATE, format=how, compression_level=0.9)
    return decode(Clip(path)).waveform


@pytest.mark.parametrize("how", ["MP3", "OGG", "mp4", "telephone"])
def test_a_reencoded_copy_that_is_softer_and_begins_later_is_found_among_others(how, tmp_path):
    waves = [speech(seed) for seed in range(6)]
    late = np.concatenate([np.zeros(int(0.29 * SAMPLING_RATE), dtype=np.float32), 0.3 * waves[4]])
    prints = [*map(heard, waves), heard(encoded(late, tmp_path, how))]
    assert find_duplicate_clips(prints) == [(4, 6)]
    assert compute_bit_error_rate(prints[4], prints[6]).overall < 0.15


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.floats(-30, 6), st.integers(0, 4_000))
def test_gain_and_leading_silence_change_nothing_that_matters(seed, decibels, silence):
    wave = speech(seed, 0.9)
    other = np.concatenate([np.zeros(silence, dtype=np.float32), wave * np.float32(10 ** (decibels / 20))])
    assert compute_bit_error_rate(heard(wave), heard(wave)) == (0, 0)
    assert compute_bit_error_rate(heard(wave), heard(other)).is_duplicate


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(10_001, 20_000))
def test_a_comparison_has_no_order_and_unrelated_sounds_are_far_apart(one, other):
    a, b = heard(speech(one)), heard(speech(other))
    assert compute_bit_error_rate(a, b).overall == compute_bit_error_rate(b, a).overall > 0.25
    assert not compute_bit_error_rate(a, b).is_duplicate


def test_what_has_less_than_half_a_second_of_sound_has_no_fingerprint():
    long_and_short = np.concatenate([speech(0, 0.3), np.zeros(SAMPLING_RATE, dtype=np.float32)])
    assert heard(long_and_short) is None and heard(np.zeros(SAMPLING_RATE, dtype=np.float32)) is None
    assert heard(speech(0, 0.7)) is not None
    assert find_duplicate_clips([None, heard(speech(1)), None]) == [] == find_duplicate_clips([])


def test_a_part_is_no_copy_of_the_whole():
    whole = speech(0, 3.0)
    assert compute_bit_error_rate(heard(whole), heard(whole[: len(whole) // 2])) == (1, 1)


def test_one_other_word_at_the_end_of_a_sentence_makes_it_another_sentence():
    one, other = speech(0, 4.0), speech(0, 4.0)
    other[-SAMPLING_RATE // 2 :] = speech(1, 0.5)
    found = compute_bit_error_rate(heard(one), heard(other))
    assert found.overall < 0.19 and found.worst_window > 0.3 and not found.is_duplicate


def test_twenty_copies_of_one_sound_are_all_in_a_pair():
    draw = np.random.default_rng(0)
    prints = [heard(speech(0) + draw.normal(0, 1e-4, 24_000).astype(np.float32)) for _copy in range(20)]
    pairs = find_duplicate_clips([*prints, *(heard(speech(seed)) for seed in range(1, 5))])
    assert {place for pair in pairs for place in pair} == set(range(20))


@pytest.mark.shared_data
def test_the_one_identical_pair_of_ravdess_is_found_among_what_its_actor_says_twice(shared_data):
    with (shared_data / "ravdess" / "manifest.csv").open(encoding="utf-8") as file:
        paths = [row["path"] for row in csv.DictReader(file) if row["speaker"] in ("actor07", "actor23")]
    names = [path.split("/")[-1].removesuffix(".ogg") for path in paths]
    prints = [heard(decode(Clip(shared_data / "ravdess" / path)).waveform) for path in paths]
    assert len(names) == 120
    assert [(names[a], names[b]) for a, b in find_duplicate_clips(prints)] == [TWINS]
    said_twice = [
        (a, b)
        for a, b in combinations(range(len(names)), 2)
        if names[a][:14] == names[b][:14] and names[a][-2:] == names[b][-2:]
    ]
    others = [
        compute_bit_error_rate(prints[a], prints[b]).overall
        for a, b in said_twice
        if (names[a], names[b]) != TWINS
    ]
    assert len(others) == 59 and min(others) > 0.21


SUBJECTS, VERBS, OBJECTS = ("I", "we", "they", "you"), ("lost", "hated", "loved"), ("the keys", "my dog", "that")
SENTENCES = [" ".join(words) for words in product(SUBJECTS, VERBS, OBJECTS, ("again.", "today."))]


@pytest.fixture(scope="module")
def one_voice():
    """Sentences said by one synthetic voice in one manner, by nothing but their words unlike."""
    from sentir.demo.voice import EMOTION_PROSODY, VOICE_SAMPLING_RATE, _run_espeak

    pytest.importorskip("espeakng_loader")
    said = (
        _run_espeak(text, "en-us", 168, EMOTION_PROSODY["neutral"]).astype(np.float32) / 2**15
        for text in SENTENCES
    )
    return [soxr.resample(wave, VOICE_SAMPLING_RATE, SAMPLING_RATE) for wave in said]


def test_sentences_of_one_synthetic_voice_are_no_copies_of_one_another(one_voice):
    prints = [heard(wave) for wave in one_voice]
    alike = [
        pair
        for pair in combinations(range(len(prints)), 2)
        if compute_bit_error_rate(*(prints[n] for n in pair)).is_duplicate
    ]
    assert len(alike) > 5, "they are so much alike that what is said has to tell them apart"
    assert find_duplicate_clips(prints, SENTENCES) == [] and find_duplicate_clips(prints) == []


@pytest.mark.parametrize("how", ["MP3", "OGG", "mp4", "telephone"])
@pytest.mark.parametrize("known", [True, False])
def test_a_copy_of_a_sentence_of_one_synthetic_voice_is_still_found(one_voice, how, known, tmp_path):
    prints = [*map(heard, one_voice), heard(encoded(one_voice[7], tmp_path, how))]
    said = [*SENTENCES, SENTENCES[7]] if known else None
    assert find_duplicate_clips(prints, said) == [(7, len(SENTENCES))]


def test_a_copy_with_another_text_is_found_where_it_is_beyond_doubt(one_voice, tmp_path):
    prints = [*map(heard, one_voice), heard(encoded(one_voice[7], tmp_path, "telephone"))]
    assert find_duplicate_clips(prints, [*SENTENCES, "something else"]) == [(7, len(SENTENCES))]
