"""``sentir predict`` with audio and video: files, folders, tables, pairs, and unusable clips."""

import csv
import json
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from audio_files import tone, write_mp4, write_wav

from sentir.cli import main, output
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.predictions import Predictions
from sentir.paths import audio_dir
from sentir.recognizer.prediction_mixin import PredictionMixin

SPACE = SingleLabelSpace("emotion", ("anger", "joy"))


class FakeRecognizer(PredictionMixin):
    """A recognizer that predicts joy for a clip longer than 0.4 s or for the text ``joy``."""

    space = SPACE
    thresholds = calibration = None
    auxiliary_tasks = ()
    modalities = optional_modalities = frozenset()
    facts = {}  # noqa: RUF012
    recipe = SimpleNamespace(
        model=SimpleNamespace(audio=SimpleNamespace(mel="mel")), data=SimpleNamespace(cleaning=(), table=None)
    )

    def __init__(self, *modalities):
        self.modalities = self.optional_modalities = frozenset(modalities)
        self.given = []

    def warn_unsupported_language(self, texts):
        pass

    def predict_tasks(self, utterances, *, warn_truncated=True, enrollment=None):
        return {SPACE.task: self.predict_utterances(utterances)}

    def predict_utterances(self, utterances):
        self.given = list(utterances)
        for u in utterances:
            has_audio = "audio" in self.modalities and u.audio is not None and u.audio.mel is not None
            assert has_audio or ("text" in self.modalities and u.text is not None)
        joyful = [u.text == "joy" or (u.audio is not None and u.audio.seconds > 0.4) for u in utterances]
        return Predictions(tuple(u.id for u in utterances), np.array([[1.0 - j, j] for j in joyful]), SPACE)


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Run ``sentir predict`` next to the clips, with a model of these modalities."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "sentir.json").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "200")  # of consoles that are made later
    monkeypatch.setattr(output.console, "_width", 200)

    def run(*arguments, modalities=("audio",)):
        model = FakeRecognizer(*modalities)
        monkeypatch.setattr("sentir.api.loading.load", lambda _folder: model)
        monkeypatch.setattr(sys, "argv", ["sentir", "predict", "model", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err, given=model.given)

    return run


@pytest.fixture
def clips(tmp_path):
    """A folder with a long, a short and a broken clip, and other files."""
    folder = tmp_path / "clips"
    (folder / "más").mkdir(parents=True)
    write_mp4(folder / "long.mp4", tone(0.6, sampling_rate=48_000, channels=6), 48_000)
    write_wav(folder / "más" / "corto ñ.wav", tone(0.3), 16_000)
    (folder / "broken.wav").write_bytes(b"no sound" * 100)
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    (folder / "._long.mp4").write_bytes(b"\0\5\x16\7")
    return folder


def predictions(done):
    return {row["id"]: (row["labels"], row["problem"]) for row in json.loads(done.out)}


def test_files_are_predicted_one_by_one_and_not_stored(call, clips):
    done = call(clips / "long.mp4", clips / "más" / "corto ñ.wav", "--json")
    assert done.code == 0, done.err
    assert predictions(done) == {
        str(clips / "long.mp4"): (["joy"], ""),
        str(clips / "más" / "corto ñ.wav"): (["anger"], ""),
    }
    assert len({u.dialogue for u in done.given}) == 2 and not audio_dir().exists()


def test_a_folder_stands_for_all_its_clips_and_a_broken_one_is_printed_last(call, clips):
    done = call("clips")
    assert done.code == 1
    lines = done.out.splitlines()
    (long, short, broken) = (
        next(n for n, line in enumerate(lines) if name in line)
        for name in ("long.mp4", "corto ñ.wav", "broken.wav")
    )
    assert long < short < broken and "problem: " in lines[broken]
    assert "joy 1.00" in lines[long] and "anger 1.00" in lines[short]
    assert "clips: other files, ignored: 2." in done.err


def test_json_and_csv_contain_the_problem_without_a_prediction(call, clips, tmp_path):
    done = call("clips", "--json", "--out", "out.csv")
    assert done.code == 1
    rows = {row["id"]: row for row in json.loads(done.out)}
    assert list(rows) == [os.path.join("clips", name) for name in ("broken.wav", "long.mp4", "más/corto ñ.wav")]
    broken = rows.pop(os.path.join("clips", "broken.wav"))
    assert broken["labels"] == [] and broken["probabilities"] == {} and "broken.wav" in broken["problem"]
    assert all(row["problem"] == "" and set(row["probabilities"]) == {"anger", "joy"} for row in rows.values())
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [(row["label"], row["p_joy"], row["problem"]) for row in written] == [
        ("", "", broken["problem"]),
        ("joy", "1.000000", ""),
        ("anger", "0.000000", ""),
    ]
    assert "1 could not be predicted" in " ".join(done.err.split())


def test_all_problems_are_reported_if_no_clip_is_usable(call, clips, tmp_path):
    (clips / "empty.wav").touch()
    done = call(clips / "broken.wav", clips / "empty.wav", "--out", "out.csv")
    assert done.code == 1 and done.given == []
    rows = list(csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8")))
    assert all(row["problem"] and not row["label"] for row in rows) and len(rows) == 2
    assert call(clips / "broken.wav", clips / "empty.wav").out.count("problem: ") == 2


def test_names_that_start_with_a_dash_follow_two_dashes(call, tmp_path):
    write_wav(tmp_path / "-6rXp3.wav", tone(0.6), 16_000)
    assert predictions(call("--json", "--", "-6rXp3.wav")) == {"-6rXp3.wav": (["joy"], "")}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_an_undecodable_name_is_printed(call, tmp_path):
    write_wav(tmp_path / "clip.wav", tone(0.6), 16_000).rename(tmp_path / os.fsdecode(b"clip\xff.wav"))
    (tmp_path / os.fsdecode(b"broken\xff.wav")).touch()
    done = call(tmp_path)
    assert done.code == 1 and "clip\ufffd.wav" in done.out and "broken\ufffd.wav" in done.out


def test_texts_and_clips_are_paired_only_in_equal_number(call, clips):
    both = ("text", "audio")
    (pair,) = call("--text", "Oh no.", clips / "long.mp4", "--json", modalities=both).given
    assert (pair.text, pair.clip.path) == ("Oh no.", clips / "long.mp4")
    unpaired = call("--text", "Oh no.", clips / "long.mp4", clips / "más/corto ñ.wav", "--json", modalities=both)
    assert [(u.text, u.clip is None) for u in unpaired.given] == [("Oh no.", True), (None, False), (None, False)]
    unpaired = call("--text", "Oh no.", "--text", "joy", clips / "long.mp4", "--json", modalities=both)
    assert [u.text for u in unpaired.given] == ["Oh no.", "joy", None]
    folder = call("--text", "Oh no.", clips / "más", "--json", modalities=both)
    assert [u.text for u in folder.given] == ["Oh no.", None]


def test_a_multimodal_model_uses_the_text_of_a_broken_clip_and_notes_it(call, clips):
    done = call("--text", "joy", clips / "broken.wav", "--json", modalities=("text", "audio"))
    assert done.code == 0 and predictions(done) == {str(clips / "broken.wav"): (["joy"], "")}
    (row,) = json.loads(done.out)
    assert row["notes"][0].startswith("Predicted from the text only: ") and "broken.wav" in row["notes"][0]
    done = call(clips / "broken.wav", "--json", modalities=("text", "audio"))
    assert done.code == 1 and predictions(done)[str(clips / "broken.wav")][0] == []


@pytest.fixture(params=["csv", "jsonl"])
def talk(request, clips):
    """A table or a conversation next to the clips: text and clip, a clip, a missing clip, a text, and neither."""
    rows = [
        {"text": "Hi.", "clip": "long.mp4", "speaker": "A"},
        {"text": "", "clip": "más/corto ñ.wav", "speaker": "B"},
        {"text": "", "clip": "none.wav", "speaker": "A"},
        {"text": "joy", "clip": "", "speaker": "B"},
        {"text": " ", "clip": "", "speaker": "A"},
    ]
    path = clips / f"talk.{request.param}"
    if request.param == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize(
    ("modalities", "labels"),
    [
        (("audio",), [["joy"], ["anger"], [], [], []]),
        (("text",), [["anger"], [], [], ["joy"], []]),
        (("text", "audio"), [["joy"], ["anger"], [], ["joy"], []]),
    ],
)
def test_clips_are_searched_next_to_their_table_and_missing_inputs_are_problems(call, talk, modalities, labels):
    done = call(talk, "--audio-column", "clip", "--json", modalities=modalities)
    rows = json.loads(done.out)
    assert done.code == 1
    assert [row["labels"] for row in rows] == labels
    assert [bool(row["problem"]) for row in rows] == [not one for one in labels]
    assert [row["speaker"] for row in rows] == ["A", "B", "A", "B", "A"]


def test_a_table_may_contain_only_clips(call, clips):
    (clips / "list.csv").write_text("audio,take\nlong.mp4,1\n", encoding="utf-8")
    done = call("clips/list.csv", "--json")
    assert [row["labels"] for row in json.loads(done.out)] == [["joy"]]
    assert dict(done.given[0].numeric_features) == {"take": 1.0} and done.given[0].text is None


@pytest.mark.parametrize(
    ("arguments", "modalities", "message"),
    [
        (["clips/long.mp4"], ["text"], "This model needs text, and a recording alone has none"),
        (["clips"], ["text"], "This model needs text, and a recording alone has none"),
        (["--text", "Hi."], ["audio"], "This model needs audio, but there is none; give audio or video files"),
        (["clips/none.wav"], ["audio"], "There is no file clips/none.wav."),
        (["clips/notes.txt"], ["audio"], "not an audio or video file, a table (.csv, "),
        (["none"], ["audio"], "There is no file 'none';"),
        (["empty"], ["audio"], "empty contains no audio or video file."),
        (
            ["clips", "clips/long.mp4"],
            ["audio"],
            "clips/long.mp4 is given twice; give each file and each id once.",
        ),
        (["words.csv"], ["audio"], "--audio-column"),
        (["words.ndjson"], ["audio"], "words.ndjson has no column 'text' or 'audio'"),
    ],
)
def test_inputs_that_cannot_be_used_are_one_sentence(call, clips, tmp_path, arguments, modalities, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "words.csv").write_text("said,clip\nHi.,long.mp4\n", encoding="utf-8")
    (tmp_path / "words.ndjson").write_text('{"clip": "clips/long.mp4"}\n', encoding="utf-8")
    done = call(*arguments, modalities=modalities)
    assert (done.code, done.out) == (2, "") and done.given == []
    assert done.err.startswith("Error: ") or "ignored" in done.err
    assert message in " ".join(done.err.split())
