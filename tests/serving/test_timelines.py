"""POST /v1/timelines: jobs with progress and cancellation, and private files that are gone afterwards."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from audio_files import tone, write_wav
from starlette.testclient import TestClient

from sentir.errors import SentirError
from sentir.progress import progress_bar
from sentir.serving import timelines
from sentir.serving.app import create_app
from sentir.serving.private_files import private_folder
from sentir.serving.settings import Limits, ServerSettings

URL = "/v1/timelines"


@dataclass(frozen=True)
class Source:
    file: str


@dataclass(frozen=True)
class StandIn:
    """Stands in for a timeline."""

    source: Source
    turns: str
    path: Path | None = None

    def save(self, path, *, format):
        if format != "json":
            raise SentirError(f"There is no format '{format}'.")
        path.write_text(f"{self.source.file} {self.turns}")


class Work:
    """A function that makes stand-ins of timelines, half of which waits."""

    def __init__(self):
        self.gate, self.paths, self.error, self.rounds = threading.Event(), [], None, 1

    def __call__(self, recognizer, recording, turns, enrollment):
        assert enrollment is None
        self.paths.append(recording)
        with progress_bar("recording", 4) as advance, progress_bar("inner", 100) as advance_inner:
            advance(2)
            advance_inner(90)
            for _n in range(self.rounds):
                self.gate.wait(5)
                advance_inner(1)
            if self.error:
                raise self.error
            advance(2)
        text = turns.read_text() if turns else "none"
        return StandIn(Source(recording.name), text, recording)


@pytest.fixture
def work(monkeypatch):
    work = Work()
    monkeypatch.setattr(timelines, "make_timeline", work)
    yield work
    work.gate.set()


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    return write_wav(tmp_path_factory.mktemp("wav") / "talk.wav", tone(1.2), 16_000).read_bytes()


def wait_for(client, location, *states):
    for _n in range(200):
        job = client.get(location).json()
        if job.get("status") in states:
            return job
        time.sleep(0.01)
    raise AssertionError(job)


def test_a_job_has_progress_and_a_result(serve, work, wav):
    client = serve()
    files = {"recording": ("my talk.wav", wav), "turns": ("t.rttm", b"turns")}
    started = client.post(URL, files=files)
    assert started.status_code == 202 and started.json()["status"] in ("waiting", "running")
    location = started.headers["location"]
    assert location == f"{URL}/{started.json()['id']}"
    while client.get(location).json()["progress"] < 0.5:
        time.sleep(0.01)
    early = client.get(f"{location}/result")
    assert (early.status_code, early.json()["code"]) == (422, "not_finished")
    work.gate.set()
    assert wait_for(client, location, "done")["progress"] == 1
    assert client.get(f"{location}/result").text == "my talk.wav turns"
    assert "no format" in client.get(f"{location}/result?format=x").json()["detail"]
    (path,) = work.paths
    assert path.name == "recording.wav" and path.exists()
    assert client.delete(location).status_code == 204
    assert client.get(location).status_code == 404 and not path.parent.exists()


def test_a_job_is_cancelled_where_it_is(serve, work, wav):
    client = serve(ServerSettings(limits=Limits(max_timelines=2)))
    first, second = (client.post(URL, files={"recording": ("a.wav", wav)}) for _n in range(2))
    wait_for(client, first.headers["location"], "running")
    full = client.post(URL, files={"recording": ("a.wav", wav)})
    assert (full.status_code, full.json()["code"]) == (429, "too_many_jobs")
    for response in (second, first):
        assert client.delete(response.headers["location"]).status_code == 204
    work.gate.set()
    for response in (first, second):
        while client.get(response.headers["location"]).status_code != 404:
            time.sleep(0.01)
    assert len(work.paths) == 1 and not work.paths[0].parent.exists()


def test_jobs_are_cancelled_when_the_server_stops(text_model, work, wav, caplog, monkeypatch, tmp_path):
    work.gate.wait = lambda seconds: time.sleep(0.01)
    work.rounds = 10_000
    caplog.set_level("INFO", "sentir.serving")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with TestClient(create_app({"text": text_model})) as client:
        (private,) = tmp_path.iterdir()
        jobs = [client.post(URL, files={"recording": ("a.wav", wav)}).headers["location"] for _n in range(2)]
        wait_for(client, jobs[0], "running")
        assert list(private.glob("timeline-*")) and tempfile.gettempdir() == str(tmp_path)
    logged = [one.facts for one in caplog.records if one.getMessage() == "job"]
    assert [(one["job"], one["status"]) for one in logged] == [(Path(one).name, "cancelled") for one in jobs]
    assert len(work.paths) == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("error", "word"), [(SentirError("No turns."), "No turns."), (KeyError("x"), "its log")])
def test_a_failed_job_says_why(serve, work, wav, error, word):
    client, work.error = serve(), error
    work.gate.set()
    location = client.post(URL, files={"recording": ("a.wav", wav)}).headers["location"]
    assert word in wait_for(client, location, "failed")["problem"]
    assert word in client.get(f"{location}/result").json()["detail"]


def test_old_results_are_forgotten(serve, work, wav):
    client = serve(ServerSettings(limits=Limits(max_timelines=1)))
    work.gate.set()
    locations = []
    for _n in range(3):
        locations.append(client.post(URL, files={"recording": ("a.wav", wav)}).headers["location"])
        wait_for(client, locations[-1], "done")
    assert [client.get(one).status_code for one in locations] == [404, 404, 200]
    assert [path.parent.exists() for path in work.paths] == [False, False, True]


def test_recordings_that_cannot_be_used_are_refused(serve, work, wav):
    client = serve(ServerSettings(limits=Limits(max_recording_seconds=1.0)))
    cases = [
        ({"x": ("a.wav", wav)}, "missing_file"),
        ({"recording": ("a.exe", wav)}, "unknown_suffix"),
        ({"recording": ("../../etc/passwd", wav)}, "unknown_suffix"),
        ({"recording": ("a.wav", b"no audio")}, "undecodable"),
        ({"recording": ("a.wav", wav)}, "recording_too_long"),
    ]
    for files, code in cases:
        response = client.post(URL, files=files)
        assert (response.status_code, response.json()["code"]) == (422, code)
        assert tempfile.gettempdir() not in response.text
    assert client.post(URL, json={}).status_code == 415
    assert client.get(f"{URL}/none").status_code == client.delete(f"{URL}/none").status_code == 404


def test_private_folders_are_removed_also_after_a_kill(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    code = (
        "import os, sys; from sentir.serving.private_files import private_folder\n"
        "with private_folder() as folder:\n"
        "    (folder / 'recording.wav').write_text('private')\n"
        "    os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    (left,) = tmp_path.iterdir()
    assert (left / "recording.wav").exists()
    with private_folder() as folder, private_folder() as other:
        assert not left.exists() and folder.exists() and other.parent == folder.parent == tmp_path
        assert os.name != "posix" or folder.stat().st_mode & 0o077 == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("one_store")
def test_a_job_gives_the_timeline_of_the_recording(serve, both_model, tmp_path):
    pytest.importorskip("sentir.timelines")
    import sentir

    path = write_wav(tmp_path / "talk.wav", tone(3.0), 16_000)
    turns = b'{"start": 0.2, "end": 1.4, "text": "So fine."}\n{"start": 1.5, "end": 2.9}\n'
    (tmp_path / "turns.jsonl").write_bytes(turns)
    client = serve(ServerSettings(purpose="research"), both=both_model)
    files = {"recording": ("talk.wav", path.read_bytes()), "turns": ("turns.jsonl", turns)}
    location = client.post(URL, files=files).headers["location"]
    wait_for(client, location, "done")
    expected = sentir.timeline(both_model, path, turns=tmp_path / "turns.jsonl").to_dict()
    assert client.get(f"{location}/result").json() == expected
    assert client.get(f"{location}/result?format=srt").text.startswith("1\n00:00:00,200 -->")
    unknown = client.get(f"{location}/result?format=none")
    assert unknown.status_code == 422 and "none" in unknown.json()["detail"]
