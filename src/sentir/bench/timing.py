"""How benchmarks measure: contenders run by turns, in CPU seconds on one core, compared round by round."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from threadpoolctl import threadpool_limits

HEADER = "| what | contenders | ratio | aim |\n|---|---|--:|--:|"
Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        what: is measured.
        seconds: contender → its median time.
        ratio: how many times as long the first contender takes as the second; ``None`` without a second one.
        aim: what is claimed or wanted.
        note: more about the contenders.
    """

    what: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    ratio: float | None = None
    aim: str = ""
    note: str = ""

    @property
    def contenders(self) -> str:
        """The contenders with their times, and the note."""
        times = ", ".join(f"{name} {format_seconds(seconds)}" for name, seconds in self.seconds.items())
        return " ".join(filter(None, (times, self.note)))

    def __str__(self) -> str:
        ratio = "" if self.ratio is None else f"{self.ratio:.{2 if self.ratio < 10 else 0}f}"
        return f"| {self.what} | {self.contenders} | {ratio} | {self.aim} |"


@dataclass(frozen=True)
class Times:
    """Seconds of each contender in each round."""

    rounds: Mapping[str, list[float]]

    def seconds(self, name: str) -> float:
        """Return the median time."""
        return median(self.rounds[name])

    def ratio(self, peer: str, ours: str) -> float:
        """Return how many times as long ``peer`` takes, the median over rounds."""
        pairs = zip(self.rounds[peer], self.rounds[ours], strict=True)
        return median(theirs / own for theirs, own in pairs)

    def row(self, what: str, peer: str, ours: str, aim: str = "") -> Row:
        """Return the line that compares two of them; a peer that did not run is left out of it."""
        if peer not in self.rounds:
            return Row(what, {ours: self.seconds(ours)})
        seconds = {name: self.seconds(name) for name in (peer, ours)}
        return Row(what, seconds, self.ratio(peer, ours), aim)


def format_seconds(seconds: float) -> str:
    """Return a time in milliseconds or seconds."""
    return f"{1e3 * seconds:.3g} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and its ended children, which depend little on other load."""
    used = os.times()  # of children, which count nothing on Windows, in hundredths of a second
    return time.process_time() + used.children_user + used.children_system


def measure(work: Work) -> float:
    """Return the CPU seconds that it takes."""
    start = cpu_seconds()
    work()
    return cpu_seconds() - start


def alternate(
    works: Mapping[str, Callable[[], Any]],
    rounds: int,
    *,
    warm_up: bool = True,
    timer: Callable[[Any], float] = measure,
) -> Times:
    """Run the contenders by turns.

    Args:
        works: name → what is timed.
        rounds: how often each is.
        warm_up: whether each runs once before, so that imports and caches do not count.
        timer: calls one and returns seconds.
    """
    for work in works.values() if warm_up else ():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _round in range(rounds):
        for name, work in works.items():
            times[name].append(timer(work))
    return Times(times)


def pin_to_one_core() -> None:
    """Keep this process and its children on one core, with one thread."""
    os.environ["OMP_NUM_THREADS"] = "1"
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    threadpool_limits(1)  # of libraries that are loaded already


def print_rows(rows: Iterable[Row]) -> None:
    """Print the table, each line as soon as it is measured."""
    print(HEADER, flush=True)
    for row in rows:
        print(row, flush=True)
