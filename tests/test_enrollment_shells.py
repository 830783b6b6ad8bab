"""Enrollment on the command line, in timelines and on the server: what `predict` does with the same clips."""

import csv
import json
import time
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from audio_files import tone
from typer.testing import CliRunner

import sentir
from sentir.api.timelines import timeline
from sentir.cli.app import app
from sentir.errors import RecognizerError, TimelineError
from sentir.recognizer.embedding_cache import encode_cached
from sentir.serving.app import create_app
from sentir.serving.settings import ServerSettings
from sentir.timelines.document import Turn

pytestmark = pytest.mark.usefixtures("one_store")
TURNS = [Turn(1.0, 2.5, "Ana"), Turn(4.2, 5.2, "Ben"), Turn(6.0, 7.8, "Ana")]


@pytest.fixture
def model(trained_models):
    return trained_models.folder("multimodal", "torch")


@pytest.fixture
def clips(spoken):
    return [u.clip.path for u in spoken.dev[:5]]


def run(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    return result.exit_code, result.output


def test_predict_with_a_folder_and_with_the_speaker_column_of_a_table(model, clips, tmp_path):
    recognizer, folder, table = sentir.load(model), tmp_path / "clips", tmp_path / "clips.csv"
    folder.mkdir()
    for path in clips[1:]:
        (folder / path.name).write_bytes(path.read_bytes())
    code, out = run("predict", model, clips[0], "--enroll", folder)
    expected = recognizer.predict(clips[0], enroll=folder)
    (found,) = json.loads(out)
    assert code == 0 and found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    assert found["notes"][-1] == "Normalized by speaker, with 4 other clips."
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["audio", "speaker"], *([path, "Ana"] for path in clips)])
    code, out = run("predict", model, table, "--enroll-inputs")
    assert code == 0 and json.loads(out)[0]["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)


def test_a_model_without_speaker_normalization_says_so(trained_models, clips):
    model = trained_models.folder("stacked", "torch")
    for option in (("--enroll", clips[1]), ("--enroll-inputs",)):
        with pytest.raises(RecognizerError, match="no speaker normalization"):
            CliRunner().invoke(
                app, ["predict", str(model), str(clips[0]), *map(str, option)], catch_exceptions=False
            )


def test_turns_are_normalized_by_the_other_turns_of_their_speaker(trained_models, clips):
    recognizer = trained_models.load("multimodal", "torch")
    samples = np.concatenate([0.3 * tone(3, hz) for hz in (200, 400, 900, 1700)]).astype(np.float32)
    plain = timeline(recognizer, samples, sampling_rate=16_000, turns=TURNS)
    by_turns = timeline(recognizer, samples, sampling_rate=16_000, turns=TURNS, enroll_turns="others")
    changed = [a.probabilities != b.probabilities for a, b in zip(plain.turns, by_turns.turns, strict=True)]
    assert changed == [True, False, True]
    pieces = [samples[round(one.start * 16_000) : round(one.end * 16_000)] for one in TURNS]
    first, second = ({"audio": pieces[n], "sampling_rate": 16_000, "speaker": "Ana"} for n in (0, 2))
    expected = recognizer.predict([first], enroll=[second])[0].probabilities
    assert by_turns.turns[0].probabilities == pytest.approx(expected, abs=1e-4)
    by_clips = timeline(recognizer, samples, sampling_rate=16_000, turns=TURNS, enroll=list(clips))
    assert all(a.probabilities != b.probabilities for a, b in zip(plain.turns, by_clips.turns, strict=True))
    settings = [one.settings.get("enrollment") for one in (plain, by_turns, by_clips)]
    assert settings[0] is None and settings[1] != settings[2], "a resumed run makes what it made before"


def test_turns_are_normalized_by_the_earlier_turns_of_the_whole_recording(trained_models, monkeypatch, tmp_path):
    recognizer = trained_models.load("multimodal", "torch")
    samples = np.concatenate([0.3 * tone(1, hz) for hz in (200, 400, 900, 1700, 300)]).astype(np.float32)
    turns = [Turn(n + 0.1, n + 0.9, name) for n, name in enumerate(("Ana", "Ben", "", "Ana", ""))]
    turns = [replace(turn, speaker=turn.speaker or None) for turn in turns]

    def make(**options):
        return timeline(recognizer, samples, sampling_rate=16_000, turns=turns, min_seconds=0, **options).turns

    causal = make(enroll_turns="earlier")
    changed = [a.probabilities != b.probabilities for a, b in zip(make(), causal, strict=True)]
    assert changed == [False, False, False, True, True]
    monkeypatch.setattr("sentir.timelines.recording.MAX_TURNS", 2)
    for path in (None, tmp_path / "parts"):
        for one, turn in zip(make(enroll_turns="earlier", resume=path), causal, strict=True):
            assert one.probabilities == pytest.approx(turn.probabilities, abs=2e-6)
    with pytest.raises(TimelineError, match="'others' or 'earlier', not as 'later'"):
        make(enroll_turns="later")


def test_a_turn_that_is_enrolled_for_later_ones_is_encoded_once(trained_models, monkeypatch):
    recognizer, encoded = trained_models.load("speech", "torch"), []

    def count(keys, items, encode, **options):
        def counted(some, advance):
            encoded.extend(some)
            return encode(some, advance)

        return encode_cached(keys, items, counted, **options)

    monkeypatch.setattr("sentir.recognizer.frozen_encoders.encode_cached", count)
    samples = np.concatenate([0.3 * tone(1, hz) for hz in (200, 400, 900)]).astype(np.float32)
    turns = [Turn(n + 0.1, n + 0.9) for n in range(3)]
    timeline(recognizer, samples, sampling_rate=16_000, turns=turns, enroll_turns="earlier", min_seconds=0)
    assert len(encoded) == 3


def test_timelines_on_the_command_line(model, clips, tmp_path):
    soundfile.write(tmp_path / "talk.wav", 0.3 * tone(9, 300), 16_000)
    turns = tmp_path / "talk.rttm"
    turns.write_text("".join(f"SPEAKER talk 1 {n} 2 <NA> <NA> Ana <NA> <NA>\n" for n in (0, 3, 6)))
    found = []
    for name, options in (
        ("plain", ()),
        ("turns", ("--enroll-turns", "others")),
        ("clips", ("--enroll", clips[0])),
    ):
        out = tmp_path / name
        code, _text = run("timeline", model, tmp_path / "talk.wav", "--turns", turns, "--out", out, *options)
        assert code == 0
        found.append(json.loads((out / "talk.json").read_text())["turns"][0]["probabilities"])
    assert found[0] != found[1] and found[0] != found[2]


def test_the_server_takes_clips_of_the_speaker(trained_models, clips):
    from starlette.testclient import TestClient

    recognizer, plain = (trained_models.load(name, "torch") for name in ("multimodal", "stacked"))
    one, *others = (path.read_bytes() for path in clips)
    files = [("files", ("a.wav", one)), *(("enroll", (f"{n}.wav", clip)) for n, clip in enumerate(others))]
    app = create_app({"both": recognizer, "plain": plain}, ServerSettings(purpose="research"))
    with TestClient(app, raise_server_exceptions=False) as client:
        got = client.post("/v1/emotions", files=files, data={"request": '{"model": "both"}'})
        (row,) = got.json()["predictions"]
        expected = recognizer.predict(clips[0], enroll=list(clips[1:]))
        assert row["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
        refused = client.post("/v1/emotions", files=files, data={"request": '{"model": "plain"}'})
        assert refused.status_code == 422 and refused.json()["code"] == "no_speaker_normalization"
        damaged = [files[0], ("enroll", ("x.wav", b"no audio"))]
        refused = client.post("/v1/emotions", files=damaged, data={"request": '{"model": "both"}'})
        assert refused.status_code == 422 and "No clip can be enrolled" in refused.json()["detail"]


@pytest.mark.parametrize("by_turns", [False, True])
def test_a_timeline_of_the_server_takes_clips_of_the_speaker(trained_models, clips, tmp_path, by_turns):
    from starlette.testclient import TestClient

    recognizer, plain = (trained_models.load(name, "torch") for name in ("multimodal", "stacked"))
    path, turns = tmp_path / "talk.wav", tmp_path / "talk.rttm"
    soundfile.write(path, 0.3 * tone(9, 300), 16_000)
    turns.write_text("".join(f"SPEAKER talk 1 {n} 2 <NA> <NA> Ana <NA> <NA>\n" for n in (0, 3, 6)))
    talk = [("recording", ("talk.wav", path.read_bytes())), ("turns", ("talk.rttm", turns.read_bytes()))]
    files = [*talk, *(("enroll", (one.name, one.read_bytes())) for one in clips)]
    app = create_app({"both": recognizer, "plain": plain}, ServerSettings(purpose="research"))
    with TestClient(app, raise_server_exceptions=False) as client:
        models = client.get("/v1/models").json()["models"]
        assert [one["has_speaker_normalization"] for one in models] == [True, False]
        options = {"enroll_turns": "others"} if by_turns else {}
        job = client.post("/v1/timelines", files=files, data={"model": "both", **options})
        while client.get(job.headers["location"]).json()["status"] in ("waiting", "running"):
            time.sleep(0.02)
        found = client.get(f"{job.headers['location']}/result").json()
        expected = timeline(
            recognizer, path, turns=turns, enroll=list(clips), enroll_turns=options.get("enroll_turns")
        ).to_dict()
        rows = [[turn["probabilities"] for turn in one["turns"]] for one in (found, expected)]
        assert [row == pytest.approx(other, abs=1e-6) for row, other in zip(*rows, strict=True)] == [True] * 3
        assert found["settings"]["enrollment"]["clips"] == len(clips)
        assert found["settings"]["enrollment"]["from_inputs"] == options.get("enroll_turns")
        for data, code in (
            ({"model": "plain", **options}, "no_speaker_normalization"),
            ({"model": "both", "enroll_turns": "maybe"}, "invalid_request"),
        ):
            refused = client.post("/v1/timelines", files=files, data=data)
            assert (refused.status_code, refused.json()["code"]) == (422, code)
        damaged = client.post("/v1/timelines", files=[*talk, ("enroll", ("x.wav", b"x"))], data={"model": "both"})
        assert damaged.status_code == 422 and "No clip can be enrolled" in damaged.json()["detail"]
