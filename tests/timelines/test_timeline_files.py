"""Timelines of many recordings: files, resuming, processes, scores, the command line, and corrections."""

import csv
import json
from dataclasses import replace

import pytest
import soundfile

import sentir.api
from sentir.api.timeline_files import find_annotation, score_files, write_timelines
from sentir.cli.app import app
from sentir.errors import SentirError, TimelineError
from sentir.timelines.corrections import write_corpus_table
from sentir.timelines.document import Source, Turn
from sentir.timelines.prediction import TurnPredictor
from sentir.timelines.timeline import Timeline

ENERGY = {"voice_activity": "energy"}


@pytest.fixture(scope="module")
def model(recognizers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "audio"
    recognizers("audio").save_pretrained(folder)
    return folder


@pytest.fixture
def recordings(talk, tmp_path):
    folder = tmp_path / "recordings"
    (folder / "more").mkdir(parents=True)
    soundfile.write(folder / "a.wav", talk, 16_000)
    soundfile.write(folder / "more" / "b.flac", talk[::-1], 16_000)
    (folder / "notes.txt").write_text("Ana: not a recording")
    return folder


def test_a_folder_with_a_damaged_file(model, recordings, tmp_path):
    (recordings / "bad.mp3").write_bytes(b"no audio" * 50)
    results = write_timelines(model, [recordings], out=tmp_path / "out", formats=["srt", "eaf"], **ENERGY)
    assert [one.recording.name for one in results] == ["a.wav", "bad.mp3", "b.flac"]
    assert "bad.mp3" in results[1].problem and results[1].files == ()
    assert [path.name for path in results[2].files] == ["b.json", "b.srt", "b.eaf"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.eaf", "a.json", "a.srt", "b.eaf", "b.json", "b.srt"
    ]  # fmt: skip


@pytest.mark.slow
def test_processes_write_the_same(model, recordings, tmp_path):
    one = write_timelines(model, [recordings], out=tmp_path / "one", **ENERGY)
    two = write_timelines(model, [recordings], out=tmp_path / "two", workers=2, **ENERGY)
    assert [result.timeline.turns for result in one] == [result.timeline.turns for result in two]


def test_resume_keeps_what_is_complete_and_unchanged(model, recordings, tmp_path, monkeypatch):
    predict, calls = TurnPredictor.predict, []
    monkeypatch.setattr(
        TurnPredictor,
        "predict",
        lambda self, *args, **options: calls.append(1) or predict(self, *args, **options),
    )
    options = {"out": tmp_path / "out", "resume": True, **ENERGY}
    write_timelines(model, [recordings], **options)
    assert len(calls) == 2
    write_timelines(model, [recordings], formats=["html"], **options)
    assert len(calls) == 2 and (tmp_path / "out" / "a.html").is_file()
    assert 'class="wave"' in (tmp_path / "out" / "a.html").read_text()
    write_timelines(model, [recordings], min_seconds=0.5, **options)
    assert len(calls) == 4
    (tmp_path / "out" / "a.json").write_text("damaged")
    write_timelines(model, [recordings], min_seconds=0.5, **options)
    assert len(calls) == 5


def test_names_and_annotations(model, talk, tmp_path):
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, talk[: 16_000 * 3], 16_000)
    results = write_timelines(model, [tmp_path / "a.wav", tmp_path / "a.flac"], out=tmp_path / "out", **ENERGY)
    assert [one.files[0].name for one in results] == ["a.wav.json", "a.flac.json"]
    with pytest.raises(TimelineError, match="are called"):
        write_timelines(model, [tmp_path / "a.wav", tmp_path / "a.wav"], out=tmp_path / "out")
    (tmp_path / "truth").mkdir()
    with pytest.raises(TimelineError, match="holds 0"):
        find_annotation(tmp_path / "truth", tmp_path / "a.wav")
    with pytest.raises(TimelineError, match="no recordings"):
        write_timelines(model, [tmp_path / "truth"], out=tmp_path / "out")
    with pytest.raises(TimelineError, match="no format"):
        write_timelines(model, [tmp_path / "a.wav"], out=tmp_path / "out", formats=["doc"])


def test_scores_of_files(model, recordings, tmp_path, caplog):
    turns = (Turn(1, 2.5, labels=("happy",)), Turn(4.2, 4.8, labels=("bored",)), Turn(6, 11, labels=("neutral",)))
    truth = tmp_path / "truth"
    Timeline(turns, Source("a.wav", "", 12.0)).save(truth / "a.rttm")
    (one,) = write_timelines(model, [recordings / "a.wav"], out=tmp_path / "out", **ENERGY)
    scores = score_files([one], truth)
    assert scores.scores["speech_error"].value < 0.2 and scores.labels["joy"].true == 1.5
    assert scores.turns == 3 and "bored" in caplog.text


