"""Contenders run by turns, and `make bench` collects what its scripts print."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import ratios  # noqa: E402
from ratios import Row, Times, alternate  # noqa: E402


def test_contenders_run_by_turns_after_a_warm_up():
    ran = []
    works = {name: lambda name=name: ran.append(name) for name in "ab"}
    times = alternate(works, 2, timer=lambda work: work() or len(ran))
    assert ran == list("ab" * 3)
    assert times.rounds == {"a": [3, 5], "b": [4, 6]}


def test_a_ratio_is_the_median_over_rounds_not_of_medians():
    times = Times({"peer": [10.0, 1.0, 3.0], "ours": [1.0, 1.0, 2.0]})
    assert times.ratio("peer", "ours") == 1.5
    assert str(times.row("x", "peer", "ours", "2")) == "| x | peer 3.00 s, ours 1.00 s | 1.50 | 2 |"


def test_time_spent_is_counted_also_in_children():
    import subprocess

    spin = [sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"]
    assert ratios.measure(lambda: subprocess.run(spin, check=True)) >= 0.29


@pytest.fixture
def runner(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("bench", BENCHMARKS / "__main__.py")
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    monkeypatch.setattr(runner, "FOLDER", tmp_path)
    monkeypatch.setattr(runner, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    return runner


def test_every_script_exists(runner):
    assert [name for name in runner.SCRIPTS if not (BENCHMARKS / f"{name}.py").is_file()] == []


def test_rows_of_all_scripts_become_one_table_and_a_failure_is_named(runner, tmp_path, monkeypatch):
    row = Row("speed", "a 2.00 s, b 1.00 s", 2.0)
    (tmp_path / "good.py").write_text(f"print({ratios.HEADER!r})\nprint({str(row)!r})\nprint('noise')\n")
    (tmp_path / "bad.py").write_text(f"print({str(row)!r})\nraise SystemExit(3)\n")
    monkeypatch.setattr(runner, "SCRIPTS", ("good", "bad"))
    with pytest.raises(SystemExit, match="Failed: bad"):
        runner.main()
    table = (tmp_path / "RESULTS.md").read_text().partition(ratios.HEADER)[2]
    assert table.strip().splitlines() == [str(row)] * 2
