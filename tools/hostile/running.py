"""Cases run in worker processes with a limit of time and memory: a crash or a hang costs one case."""

from __future__ import annotations

import multiprocessing as mp
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

from hostile.guarding import Guard, read_peak_memory, reset_peak_memory, scratch_folder
from hostile.mutation import SECRET
from sentir.errors import SentirError

Attempt = Callable[[random.Random, Path], str]
"""From a generator and an empty folder to the outcome of one case; a `SentirError` means that it was refused."""

Result = tuple[int, str, float, int]
"""Number of a case, its outcome, seconds of CPU, and bytes by which it raised the peak of memory."""

MAX_SECONDS = 20.0
MAX_WALL_SECONDS = 120.0  # after which a case hangs, on a machine that may be busy
MAX_BYTES = 10**9
_MAX_ADDRESS_SPACE = 6 * 10**9  # beyond that of a fresh worker: it fails before the machine does
_MAX_MESSAGE_LENGTH = 1500


@dataclass
class Counts:
    """What the cases of a check did.

    Attributes:
        outcomes: outcome → cases: ``accepted``, ``refused``, or what a check tells apart.
        failures: kind of a failure → numbers of its cases.
        worst_seconds: that a case took.
        worst_bytes: by which a case raised the memory of its process at most.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, list[int]] = field(default_factory=dict)
    worst_seconds: float = 0.0
    worst_bytes: int = 0

    @property
    def num_cases(self) -> int:
        """Their number."""
        return sum(self.outcomes.values())

    @property
    def num_failures(self) -> int:
        """How many failed."""
        return sum(map(len, self.failures.values()))

    def add(self, number: int, outcome: str, seconds: float, num_bytes: int) -> None:
        """Add a case."""
        is_failure = outcome.startswith("failed: ")
        self.outcomes["failed" if is_failure else outcome] += 1
        if is_failure:
            self.failures.setdefault(outcome.removeprefix("failed: "), []).append(number)
        self.worst_seconds = max(self.worst_seconds, seconds)
        self.worst_bytes = max(self.worst_bytes, num_bytes)


def run_check(name: str, cases: int, seed: int = 0) -> Counts:
    """Run the cases of a check, and count them."""
    counts = Counts()
    for result in iter_results(name, cases, seed):
        counts.add(*result)
    return counts


def iter_results(name: str, cases: int, seed: int = 0) -> Iterator[Result]:
    """Run the cases of a check in a worker process; another one goes on after a case that crashes or hangs it."""
    module = import_module(f"hostile.checks.{name}")
    with tempfile.TemporaryDirectory(prefix=f"hostile-{name}-") as home:
        attempt, rest = module.prepare(Path(home)), range(cases)
        while len(rest):
            ours, theirs = mp.Pipe(duplex=False)
            starts = hasattr(module, "STARTS_PROCESSES")
            worker = mp.get_context("fork").Process(
                target=_work, args=(name, attempt, rest, seed, theirs, starts)
            )
            worker.start()
            theirs.close()
            done = 0
            for result in _receive(ours, len(rest)):
                yield (rest[done], *result)
                done += 1
            if done < len(rest):
                worker.kill()
                worker.join()
                reason = "hang" if worker.exitcode == -9 else f"crash with exit code {worker.exitcode}"
                yield rest[done], f"failed: {reason}", 0.0, 0
                done += 1
            worker.join()
            rest = rest[done:]


def _receive(connection: Connection, expected: int) -> Iterator[tuple[str, float, int]]:
    """Yield the results of cases, fewer than expected if the worker hangs or dies."""
    for _case in range(expected):
        if not connection.poll(MAX_WALL_SECONDS):
            return
        try:
            yield connection.recv()
        except EOFError:
            return


def _work(
    name: str, attempt: Attempt, numbers: range, seed: int, connection: Connection, starts_processes: bool
) -> None:
    os.environ["SENTIR_STATE_DIR"] = os.environ["SENTIR_CACHE_DIR"] = ""
    sys.dont_write_bytecode = True  # of modules that are imported late
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MAX_ADDRESS_SPACE,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    home = Path(tempfile.mkdtemp(prefix=f"hostile-{name}-", dir=scratch_folder()))
    try:
        (home / SECRET).write_text("secret", encoding="utf-8")
        for folder in ("state", "cache", "tmp"):
            (home / folder).mkdir()
        os.environ |= {"SENTIR_STATE_DIR": str(home / "state"), "SENTIR_CACHE_DIR": str(home / "cache")}
        tempfile.tempdir = str(home / "tmp")
        guard = Guard(
            [home / folder for folder in ("case", "state", "cache", "tmp")], starts_processes=starts_processes
        )
        for number in numbers:
            connection.send(run_case(name, attempt, number, seed, home / "case", guard))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def run_case(
    name: str, attempt: Attempt, number: int, seed: int, folder: Path, guard: Guard
) -> tuple[str, float, int]:
    """Return the outcome of a case, its seconds of CPU, and the bytes by which it raised the peak of memory."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rng = random.Random(f"{seed}/{name}/{number}")
    before, start = reset_peak_memory(), time.process_time()
    guard.violations, guard.is_active = [], True
    try:
        outcome = attempt(rng, folder)
    except SentirError as error:
        outcome = (
            "refused" if _is_sentence(str(error)) else f"failed: no sentence: {error!r}"[:_MAX_MESSAGE_LENGTH]
        )
    except BaseException as error:  # noqa: BLE001
        outcome = f"failed: {describe(error)}"
    finally:
        guard.is_active = False
    seconds, num_bytes = time.process_time() - start, max(0, read_peak_memory() - before)
    left = [
        path.name
        for path in folder.parent.iterdir()
        if path.name not in ("case", "state", "cache", "tmp", SECRET)
    ]
    if guard.violations or left:
        outcome = f"failed: {(guard.violations or left)[0]}"
    elif seconds > MAX_SECONDS:
        outcome = "failed: longer than 20 s"
    elif num_bytes > MAX_BYTES:
        outcome = "failed: more than 1 GB"
    return outcome, seconds, num_bytes


def _is_sentence(message: str) -> bool:
    return bool(message) and "\n" not in message.strip() and len(message) <= _MAX_MESSAGE_LENGTH


def describe(error: BaseException) -> str:
    """Return the kind of an error: its type, and where in Sentir and at last it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/sentir/" in frame.filename]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in (*ours[-1:], *frames[-1:])]
    return f"{type(error).__name__} at {' < '.join(dict.fromkeys(places))}"
