"""`sentir doctor` finds what does not work, says what to do, and changes nothing."""

import json
import shutil
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import av
import pytest
from running import sentir

from runtime import run_command_without_laboratory
from sentir import worker_processes
from sentir.doctor import examine, machine, network, packages, recordings, storage, working
from sentir.evaluation.locked import ledger_file
from sentir.recognizer.recognizer import Recognizer
from sentir.runtime.sessions import available_threads

Device = namedtuple("Device", "st_dev")


def statuses(findings):
    return [finding.status for finding in findings]


def test_a_sound_installation_has_no_problem_and_every_warning_has_a_remedy():
    findings = examine(offline=True)
    assert "problem" not in statuses(findings)
    assert {"python", "onnxruntime", "torch", "codecs", "memory", "folders", "ledger", "starter"} <= {
        finding.name for finding in findings
    }
    assert all(finding.remedy for finding in findings if finding.status in ("warning", "problem"))


def test_the_command_prints_json_and_works_without_the_laboratory():
    done = run_command_without_laboratory("doctor", "--offline", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 0, done.stderr
    assert rows["torch"]["status"] == "note" and rows["starter"]["status"] == "ok"


def test_a_folder_that_cannot_be_written_is_a_problem_with_its_variable(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "file" / "cache"))
    cache, audio, state = storage.check_folders()
    assert (cache.status, audio.status, state.status) == ("problem", "problem", "ok")
    assert str(tmp_path / "file" / "cache") in cache.found and "SENTIR_CACHE_DIR" in cache.remedy
    done = sentir("doctor", "--offline")
    assert done.returncode == 1 and "SENTIR_CACHE_DIR" in done.stdout


def test_without_a_home_it_names_the_variables_and_everything_else_works(monkeypatch):
    def find(_application):
        raise RuntimeError("could not determine the home directory")

    for variable in ("SENTIR_CACHE_DIR", "SENTIR_AUDIO_DIR", "SENTIR_STATE_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("sentir.paths.user_state_path", find)
    monkeypatch.setattr("sentir.paths.user_cache_path", find)
    problems = [finding for finding in examine(offline=True) if finding.status == "problem"]
    assert [finding.name for finding in problems] == ["folders"] * 3 + ["ledger"]
    assert all("SENTIR_" in finding.remedy for finding in problems[:3])
    assert sentir("predict", "--text", "I am happy").returncode == 0


def test_examining_creates_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "state"))
    assert set(statuses(storage.check_folders())) == {"ok"} and list(tmp_path.iterdir()) == []


def test_a_damaged_ledger_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path))
    ledger_file.append_entries(lambda _known: [{"when": "2026", "corpus": "x", "test_fingerprint": "f"}])
    [file] = [path for path in tmp_path.iterdir() if path.suffix == ".jsonl"]
    file.write_text("{broken\n")
    [finding] = storage.check_ledger()
    assert finding.status == "problem" and str(file) in finding.found


def test_missing_decoders_are_named(monkeypatch):
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"opus", "aac"})
    [finding] = recordings.check_codecs()
    assert finding.status == "warning" and "aac, opus" in finding.found


