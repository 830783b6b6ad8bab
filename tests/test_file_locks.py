"""Locks of run folders: a second run is refused, a dead one does not block."""

import errno
import os
import platform
import signal
import subprocess
import sys
import time

import pytest

from sentir import file_locks
from sentir.errors import SentirError
from sentir.file_locks import (
    delete_absent,
    hold_lock,
    hold_presence,
    is_present,
    lock_run_folder,
    make_presence_name,
)

HOLD_LOCK = """
import sys, time
from pathlib import Path
from sentir.file_locks import lock_run_folder

with lock_run_folder(Path(sys.argv[1]), shared_key=sys.argv[2]):
    print("holds", flush=True)
    time.sleep(60)
"""


def start(folder, shared_key=""):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, folder, shared_key], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "holds\n"
    return process


def test_a_second_run_is_refused_and_the_message_names_the_first(tmp_path):
    first = start(tmp_path)
    try:
        words = rf"process {first.pid} on {platform.node()}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d"
        with pytest.raises(SentirError, match=words), lock_run_folder(tmp_path):
            pytest.fail("two runs in one folder")
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    with lock_run_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == [], "the files of the killed run are deleted"


def test_runs_with_the_same_key_share_a_folder_and_keep_others_out(tmp_path):
    first = start(tmp_path, "tune")
    try:
        with (
            lock_run_folder(tmp_path, shared_key="tune"),
            pytest.raises(SentirError, match="Another run"),
            lock_run_folder(tmp_path),
        ):
            pytest.fail("beside runs that share")
    finally:
        first.kill()
        first.wait()


def test_a_second_run_of_the_same_process_is_refused_but_not_in_other_folders(tmp_path):
    refused = pytest.raises(SentirError, match=f"process {os.getpid()} ")
    with (
        lock_run_folder(tmp_path / "one"),
        lock_run_folder(tmp_path / "two"),
        refused,
        lock_run_folder(tmp_path / "one"),
    ):
        pytest.fail("twice")
    assert list((tmp_path / "one").iterdir()) == []


def test_a_dead_run_whose_process_id_is_reused_does_not_block(tmp_path):
    (tmp_path / ".run-0123.lock").touch()
    (tmp_path / ".run-0123.json").write_text(f'{{"pid": "{os.getpid()}", "host": "{platform.node()}"}}')
    with lock_run_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_logged_and_the_run_starts(tmp_path, monkeypatch):
    def none(*_arguments):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    messages = []
    monkeypatch.setattr("fcntl.flock", none)
    monkeypatch.setattr("sentir.logs.logger.warning", messages.append)
    with lock_run_folder(tmp_path), hold_lock(tmp_path / "other.lock") as held:
        assert held is None
    assert len(messages) == 1 and str(tmp_path) in messages[0] and "has no locks" in messages[0]


def test_a_process_of_another_machine_counts_by_its_heartbeat(tmp_path, monkeypatch):
    with hold_presence(tmp_path, name := make_presence_name()):
        beat = tmp_path / f"{name}.beat"
        silent = beat.stat().st_mtime - file_locks.SILENCE_SECONDS - 1
        os.utime(beat, (silent, silent))
        assert is_present(tmp_path, name), "here the lock decides"
        monkeypatch.setattr("platform.node", lambda: "another-machine")
        assert not is_present(tmp_path, name) and not beat.exists()
    monkeypatch.undo()
    with monkeypatch.context() as there, hold_presence(tmp_path, name := make_presence_name()):
        there.setattr("platform.node", lambda: "another-machine")
        there.setattr("fcntl.flock", lambda *_arguments: None)  # every machine has locks of its own
        assert is_present(tmp_path, name)


def test_the_heartbeat_goes_on_and_ends_with_the_block(tmp_path, monkeypatch):
    monkeypatch.setattr(file_locks, "_HEARTBEAT_SECONDS", 0.01)
    with hold_presence(tmp_path, name := make_presence_name()):
        beat = tmp_path / f"{name}.beat"
        os.utime(beat, (0, 0))
        while beat.stat().st_mtime == 0:
            time.sleep(0.01)
        assert is_present(tmp_path, name)
    assert not is_present(tmp_path, name) and list(tmp_path.iterdir()) == []


def test_what_a_process_left_that_was_killed_long_ago_is_deleted_and_what_lives_is_not(tmp_path):
    with hold_presence(tmp_path, name := make_presence_name()):
        for dead in (make_presence_name(), f"other.{'0' * 32}"):
            (tmp_path / f"{dead}.beat").touch()
            (tmp_path / f"{dead}.lock").touch()
        delete_absent(tmp_path)
        assert len([*tmp_path.iterdir()]) == 6, "they may have started just now"
        for beat in tmp_path.glob("*.beat"):
            os.utime(beat, (0, 0))
        delete_absent(tmp_path)
        assert {path.stem for path in tmp_path.iterdir()} == {name}


def test_a_lock_is_acquired_once_it_is_released(tmp_path):
    with hold_lock(tmp_path / "a.lock") as first, hold_lock(tmp_path / "a.lock", timeout=0.05) as second:
        assert first is True and second is False
    with hold_lock(tmp_path / "a.lock") as third:
        assert third is True
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_created_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SentirError, match="file cannot be written"), lock_run_folder(tmp_path / "file"):
        pytest.fail("no folder")