def test_the_command_line(model, recordings, tmp_path, capsys):
    Timeline((Turn(1, 2.5, labels=("joy",)),), Source("a.wav", "", 12.0)).save(tmp_path / "truth.eaf")
    arguments = [
        "timeline", model, recordings / "a.wav", "--out", tmp_path / "out", "--format", "rttm", "--score",
        tmp_path / "truth.eaf", "--voice-activity", "energy", "--workers", "1",
    ]  # fmt: skip
    assert app(list(map(str, arguments)), standalone_mode=False) in (None, 0)
    printed = capsys.readouterr()
    assert "a.json" in printed.out and "emotion diarization error" in printed.out
    assert app([*map(str, arguments), "--resume", "--json"], standalone_mode=False) in (None, 0)
    tree = json.loads(capsys.readouterr().out)
    assert tree["recordings"][0]["files"] == [str(tmp_path / "out" / name) for name in ("a.json", "a.rttm")]
    assert 0 <= tree["scores"]["scores"]["accuracy"]["value"] <= 1
    (recordings / "bad.mp3").write_bytes(b"no audio" * 50)
    arguments = ["timeline", model, recordings / "bad.mp3", "--out", tmp_path / "out"]
    assert app(list(map(str, arguments)), standalone_mode=False) == 1
    assert "bad.mp3" in capsys.readouterr().out.replace("\n", "")  # lines wrap anywhere


def test_corrections_become_a_corpus(recordings, tmp_path, monkeypatch, caplog):
    turns = [Turn(n, n + 0.9, f"S{n % 4}", f"text {n}", (("joy", "anger")[n % 2],)) for n in range(10)]
    timeline = Timeline(
        (*turns, Turn(11, 11.5, "S0", "no label")), Source("a.wav", "", 12.0), labels=("anger", "joy")
    )
    timeline.save(recordings / "a.eaf")
    assert write_corpus_table(recordings / "a.eaf", tmp_path / "table.csv") == 10
    assert "left out: 1" in caplog.text
    rows = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    assert rows[3] == {
        "id": "a-4", "dialogue": "a", "speaker": "S3", "text": "text 3", "label": "anger",
        "audio": "recordings/a.wav", "start": "3.0", "end": "3.9",
    }  # fmt: skip
    monkeypatch.chdir(tmp_path)
    draft = sentir.api.init_recipe(recordings / "a.eaf")
    assert draft.inspection.num_rows == 10 and sum(draft.splits.values()) == 10
    corpus = sentir.load_corpus(draft.path)
    assert sum(u.clip is not None and u.clip.end == u.clip.start + 0.9 for u in corpus) >= 5
    with pytest.raises(SentirError, match="exists"):
        sentir.api.init_recipe(recordings / "a.eaf", force=True)
    Timeline((Turn(0, 1, "A"),), Source("c.wav")).save(tmp_path / "c.eaf")
    with pytest.raises(TimelineError, match="has a label"):
        write_corpus_table(tmp_path / "c.eaf", tmp_path / "c.csv")


def test_a_recording_on_another_drive_has_its_absolute_path_in_the_table(recordings, tmp_path, monkeypatch):
    def refuse(path, start):
        raise ValueError(f"path is on mount 'D:', start on mount '{start}'")

    Timeline((Turn(0, 1, "A", labels=("joy",)),), Source("a.wav")).save(recordings / "a.eaf")
    monkeypatch.setattr("os.path.relpath", refuse)
    assert write_corpus_table(recordings / "a.eaf", tmp_path / "table.csv") == 1
    (row,) = csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8"))
    assert row["audio"] == str(recordings / "a.wav")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["eaf", "labelstudio"])
def test_a_model_learns_from_corrections(model, recordings, tmp_path, monkeypatch, name):
    turns = [Turn(0.5 * n, 0.5 * n + 0.4, f"S{n % 6}", None) for n in range(24)]
    timeline = sentir.timeline(model, recordings / "a.wav", turns=turns)
    right = ("joy", "neutral", "sadness")
    if name == "eaf":
        corrected = recordings / "a.eaf"
        Timeline(tuple(replace(turn, labels=(right[n % 3],)) for n, turn in enumerate(timeline.turns)),
                 timeline.source, labels=timeline.labels).save(corrected)  # fmt: skip
    else:
        corrected = recordings / "a.json"
        timeline.save(tmp_path / "task.json", format="labelstudio")
        corrected.write_text(json.dumps(correct_regions(json.loads((tmp_path / "task.json").read_text()), right)))
    monkeypatch.chdir(tmp_path)
    assert app(["corpus", "init", str(corrected)], standalone_mode=False) in (None, 0)
    (recipe,) = tmp_path.glob("*.toml")
    settings = ["--set", "train.epochs=1", "--set", "train.batch_size=4", "--set", "train.min_steps=0"]
    arguments = ["train", str(recipe), "--init-from", str(model), "--out", "better", *settings]
    assert app(arguments, standalone_mode=False) in (None, 0)
    better = sentir.load("better")
    assert tuple(better.classes_) == right and better.facts["data"]["train"]["utterances"] >= 8


def correct_regions(tasks, labels):
    """Return exported tasks as a person who corrects each region of the predictions leaves them."""
    for task in tasks:
        regions = task.pop("predictions")[0]["result"]
        chosen = [one for one in regions if one["type"] == "labels"]
        for n, one in enumerate(chosen):
            one["value"]["labels"] = [labels[n % len(labels)]]
        task["annotations"] = [{"result": regions}]
    return tasks