def test_little_memory_and_little_disk_are_warnings(monkeypatch):
    monkeypatch.setattr(machine, "count_memory", lambda: 2**30)
    usage = namedtuple("usage", "total used free")(2**30, 2**30, 1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    assert set(statuses([*machine.check_memory(), *machine.check_disk()])) == {"warning"}


def test_each_disk_is_named_once_with_the_variable_of_its_folder(tmp_path, monkeypatch):
    folders = {name: tmp_path / name for name in ("cache", "audio", "state")}
    for name, folder in folders.items():
        monkeypatch.setenv(f"SENTIR_{name.upper()}_DIR", str(folder))
    usage = namedtuple("usage", "total used free")(2**40, 2**30, 1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    [finding] = machine.check_disk()
    assert str(folders["cache"]) in finding.found and "SENTIR_CACHE_DIR" in finding.remedy
    devices = iter(range(3))
    disk = namedtuple("Disk", "stat")
    monkeypatch.setattr(machine, "find_existing_folder", lambda _path: disk(lambda: Device(next(devices))))
    for name, one in zip(folders, machine.check_disk(), strict=True):
        assert str(folders[name]) in one.found and f"SENTIR_{name.upper()}_DIR" in one.remedy


def test_kaggle_is_asked_also_without_a_home(monkeypatch):
    def refuse(_path=None):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", refuse)
    monkeypatch.setattr(network, "_KAGGLE", "http://127.0.0.1:9")
    [finding] = network.check_kaggle()
    assert finding.status == "note"


def test_versions_out_of_range_are_named_and_of_the_runtime_a_problem(monkeypatch):
    assert list(packages.check_ranges()) == []
    lines = ["numpy>=99", 'torch>=99; extra == "train"', "nothing-of-this-name>=1", "rich>=1"]
    monkeypatch.setattr(packages, "requires", lambda _name: lines)
    runtime, extra = packages.check_ranges()
    assert (runtime.status, extra.status) == ("problem", "warning")
    assert "numpy" in runtime.found and ">=99" in runtime.found and runtime.remedy == "pip install 'numpy>=99'"


@pytest.mark.parametrize(
    ("groups", "file"),
    {
        "0::/": "memory.max",
        "0::/a/b": "a/memory.max",
        "3:cpu:/x\n4:memory:/a": "memory/a/memory.limit_in_bytes",
    }.items(),
)
def test_limits_of_control_groups_are_counted_and_named(groups, file, tmp_path, monkeypatch):
    (tmp_path / "groups").write_text(groups + "\n")
    (tmp_path / "cgroup" / file).parent.mkdir(parents=True)
    (tmp_path / "cgroup" / file).write_text(f"{3 * 2**30}\n")
    monkeypatch.setattr(worker_processes, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(worker_processes, "_CGROUP", tmp_path / "cgroup")
    [finding] = machine.check_memory()
    assert finding.found.startswith("3.0 GiB may be used, by a limit of the container")


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("0::/", {"cpu.max": "max 100000"}, 8),
        ("0::/", {"cpu.max": "250000 100000"}, 3),
        ("0::/a/b", {"cpu.max": "600000 100000", "a/cpu.max": "200000 100000"}, 2),
        ("0::/", {"cpu.max": "50000 100000"}, 1),
        ("4:cpu,cpuacct:/a", {"cpu/a/cpu.cfs_quota_us": "400000", "cpu/a/cpu.cfs_period_us": "100000"}, 4),
        ("4:cpu,cpuacct:/a", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, 8),
        ("", {}, 8),
    ],
)
def test_processors_are_those_of_affinity_and_container(groups, files, cores, tmp_path, monkeypatch):
    (tmp_path / "groups").write_text(groups)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{content}\n")
    monkeypatch.setattr(worker_processes, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(worker_processes, "_CGROUP", tmp_path)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(8)), raising=False)
    assert worker_processes.count_cores() == available_threads() == cores


def test_a_torch_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "torch")
    [finding] = packages.check_torch()
    assert finding.status == "note" and "sentir[train]" in finding.remedy
    assert any(f.status == "note" and "train" in f.found for f in packages.check_extras())


def test_a_starter_that_predicts_otherwise_is_a_problem(monkeypatch):
    predicted = Recognizer.predict
    monkeypatch.setattr(Recognizer, "predict", lambda self, _text: predicted(self, "I hate you! Get out!"))
    [finding] = working.check_starter()
    assert finding.status == "problem" and finding.remedy


class Answer(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(403)
        self.end_headers()

    def log_message(self, *_args):
        pass


def test_a_host_that_answers_is_reached_and_one_that_does_not_is_a_note():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    assert network._check_host("hub", address, "").status == "ok"
    server.shutdown()
    server.server_close()
    closed = network._check_host("hub", address, "")
    assert closed.status == "note" and address in closed.found


@pytest.mark.parametrize("variable", ["KAGGLE_API_TOKEN", "KAGGLE_KEY"])
def test_a_token_for_kaggle_is_seen(variable, monkeypatch, tmp_path):
    monkeypatch.setattr(network, "_KAGGLE", "http://127.0.0.1:9")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(network, "_check_host", lambda _name, _address, token: token)
    assert list(network.check_kaggle()) == ["without a token"]
    monkeypatch.setenv(variable, "x")
    assert list(network.check_kaggle()) == ["with a token"]
