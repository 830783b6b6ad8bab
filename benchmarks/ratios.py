"""How benchmarks measure: contenders run by turns, in CPU seconds on one core, compared round by round."""

import os
import platform
import resource
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
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
        contenders: with their times.
        ratio: how many times as long the first takes as the second.
        aim: what is claimed or wanted.
    """

    what: str
    contenders: str
    ratio: float
    aim: str = ""

    def __str__(self) -> str:
        return f"| {self.what} | {self.contenders} | {self.ratio:.{2 if self.ratio < 10 else 0}f} | {self.aim} |"


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
        """Return the line that compares two of them."""
        contenders = ", ".join(f"{name} {format_seconds(self.seconds(name))}" for name in (peer, ours))
        return Row(what, contenders, self.ratio(peer, ours), aim)


def format_seconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and its ended children, which depend little on other load."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


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
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import torch

    torch.set_num_threads(1)
    threadpool_limits(1)  # of libraries that are loaded already


def print_rows(rows: Iterable[Row]) -> None:
    """Print the table, each line as soon as it is measured."""
    print(HEADER, flush=True)
    for row in rows:
        print(row, flush=True)


def describe_machine() -> str:
    """Return the processor, the number of cores and the versions that ratios depend on."""
    import torch

    name = platform.processor() or platform.machine()
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        name = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} cores; Python {platform.python_version()}, torch {torch.__version__}"
