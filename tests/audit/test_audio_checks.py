"""Audits of audio: clips with known defects, each decoded once."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from audio_files import tone, write_mp4, write_wav

from sentir.audio import decoding
from sentir.audit import audit, scan_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.labels import SENTIMENTS
from sentir.corpus.utterances import Clip, Issue, Utterance

RATE = 16_000
SENTIMENT = SingleLabelSpace("sentiment", SENTIMENTS)


def voice(seed, seconds=1.2):
    """Eight tones with changing amplitudes, different for each seed."""
    rng, n = np.random.default_rng(seed), int(seconds * RATE)
    envelopes = [np.interp(np.arange(n), np.linspace(0, n, 14), rng.uniform(0, 1, 14)) for _tone in range(8)]
    frequencies = rng.uniform(250, 3_200, 8)
    return sum(0.04 * one * tone(seconds, hz) for one, hz in zip(envelopes, frequencies, strict=True))


def utterance(split, name, path, label="neutral", **others):
    fields = {
        "dialogue": f"{split}/{name}",
        "text": f"{split} {name}",
        "labels": {"sentiment": (label,)},
    } | others
    return Utterance(f"c/{split}/{name}", split, clip=Clip(path), **fields)


@pytest.fixture
def wavs(tmp_path):
    """Return a function that writes a WAV file and returns its path."""
    return lambda name, waveform, rate=RATE: write_wav(tmp_path / name, waveform, rate)


def run_audit(*utterances, issues=()):
    corpus = Corpus.build("c", utterances, (SENTIMENT,), issues=issues)
    return audit(corpus, scan_audio(corpus, workers=1))


def finding(report, kind):
    (found,) = [f for f in report.findings if f.kind == kind]
    return found


def kinds(report):
    return {f.kind for f in report.findings}


def test_clips_are_counted_with_their_formats_and_why_some_are_unusable(tmp_path, wavs):
    stereo = np.repeat(voice(1)[:, None], 2, axis=1)
    (tmp_path / "empty.wav").touch()
    report = run_audit(
        utterance("train", "mono", wavs("a.wav", voice(0))),
        utterance("train", "stereo", wavs("b.wav", np.repeat(stereo, 3, axis=0), 48_000)),
        utterance("train", "empty", tmp_path / "empty.wav", "positive"),
        utterance("test", "gone", tmp_path / "gone.wav"),
        utterance("test", "reported", tmp_path / "reported.wav"),
        issues=[Issue("audio_file_missing", "problem", "There is no file reported.wav.", "c/test/reported")],
    )
    train, _dev, test = report.table("clips").rows
    assert (train["clips"], train["usable"], train["unusable"]) == (3, 2, "empty file: 1")
    assert (test["clips"], test["usable"], test["unusable"]) == (2, 0, "no file: 2")
    assert {(row["sampling_rate"], row["channels"]) for row in report.table("source_formats").rows} == {
        (16_000, 1),
        (48_000, 2),
    }
    assert finding(report, "unusable_empty").examples == ("c/train/empty",)
    assert finding(report, "unusable_missing").count == 1  # the other one is already an issue of the reader
    assert report.problem_count == 3


def test_truncated_clips_are_a_problem_and_shortened_ones_a_note(tmp_path, wavs):
    truncated_path = wavs("a.wav", voice(0))
    truncated_path.write_bytes(truncated_path.read_bytes()[:30_000])
    beyond = replace(
        utterance("train", "beyond", wavs("b.wav", voice(1))), clip=Clip(tmp_path / "b.wav", 0.1, 2.0)
    )
    report = run_audit(
        utterance("train", "truncated", truncated_path), beyond, utterance("dev", "fine", wavs("c.wav", voice(2)))
    )
    truncated, shortened = finding(report, "decoding_truncated"), finding(report, "decoding_shortened")
    assert (truncated.severity, truncated.count, truncated.examples) == ("problem", 1, ("c/train/truncated",))
    assert "1.20 s" in truncated.message and truncated.grade > "A"
    assert (shortened.severity, shortened.count, shortened.grade) == ("note", 1, "A")


def test_silent_clipped_short_and_wrongly_cut_clips_are_listed(wavs):
    report = run_audit(
        utterance("train", "fine", wavs("a.wav", voice(0)), numeric_features={"duration": 1.2}),
        utterance(
            "train", "silent", wavs("b.wav", np.zeros(RATE, np.float32)), numeric_features={"duration": 1.0}
        ),
        utterance(
            "train", "clipped", wavs("c.wav", np.clip(60 * voice(1), -1, 1)), numeric_features={"duration": 1.2}
        ),
        utterance("train", "short", wavs("d.wav", voice(2, 0.1)), numeric_features={"duration": 0.1}),
        utterance("train", "mismatched", wavs("e.wav", voice(3, 2.0)), numeric_features={"duration": 1.0}),
        utterance("train", "long", wavs("f.wav", voice(4, 31)), numeric_features={"duration": 2.0}),
        utterance("train", "quiet", wavs("g.wav", 0.02 * voice(5)), numeric_features={"duration": 1.2}),
    )
    for kind, name in (
        ("clips_silent", "silent"),
        ("clips_clipped", "clipped"),
        ("clips_short", "short"),
        ("clips_duration_mismatch", "mismatched"),
        ("clips_long", "long"),
        ("clips_quiet", "quiet"),
    ):
        assert finding(report, kind).examples == (f"c/train/{name}",), kind
    train = report.table("levels").rows[0]
    assert (train["clipped"], train["silent"]) == (1, 1)


def test_the_speech_rate_is_that_of_the_clip_not_of_its_annotation(wavs):
    spoken = utterance(
        "train", 0, wavs("a.wav", voice(0)), text="one two three four", numeric_features={"duration": 0.1}
    )
    report = run_audit(spoken)
    assert "speech_too_fast" not in kinds(report)
    assert finding(audit(Corpus.build("c", [spoken], (SENTIMENT,))), "speech_too_fast").count == 1


def test_a_duplicate_in_another_codec_is_a_leak_a_repeat_and_a_contradiction(tmp_path, wavs):
    soundfile.write(tmp_path / "copy.mp3", 0.4 * voice(0), RATE)
    write_mp4(tmp_path / "copy.mp4", voice(1), RATE)
    others = [utterance("train", f"other{n}", wavs(f"o{n}.wav", voice(9 + n))) for n in range(4)]
    report = run_audit(
        utterance("train", "a", wavs("a.wav", voice(0)), "positive", text="the same"),
        utterance("train", "b", wavs("b.wav", voice(1)), "negative"),
        *others,
        utterance("train", "c", tmp_path / "copy.mp3", "negative", text="The same!"),
        utterance("test", "d", tmp_path / "copy.mp4", "positive"),
    )
    leak = finding(report, "clips_of_test_in_train")
    assert (leak.count, leak.examples, leak.grade) == (1, ("c/train/b",), "E")
    repeat = finding(report, "clips_duplicated_in_train")
    assert (repeat.count, repeat.examples) == (1, ("c/train/a = c/train/c",))
    contradiction = finding(report, "contradictory_clips")
    assert contradiction.count == 2 and contradiction.examples == ("c/train/a = c/train/c",)  # never of test


def test_silent_clips_are_no_duplicates_unless_their_files_are_equal(wavs):
    silence = np.zeros(RATE, dtype=np.float32)
    report = run_audit(
        utterance("train", 0, wavs("a.wav", silence)),
        utterance("train", 1, wavs("b.wav", silence[:9_000])),
        utterance("train", 2, wavs("c.wav", silence)),
    )
    assert finding(report, "clips_duplicated_in_train").examples == ("c/train/0 = c/train/2",)
    assert finding(report, "clips_not_compared").count == 2


def test_every_clip_is_decoded_once_however_often_it_is_run_audit(wavs, monkeypatch):
    names, decode_segments = [], decoding.decode_segments
    monkeypatch.setattr(
        decoding, "decode_segments", lambda path, *rest: names.append(path.name) or decode_segments(path, *rest)
    )
    utterances = [utterance("train", n, wavs(f"{n}.wav", voice(n))) for n in range(3)]
    first = run_audit(*utterances)
    assert sorted(names) == ["0.wav", "1.wav", "2.wav"]
    assert run_audit(*utterances) == first and len(names) == 3


def test_an_audit_without_an_audio_scan_has_no_audio_tables(wavs):
    corpus = Corpus.build("c", [utterance("train", 0, wavs("a.wav", voice(0)))], (SENTIMENT,))
    assert not {"clips", "levels", "source_formats"} & {table.key for table in audit(corpus).tables}
    assert audit(replace(corpus, utterances=())).findings
