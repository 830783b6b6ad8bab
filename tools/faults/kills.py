"""Kill commands at random points; the same command must then end with the result of an undisturbed run.

Half of the points are moments of the CPU time of an undisturbed run, the others are operations on files, where
a kill does most harm: the process kills itself before opening a file for writing, renaming, linking or deleting
one. Drafts that it leaves are made older than a run may take, as if the command were run again the next day.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from faults.commands import Done, Running, home_folder, preload, run
from faults.frame import Case, Check
from faults.inputs import Inputs, shared_inputs
from faults.snapshots import Snapshot, describe_difference, make_drafts_old, read_store, take_snapshot

_WRITING = os.O_WRONLY | os.O_RDWR
_CHANGES = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"})
_POLL_SECONDS = 0.001


@dataclass(frozen=True)
class Command:
    """A command that is killed.

    Attributes:
        arguments: made from the inputs.
        read_result: what must be equal, read from the working folder.
        is_parallel: whether other processes work for it, so that moments are in wall time.
        fills_caches: whether its home has caches before it starts.
    """

    arguments: Callable[[Inputs], list[object]]
    read_result: Callable[[Path], Snapshot]
    is_parallel: bool = False
    fills_caches: bool = False


def _result(folder: Path) -> Snapshot:
    """Return the files that a command wrote, and how often it evaluated on test."""
    ledger = sorted((home_folder(folder) / "state").rglob("*.jsonl"))
    openings = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in ledger)
    return {**take_snapshot(folder), "evaluations on test": str(openings)}


def _list_caches(folder: Path) -> Snapshot:
    """Return what the caches hold; who uses them is no part of it."""
    files = (path.relative_to(home_folder(folder)) for path in home_folder(folder).rglob("*") if path.is_file())
    return {str(path): "" for path in files if ".in-use" not in path.parts}


def _on_corpus(verb: Sequence[str], recipe: str, *options: object) -> Callable[[Inputs], list[object]]:
    return lambda inputs: [*verb, inputs.recipe(recipe), "--root", inputs.root, *options]


COMMANDS = {
    "predict": Command(lambda i: ["predict", i.model("text"), i.table, "--out", "predictions.csv"], _result),
    "prepare": Command(_on_corpus(["corpus", "prepare"], "audio", "--out", "store", "--workers", 1), read_store),
    "train-text": Command(_on_corpus(["train"], "text", "--out", "model"), _result),
    "train-audio": Command(_on_corpus(["train"], "audio", "--out", "model"), _result),
    "train-processes": Command(_on_corpus(["train"], "stacked", "--out", "model", "--workers", 2), _result, True),
    "study": Command(_on_corpus(["study"], "study", "--out", "run", "--accept-grade", "--workers", 1), _result),
    "tune": Command(_on_corpus(["tune"], "tune", "--out", "run"), _result),
    "timeline": Command(
        lambda i: ["timeline", i.model("audio"), i.recording, "--out", "timelines", "--format", "srt", "--resume",
                   "--voice-activity", "energy", "--workers", 1],
        _result,
    ),
    "export": Command(lambda i: ["export", i.model("text"), "--root", i.root, "--out", "exported"], _result),
    "prune": Command(lambda i: ["cache", "prune", "--max-gb", 0], _list_caches, fills_caches=True),
}  # fmt: skip


def kill_command(name: str, cases: int, seed: int, folder: Path) -> Iterator[Case]:
    """Kill a command ``cases`` times, each in new folders, and compare what it leaves when run again."""
    preload()
    command = COMMANDS[name]
    arguments, rng = command.arguments(shared_inputs()), random.Random(f"{name} {seed}")
    whole = folder / "whole"
    _prepare(command, whole)
    done, operations = _run_counted(arguments, whole)
    if done.code:
        yield Case("undisturbed", done.output[-300:])
        return
    expected = command.read_result(whole)
    for n in range(cases):
        work, before = folder / f"killed-{n}" / "work", time.monotonic()
        _prepare(command, work)
        if n % 2:
            operation = rng.randrange(1, operations + 1)
            point, killed = f"operation {operation} of {operations}", _kill_at(operation, arguments, work)
        else:
            share = rng.random()
            point, killed = f"{share:.0%} of the time", _kill_after(share, done, command, arguments, work)
        case = f"{name} #{n}, killed at {point}"
        make_drafts_old(work)
        again = run(arguments, work)
        problem = _describe(killed, again) or describe_difference(expected, command.read_result(work))
        yield Case(case, problem, time.monotonic() - before, max(killed.memory_mb, again.memory_mb))


def _prepare(command: Command, work: Path) -> None:
    if command.fills_caches:
        shared_inputs().fill_caches(home_folder(work))


def _describe(killed: Done, again: Done) -> str:
    if killed.code not in (-signal.SIGKILL, 0):  # 0: it was faster than the undisturbed run
        return f"ended with {killed.code}: {killed.output[-300:]}"
    return f"ended with {again.code} when run again: {again.output[-300:]}" if again.code else ""


def _kill_after(share: float, whole: Done, command: Command, arguments: list[object], work: Path) -> Done:
    running, start = Running(arguments, work), time.monotonic()
    limit = share * (whole.seconds if command.is_parallel else whole.cpu_seconds)
    clock = (lambda: time.monotonic() - start) if command.is_parallel else running.cpu_seconds
    while clock() < limit and not running.has_ended():
        time.sleep(_POLL_SECONDS)
    running.kill()
    return running.wait()


def _run_counted(arguments: list[object], work: Path) -> tuple[Done, int]:
    """Run a command; also return how many operations on files it made."""
    work.parent.mkdir(parents=True, exist_ok=True)
    with work.with_name(f"{work.name}.operations").open("w+b") as file:
        handle = file.fileno()
        done = run(arguments, work, before=partial(_watch_operations, lambda n: os.pwrite(handle, b"%9d" % n, 0)))
        return done, int(file.read())


def _kill_at(operation: int, arguments: list[object], work: Path) -> Done:
    def kill(n: int) -> None:
        if n == operation:
            os.kill(os.getpid(), signal.SIGKILL)

    return run(arguments, work, before=partial(_watch_operations, kill))


def _watch_operations(on_operation: Callable[[int], object]) -> None:
    """Call a function with 1, 2, 3 … before each operation that changes files, from now on."""
    numbers, pid = count(1), os.getpid()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if (is_write or event in _CHANGES) and os.getpid() == pid:
            on_operation(next(numbers))

    sys.addaudithook(watch)


def kill_server(cases: int, seed: int, folder: Path) -> Iterator[Case]:
    """Kill a server while it starts or answers; started again, it must answer as before."""
    preload()
    model, rng = shared_inputs().model("text"), random.Random(f"serve {seed}")
    port = free_port()
    arguments = ["serve", f"text={model}", "--port", port]
    first = Running(arguments, folder / "serve")
    expected, undisturbed = ask_until_answered(port, first), first.cpu_seconds()
    first.kill()
    first.wait()
    for n in range(cases):
        before, limit = time.monotonic(), 2 * undisturbed * rng.random()
        running = Running(arguments, folder / "serve")
        while running.cpu_seconds() < limit and not running.has_ended():
            ask(port)
        running.kill()
        killed = running.wait()
        again = Running(arguments, folder / "serve")
        actual = ask_until_answered(port, again)
        again.kill()
        done = again.wait()
        problem = "" if actual == expected != "" else f"answers {actual[:200]} instead of {expected[:200]}"
        case = f"serve #{n}, killed after {limit:.2f} s of CPU"
        memory = max(killed.memory_mb, done.memory_mb)
        yield Case(case, problem, time.monotonic() - before, memory)


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask_until_answered(port: int, running: Running) -> str:
    """Return the answer to a request, or the output of the server if it ends."""
    while not (answer := ask(port)):
        if running.has_ended():
            return running.output()
        time.sleep(0.02)
    return answer


def ask(port: int, text: str = "I am so happy that you came!") -> str:
    """Return the answer to a request; empty if there is none."""
    body = json.dumps({"inputs": [text]}).encode()
    request = Request(f"http://127.0.0.1:{port}/v1/emotions", body, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=20) as response:
            return str(response.read().decode())
    except (URLError, ConnectionError, TimeoutError):
        return ""


_CASES = {
    "predict": (20, 2), "prepare": (16, 2), "train-text": (20, 2), "train-audio": (16, 1),
    "train-processes": (3, 0), "study": (12, 0), "tune": (8, 0), "timeline": (16, 1), "export": (3, 0),
    "prune": (16, 1),
}  # fmt: skip
"""Command → number of kills, and how many of them the slow tests run."""
CHECKS = [
    *(
        Check(f"kills.{name}", f"{name}, killed and run again", *numbers, partial(kill_command, name))
        for name, numbers in _CASES.items()
    ),
    Check("kills.serve", "serve, killed and started again", 12, 1, kill_server),
]
