"""`sentir bench`: each benchmark in a process of its own; results are saved and compared."""

import json
from importlib.util import find_spec

import pytest
from running import sentir

from sentir import SentirError
from sentir.bench import BENCHMARKS, Results, compare, compare_facts, run, runner
from sentir.bench.timing import Row
from sentir.errors import UnknownNameError
from sentir.optional_dependencies import EXTRAS

ROWS = {"a": [Row("speed", {"peer": 3.0, "Sentir": 1.5}, 2.0, "1"), Row("memory", ratio=1.01, note="1 MB")]}


def results(**changes):
    return Results(**{"machine": {"cores": "2 / 2"}, "versions": {"numpy": "2.0"}, "rows": ROWS} | changes)


def test_every_benchmark_is_a_module_and_names_extras():
    assert all(find_spec(f"sentir.bench.{name}") for name in BENCHMARKS)
    assert {extra for extras in BENCHMARKS.values() for extra in extras} <= set(EXTRAS)


def test_lines_are_collected_and_a_failure_is_named(monkeypatch):
    monkeypatch.setattr(runner, "BENCHMARKS", {"mel_speed": (), "not_a_module": ()})
    shown = []
    done = run(show=shown.append)
    assert done.rows["mel_speed"] == shown and all(row.seconds["Sentir"] > 0 for row in shown[:1])
    assert done.failed == ("not_a_module",) and done.rows["not_a_module"] == []
    assert {"processor", "cores", "memory"} <= done.machine.keys() and "numpy" in done.versions


def test_what_needs_a_missing_extra_is_skipped_and_says_so(monkeypatch):
    monkeypatch.setattr(runner, "is_installed", lambda name: name != "onnx")
    monkeypatch.setattr(runner, "_run_in_child", lambda name, _show: (ROWS["a"], True))
    done = run()
    assert done.skipped == {"predict_audio": ("export",), "cold_start": ("export",)}
    assert done.rows.keys() == BENCHMARKS.keys() - done.skipped.keys()


def test_results_are_saved_and_loaded(tmp_path):
    results().save(tmp_path / "here.json")
    assert Results.load(tmp_path / "here.json").to_dict() == json.loads(json.dumps(results().to_dict()))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "rows": {"a": [{"x": 1}]}}'])
def test_a_file_of_something_else_is_refused(text, tmp_path):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(SentirError, match="does not hold results"):
        Results.load(tmp_path / "other.json")


def test_times_are_compared_by_what_and_contender():
    other = [Row("speed", {"Sentir": 3.0, "other": 1.0})]
    slower = results(rows={"a": other, "not run here": [Row("x", {"Sentir": 1.0})]})
    assert compare(results(), slower).rows == [
        ("speed", "peer", "3.00 s", "–", "–"),
        ("speed", "Sentir", "1.50 s", "3.00 s", "0.50"),
        ("speed", "other", "–", "1.00 s", "–"),
    ]


def test_only_facts_that_differ_are_listed():
    there = results(machine={"cores": "8 / 8"}, versions={"numpy": "2.0", "torch": "2.13.0"})
    assert compare_facts(results(), there).rows == [("cores", "2 / 2", "8 / 8"), ("torch", "–", "2.13.0")]


def test_the_command_writes_prints_and_compares(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_run_in_child", lambda name, _show: (ROWS["a"], True))
    out = tmp_path / "new" / "here.json"
    results(machine={"cores": "8 / 8"}).save(tmp_path / "there.json")
    done = sentir("bench", "starter", "--out", out, "--compare", tmp_path / "there.json", "--lang", "es")
    assert done.returncode == 0 and "1,50 s" in done.stdout and "8 / 8" in done.stdout
    assert json.loads(out.read_text())["rows"]["starter"][0]["seconds"] == {"peer": 3.0, "Sentir": 1.5}


def test_an_unknown_benchmark_is_refused_before_any_runs():
    with pytest.raises(UnknownNameError, match=r"'speed'.*starter"):
        run(["starter", "speed"])
