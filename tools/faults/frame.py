"""What a check is, and how it is run: in a process of its own, its cases counted and measured."""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

MAX_LISTED_PROBLEMS = 50


@dataclass(frozen=True)
class Case:
    """The result of one case.

    Attributes:
        name: of the case, with all that is needed to find it again.
        problem: what is not as it should be; empty if nothing is.
        seconds: it took; by default, the time since the case before.
        memory_mb: largest resident memory of the processes that it started, if it started any.
    """

    name: str
    problem: str = ""
    seconds: float | None = None
    memory_mb: float = 0.0


class UnavailableError(Exception):
    """A check cannot be run on this system; the message says why."""


@dataclass(frozen=True)
class Check:
    """A check of many cases.

    Attributes:
        name: ``group.name`` or ``group``.
        title: one phrase for the table.
        cases: number of cases of the whole check.
        sample: number of cases in the slow tests.
        run: takes a number of cases, a seed and an empty folder, and yields cases, the same for the same seed.
    """

    name: str
    title: str
    cases: int
    sample: int
    run: Callable[[int, int, Path], Iterable[Case]]


@dataclass
class Result:
    """The counts of a check; ``unavailable`` says why it could not be run."""

    name: str
    title: str
    cases: int = 0
    failures: int = 0
    worst_seconds: float = 0.0
    worst_memory_mb: float = 0.0
    cpu_seconds: float = 0.0
    unavailable: str = ""
    problems: list[str] = field(default_factory=list)

    def add(self, case: Case, seconds: float) -> None:
        """Count a case."""
        self.cases += 1
        self.worst_seconds = max(self.worst_seconds, seconds if case.seconds is None else case.seconds)
        self.worst_memory_mb = max(self.worst_memory_mb, case.memory_mb)
        if case.problem:
            self.failures += 1
            if len(self.problems) < MAX_LISTED_PROBLEMS:
                self.problems.append(f"{case.name}: {case.problem}")


def group_of(check: Check) -> str:
    """Return the group of a check."""
    return check.name.partition(".")[0]


def run_checks(
    checks: Iterable[Check],
    count: Callable[[Check], int],
    seed: int = 0,
    *,
    share_process: Callable[[Check], str] = group_of,
) -> Iterator[Result]:
    """Run checks in processes of their own; if a process dies, that is a failure of the check.

    Args:
        checks: in the order in which they are run.
        count: returns the number of cases of a check.
        seed: of the cases.
        share_process: adjacent checks for which it returns the same share a process.
    """
    for _key, members in groupby(checks, share_process):
        pool = _start_pool()
        for check in members:
            try:
                yield pool.submit(_run, check, count(check), seed).result()
            except BrokenProcessPool:
                yield Result(check.name, check.title, 1, 1, problems=["the process of the check died"])
                pool = _start_pool()
        pool.shutdown()


def _start_pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _run(check: Check, cases: int, seed: int) -> Result:
    result = Result(check.name, check.title)
    before = _cpu_seconds()
    with tempfile.TemporaryDirectory(prefix=f"{check.name}-") as folder:
        try:
            for case, seconds in _timed(check.run(cases, seed, Path(folder))):
                result.add(case, seconds)
        except UnavailableError as error:
            result.unavailable = str(error)
    result.cpu_seconds = _cpu_seconds() - before
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result.worst_memory_mb = max(result.worst_memory_mb, own)
    return result


def _timed(cases: Iterable[Case]) -> Iterator[tuple[Case, float]]:
    start = time.monotonic()
    for case in cases:
        yield case, time.monotonic() - start
        start = time.monotonic()


def _cpu_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def to_markdown(results: Iterable[Result]) -> str:
    """Return the table of counts, and below it the problems."""
    lines = [
        "| check | cases | failures | worst seconds | worst memory (MB) | CPU seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    problems = []
    for r in results:
        worst = f"{r.worst_seconds:.1f} | {r.worst_memory_mb:,.0f} | {r.cpu_seconds:.0f}"
        counts = f"not run: {r.unavailable}" if r.unavailable else f"{r.cases:,} | {r.failures:,} | {worst}"
        lines.append(f"| {r.title} (`{r.name}`) | {counts} |")
        problems += [f"- `{r.name}` {problem}" for problem in r.problems]
    return "\n".join([*lines, *(["", *problems] if problems else [])]) + "\n"


def save_results(results: list[Result], folder: Path) -> None:
    """Write the table, ``faults.md``, and the counts with the problems, ``faults.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faults.md").write_text(to_markdown(results), encoding="utf-8")
    text = json.dumps([asdict(result) for result in results], indent=1, ensure_ascii=False)
    (folder / "faults.json").write_text(text + "\n", encoding="utf-8")
