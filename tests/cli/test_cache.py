"""``sentir cache ls`` and ``prune``: what is removed, what never is, and a cache that is in use."""

import errno
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from sentir import cache_use, file_locks
from sentir.audio.store import attach_audio
from sentir.caches import list_caches, prune_caches
from sentir.cli import main, output
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import SentirError, UnknownNameError
from sentir.paths import audio_dir, cache_dir

DAY = 86400
USE = """
import sys, time
from pathlib import Path
from sentir.cache_use import register_use

register_use(Path(sys.argv[1]))
print("uses", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def end_use():
    """A process keeps what it used from being pruned until it ends; here, until a test does."""
    yield
    cache_use.end_use()


def make_entry(cache, name, size, days_old):
    """A folder of two files, one of them older."""
    folder = cache_dir() / cache / name
    folder.mkdir(parents=True)
    for number, age in enumerate([days_old, days_old + 100]):
        path = folder / f"{number}.bin"
        path.write_bytes(bytes(size // 2))
        os.utime(path, (time.time() - age * DAY,) * 2)
    os.utime(folder, (time.time() - days_old * DAY,) * 2)
    return folder


@pytest.fixture
def entries():
    ages = {"old": 90, "middle": 40, "new": 1}
    made = {name: make_entry("unpacked", name, 2_000_000, days) for name, days in ages.items()}
    return made | {"corpus": make_entry("corpora", "meld", 4_000_000, 400)}


def remaining(entries):
    return [name for name, folder in entries.items() if folder.exists()]


@pytest.fixture
def run(capsys, monkeypatch):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sentir", "cache", *arguments])
        monkeypatch.setattr(output.console, "_width", 300)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, capsys.readouterr().out

    return call


def test_sizes_and_ages_are_listed(entries, run):
    code, out = run("ls", "--json")
    rows = {row["cache"]: row for row in json.loads(out)}
    assert code == 0 and rows["unpacked"]["entries"] == 3 and rows["unpacked"]["bytes"] == 6_000_000
    assert rows["corpora"]["bytes"] == 4_000_000 and rows["embeddings"]["entries"] == 0
    assert rows["unpacked"]["last_used"] > rows["corpora"]["last_used"] and rows["audio"]["last_used"] is None
    _code, table = run("ls", "--only", "unpacked")
    assert "6.0 MB" in table and str(cache_dir()) in table and "corpora" not in table


def test_entries_are_pruned_by_age(entries, run):
    code, out = run("prune", "--older-than", "30")
    assert code == 0 and "unpacked: 2 entries removed, 4.0 MB" in out
    assert remaining(entries) == ["new", "corpus"], "downloads are not made again by themselves"
    assert "embeddings" not in out and run("prune", "--older-than", "30") == (0, "There is nothing to prune.\n")


def test_the_least_recently_used_are_pruned_until_the_rest_is_small_enough(entries, run):
    assert run("prune", "--max-gb", "0.005")[0] == 0
    assert remaining(entries) == ["middle", "new", "corpus"]
    assert run("prune", "--max-gb", "0")[0] == 0
    assert remaining(entries) == ["corpus"]


def test_downloads_are_pruned_by_their_name(entries, run):
    assert run("prune", "--only", "corpora", "--older-than", "30")[0] == 0
    assert remaining(entries) == ["old", "middle", "new"]


def test_a_dry_run_removes_nothing(entries, run):
    code, out = run("prune", "--older-than", "30", "--dry-run")
    assert code == 0 and "unpacked: 2 entries would be removed, 4.0 MB" in out
    assert len(remaining(entries)) == 4


def test_a_cache_that_another_process_uses_is_left_alone(entries, run):
    other = make_entry("clips", "old", 1_000, 90)
    user = subprocess.Popen(
        [sys.executable, "-c", USE, cache_dir() / "unpacked"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert user.stdout.readline() == "uses\n"
        code, out = run("prune", "--older-than", "30")
        assert code == 1 and f"in use by process {user.pid}" in out and "--out" not in out
        assert len(remaining(entries)) == 4 and not other.exists(), "the other caches are pruned"
    finally:
        user.kill()
        user.wait()
    assert run("prune", "--older-than", "30")[0] == 0, "a killed process uses nothing"
    assert remaining(entries) == ["new", "corpus"]


def test_a_process_waits_while_a_cache_is_pruned(entries, monkeypatch):
    folder = cache_dir() / "unpacked"
    with cache_use.hold_for_pruning(folder):
        monkeypatch.setattr(cache_use, "_PRUNING_TIMEOUT", 0.2)
        with pytest.raises(SentirError, match=str(os.getpid())):
            cache_use.register_use(folder)
    cache_use.register_use(folder)
    with pytest.raises(SentirError, match=str(os.getpid())), cache_use.hold_for_pruning(folder):
        pytest.fail("pruned while in use")


def test_pruned_audio_is_extracted_again(tmp_path):
    paths = [tmp_path / f"{n}.wav" for n in range(2)]
    for n, path in enumerate(paths):
        soundfile.write(path, np.random.default_rng(n).normal(0, 0.1, 4_000), 16_000)
    clips = [Utterance(id=path.stem, split="train", clip=Clip(path)) for path in paths]
    before = attach_audio(clips)
    (found,) = list_caches(["audio"])
    assert len(found.entries) == 1 and len(found.entries[0].paths) == 2 and found.size > 1_000
    cache_use.end_use()
    prune_caches(only=["audio"], max_bytes=0)
    assert not list(audio_dir().glob("part-*")) and list_caches(["audio"])[0].entries == ()
    after = attach_audio(clips)
    assert [np.array_equal(a.audio.mel, b.audio.mel) for a, b in zip(before, after, strict=True)] == [True, True]


def test_what_a_killed_pruning_left_is_removed(entries, run):
    entries["old"].rename(entries["old"].with_name(".pruned-1"))
    assert run("prune", "--older-than", "80")[0] == 0
    assert sorted(path.name for path in (cache_dir() / "unpacked").iterdir()) == [".in-use", "middle", "new"]


def test_spectrograms_without_a_manifest_are_pruned(run):
    audio_dir().mkdir(parents=True)
    for name in ("part-1.parquet", "part-1.npy", "part-2.npy"):
        (audio_dir() / name).write_bytes(bytes(10))
    (audio,) = list_caches(["audio"])
    assert sorted(len(entry.paths) for entry in audio.entries) == [1, 2] and audio.size == 30
    assert run("prune", "--max-gb", "0")[0] == 0 and not list(audio_dir().glob("part-*"))


def test_caches_on_a_full_disk_are_pruned(entries, run, monkeypatch):
    def fail(path, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(file_locks, "write_text", fail)
    assert run("prune", "--max-gb", "0")[0] == 0 and remaining(entries) == ["corpus"]


def test_a_cache_that_cannot_be_written_is_kept(entries, run, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    code, out = run("prune", "--max-gb", "0")
    assert code == 1 and str(cache_dir() / "unpacked") in out and "make it writable" in out
    assert len(remaining(entries)) == 4


def test_what_to_prune_has_to_be_said(run):
    with pytest.raises(SentirError, match="--older-than"):
        prune_caches()
    with pytest.raises(UnknownNameError, match="embeddings"):
        list_caches(["embedding"])
    assert run("prune", "--older-than", "-1")[0] == 2
