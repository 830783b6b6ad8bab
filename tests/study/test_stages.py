"""Stages: complete or missing, and each produced only once."""

import errno
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.study.stages import Stages

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
keys = st.dictionaries(st.text(max_size=3), values, max_size=4)


def test_a_stage_is_produced_once(tmp_path):
    stages, made = Stages(tmp_path), []

    def produce(folder):
        made.append(folder)
        (folder / "file").write_text("content")

    first, second = (stages.run("kind", {"a": 1, "b": [2]}, produce) for _time in range(2))
    assert first == second == stages.path("kind", {"b": [2], "a": 1}) and len(made) == 1
    assert (first / "file").read_text() == "content" and stages.path("kind", {"a": 1, "b": [2]}).is_dir()


def test_a_stage_that_fails_leaves_nothing(tmp_path):
    stages = Stages(tmp_path)

    def fails(folder):
        (folder / "unfinished").write_text("x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stages.run("kind", {}, fails)
    assert not stages.path("kind", {}).is_dir() and list(tmp_path.iterdir()) == []
    assert stages.run("kind", {}, lambda folder: None).is_dir()


@given(keys, keys)
def test_stages_depend_on_their_keys_but_not_on_the_order(tmp_path_factory, one, other):
    stages = Stages(tmp_path_factory.getbasetemp())
    backwards = dict(reversed(list(one.items())))
    assert stages.path("kind", one) == stages.path("kind", backwards) != stages.path("another", one)
    assert (stages.path("kind", one) == stages.path("kind", other)) == (repr_of(one) == repr_of(other))


def repr_of(value):
    """Distinguish 1 from True, which are equal in Python but not in JSON."""
    if isinstance(value, dict):
        return {key: repr_of(inner) for key, inner in value.items()}
    return [repr_of(inner) for inner in value] if isinstance(value, list) else repr(value)


def test_the_first_of_two_concurrent_stages_is_kept(tmp_path):
    stages = Stages(tmp_path)

    def overtaken(folder):
        existing = stages.path("kind", {})
        existing.mkdir()
        (existing / "file").write_text("first")
        (folder / "file").write_text("second")

    stage = stages.run("kind", {}, overtaken)
    assert (stage / "file").read_text() == "first" and list(tmp_path.iterdir()) == [stage]


KILLED = """
import os, sys
from pathlib import Path
from sentir.study.stages import Stages

def produce(part):
    (part / "unfinished").write_text("x")
    os.kill(os.getpid(), 9)

Stages(Path(sys.argv[1])).run("killed", {}, produce)
"""


def test_only_unfinished_stages_of_dead_processes_are_deleted(tmp_path):
    assert subprocess.run([sys.executable, "-c", KILLED, tmp_path]).returncode == -9
    (killed,) = tmp_path.glob("killed-*.part*/")
    for name in (f"train-ab.part{os.getpid()}", "train-ab", "mine.parts"):
        (tmp_path / name).mkdir()

    def concurrent(part):
        Stages(tmp_path).delete_unfinished()
        (part / "file").write_text("complete")

    stage = Stages(tmp_path).run("alive", {}, concurrent)
    assert (stage / "file").read_text() == "complete" and not killed.exists()
    assert {path.name for path in tmp_path.iterdir()} == {stage.name, "train-ab", "mine.parts"}


def test_without_file_locks_no_stage_is_deleted(tmp_path, monkeypatch):
    def none(*_arguments):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", none)
    (tmp_path / "train-ab.part0123").mkdir()
    Stages(tmp_path).delete_unfinished()
    assert Stages(tmp_path).run("kind", {}, lambda part: None).is_dir()
    assert (tmp_path / "train-ab.part0123").is_dir()
