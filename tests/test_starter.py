"""The starter, the model that comes with Sentir: it predicts emotion, and abstains in other languages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from audio_files import voice, write_wav
from running import sentir as run

import sentir
from sentir.cli.input_options import split_model
from sentir.errors import CorpusError
from sentir.export.parity import MAX_LOSS
from sentir.paths import starter_dir

MAX_BYTES = 26_000_000
GOLDEN = {
    "I can't believe you did that!": ("surprise", "negative"),
    "I hate you! Get out!": ("anger", "negative"),
    "I miss him so much.": ("sadness", "negative"),
    "I'm so sorry for your loss.": ("sadness", "negative"),
    "Leave me alone!": ("anger", "negative"),
    "Oh my God, this is so great, I'm so happy!": ("joy", "positive"),
    "Okay, see you tomorrow.": ("neutral", "neutral"),
    "Thank you, it's perfect!": ("joy", "positive"),
    "That's disgusting!": ("disgust", "negative"),
    "The meeting is at five o'clock.": ("neutral", "neutral"),
    "There is someone in the house, and I am scared!": ("fear", "negative"),
    "What?! You're kidding!": ("surprise", "negative"),
    "Wow, really? You're getting married?": ("surprise", "positive"),
}
SPANISH = "¡No me lo puedo creer!"


@pytest.fixture(scope="module")
def starter():
    return sentir.load()


def test_it_predicts_emotion_and_sentiment_of_english(starter):
    rows = starter.predict(list(GOLDEN))
    assert {row.text: (row.label, row.other_tasks["sentiment"].label) for row in rows} == GOLDEN
    assert not any(row.notes or row.abstain or row.synthetic for row in rows)
    alone = starter.predict("I miss him so much.")
    np.testing.assert_allclose(alone.confidence, rows[2].confidence, atol=1e-5)


def test_it_knows_the_turns_before(starter):
    turns = ["Chandler, do you love me?", "No.", "Really."]
    talk = starter.predict([{"text": text, "dialogue": "talk"} for text in turns])
    assert abs(talk[1].confidence - starter.predict("No.").confidence) > 1e-3


@pytest.mark.parametrize(
    ("text", "language"), [(SPANISH, "Spanish"), ("Je ne comprends pas pourquoi tu fais ça.", "French"),
                           ("Спасибо большое", "a language in Cyrillic script")]
)  # fmt: skip
def test_it_abstains_in_another_language_and_says_why(starter, text, language):
    row, other = starter.predict([text, "Leave me alone!"])
    assert row.abstain is True and row.label in starter.classes_
    assert row.notes == (f"Not sure: the text is in {language}, and the model was trained on English.",)
    assert other.abstain is None and not other.notes


def test_turns_in_another_language_are_noted(tmp_path):
    chat = "Ana: ¡No me lo puedo creer, estoy muy triste!\nBo: I do not know what to do, just leave me alone!\n"
    (tmp_path / "chat.txt").write_text(chat, encoding="utf-8")
    spanish, english = sentir.timeline("starter", tmp_path / "chat.txt").turns
    assert spanish.notes == ("Not sure: the text is in Spanish, and the model was trained on English.",)
    assert spanish.labels and english.labels and english.notes == ()


def test_it_is_found_by_its_name_and_a_folder_of_that_name_by_its_path(starter, tmp_path, monkeypatch):
    assert sentir.predict("starter", "Leave me alone!").label == "anger"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "starter").mkdir()
    assert sentir.load("starter").recipe == starter.recipe
    for folder in ("./starter", Path("starter"), tmp_path / "starter"):
        with pytest.raises(sentir.SentirError, match="starter is not a saved recognizer"):
            sentir.load(folder)


def test_its_proof_is_beside_it_and_test_was_not_used(starter):
    folder = starter_dir()
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= MAX_BYTES
    report = json.loads((folder / "parity.json").read_text(encoding="utf-8"))
    exact, int8 = report["graphs"]
    assert report["inputs"] == "dev" and report["num_utterances"] == 1109
    assert exact["max_logit_difference"] < 1e-4 and report["score"]["value"] - int8["score"]["value"] <= MAX_LOSS
    assert {row["split"] for row in starter.facts["scores"]} == {"dev"} and not starter.facts.get("test_openings")
    card = (folder / "README.md").read_text(encoding="utf-8")
    for what in ("Friends: scripted and acted, in English", "Apache-2.0", "GPL-3.0", "[0.553, 0.631", "abstains"):
        assert what in card.replace("\\", ""), what


def test_its_files_tell_nothing_of_the_machine_that_made_it():
    for path in starter_dir().rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"site-packages" not in content and b"stack_trace" not in content, path


def test_the_first_argument_is_a_model_or_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("clip.wav").touch()
    Path("model").mkdir()
    assert split_model(None, None) == ("starter", [])
    assert split_model("clip.wav", ["b.wav"]) == ("starter", ["clip.wav", "b.wav"])
    assert split_model("model", ["b.wav"]) == ("model", ["b.wav"])
    assert split_model("owner/name", None) == ("owner/name", [])
    with pytest.raises(CorpusError, match=r"no file missing\.csv\.$"):
        split_model("missing.csv", None)
    with pytest.raises(CorpusError, match="give it with --text"):
        split_model("What a day!", None)


def test_commands_without_a_model_use_it(tmp_path):
    table, talk, clip = (tmp_path / name for name in ("t.csv", "talk.txt", "clip.wav"))
    table.write_text("text\nLeave me alone!\n", encoding="utf-8")
    talk.write_text("Ana: What happened?\nBen: I miss him so much.\n", encoding="utf-8")
    write_wav(clip, voice(1.0), 16_000)
    (row,) = json.loads(run("predict", "--text", "Leave me alone!", "--json").stdout)
    (same,) = json.loads(run("predict", table, "--json").stdout)
    assert row["label"] == same["label"] == "anger"
    assert "sure)" in run("predict", "--text", SPANISH).stdout
    done = run("predict", clip)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "Error: This model needs text, and a recording alone has none; recognize its words"
    )
    assert run("embed", table, "--out", tmp_path / "v.npy").returncode == 0
    assert np.load(tmp_path / "v.npy").shape[0] == 1
    assert run("timeline", talk, "--out", tmp_path / "timelines").returncode == 0
    turns = json.loads((tmp_path / "timelines" / "talk.json").read_text(encoding="utf-8"))["turns"]
    assert [one["labels"] for one in turns][1] == ["sadness"]
    done = run("timeline")
    assert done.returncode == 2 and "There is no recording" in done.stderr


def test_a_prediction_in_an_empty_home_leaves_no_trace_but_that_of_the_replay(tmp_path):
    ours = ("SENTIR", "XDG", "ORT")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    command = [sys.executable, "-m", "sentir", "predict", "--text", "Leave me alone!", "--json"]
    done = subprocess.run(command, env=environment | {"HOME": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)[0]["label"] == "anger", done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} <= {"replayed"}


def test_it_runs_on_the_execution_provider_that_is_named():
    done = run("predict", "--text", "What a day!", "--provider", "cpu", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)[0]["label"]
    refused = run("predict", "--text", "What a day!", "--provider", "tpu")
    assert refused.returncode == 2 and "tpu" in refused.stderr and "cuda" in refused.stderr
