"""The harness of hostile inputs counts what it must: each kind of failure, and nothing else."""

import mmap
import os
import sys
import time
import types

import numpy as np
import pytest
from hostile import running
from hostile.mutation import ChosenRandom
from hostile.running import iter_results, run_check

from sentir.errors import CorpusError

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it measures by Linux's /proc")


def steal(folder):
    (folder.parent / "secret.txt").read_text()


def write_elsewhere(folder):
    (folder.parent / "evil.txt").write_text("x")


def refuse(_folder):
    raise CorpusError("This is no table.")


def refuse_without_words(_folder):
    raise CorpusError("")


def fill_memory(_folder):
    np.frombuffer(mmap.mmap(-1, 2 * 10**8), np.uint8).fill(1)  # an allocator may reuse what it has


def crash(_folder):
    os._exit(3)


BEHAVIORS = {
    "fine": (lambda folder: (folder / "a").write_text("x"), "accepted"),
    "refused": (refuse, "refused"),
    "traceback": (lambda _folder: {}["a"], "failed: KeyError at "),
    "no sentence": (refuse_without_words, "failed: no sentence"),
    "secret": (steal, "failed: open "),
    "elsewhere": (write_elsewhere, "failed: open "),
    "process": (lambda _folder: os.system("true"), "failed: os.system"),
    "memory": (fill_memory, "failed: more than 1 GB"),
    "slow": (lambda _folder: sum(range(10**7)), "failed: longer than"),
    "hang": (lambda _folder: time.sleep(60), "failed: hang"),
    "crash": (crash, "failed: crash with exit code 3"),
}


@pytest.mark.parametrize("name", BEHAVIORS)
def test_every_kind_of_failure_is_counted(name, monkeypatch):
    behave, expected = BEHAVIORS[name]
    limits = {"slow": ("MAX_SECONDS", 0.05), "hang": ("MAX_WALL_SECONDS", 0.2), "memory": ("MAX_BYTES", 10**7)}
    if name in limits:
        monkeypatch.setattr(running, *limits[name])
    module = types.ModuleType("hostile.checks.own")
    module.prepare = lambda _home: lambda _rng, folder: behave(folder) and "accepted"
    monkeypatch.setitem(sys.modules, "hostile.checks.own", module)
    ((number, outcome, _seconds, _bytes),) = iter_results("own", 1)
    assert number == 0 and outcome.startswith(expected)


def test_after_a_crash_the_other_cases_are_run(monkeypatch):
    module = types.ModuleType("hostile.checks.own")
    module.prepare = lambda _home: lambda rng, folder: crash(folder) if rng.random() < 0.5 else "accepted"
    monkeypatch.setitem(sys.modules, "hostile.checks.own", module)
    counts = run_check("own", 12)
    assert (
        counts.num_cases == 12
        and 0 < counts.num_failures < 12
        and set(counts.failures) == {"crash with exit code 3"}
    )


def test_choices_follow_the_given_bytes_and_then_their_seed():
    assert [ChosenRandom(bytes([n, 0])).choice("abcd") for n in (0, 32, 64, 96)] == list("abcd")
    assert ChosenRandom(bytes(7)).random() == 0.0 and 0.999 < ChosenRandom(b"\xff" * 7).random() < 1
    assert ChosenRandom(b"\x01\x02\x03").randbytes(2) == b"\x01\x02"
    first, second = ChosenRandom(b"\x07"), ChosenRandom(b"\x07")
    drawn = [first.randrange(10**6) for _n in range(50)]
    assert drawn == [second.randrange(10**6) for _n in range(50)] and len(set(drawn)) > 40
