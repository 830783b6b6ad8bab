"""The frame of `make faults`: cases are counted, and what ends a check is a failure of that check."""

from pathlib import Path

from faults.checks import select_checks
from faults.frame import Case, Check, Result, UnavailableError, group_of, run_checks, to_markdown
from hostile import SHARES, checks


def fail_every_third(cases, seed, folder):
    assert not list(folder.iterdir())
    for n in range(cases):
        yield Case(f"case {n}", "wrong" if n % 3 == seed else "", seconds=n, memory_mb=10.0)


def die(cases, seed, folder):
    import os

    yield Case("the first")
    os._exit(3)


def refuse(cases, seed, folder):
    raise UnavailableError("no disk")
    yield


def test_cases_are_counted_in_a_process_of_their_own():
    checks = [
        Check(name, name, 7, 7, run) for name, run in (("a.b", fail_every_third), ("a.c", die), ("a.d", refuse))
    ]
    counted, died, refused = run_checks(checks, lambda check: check.cases, seed=1)
    assert (counted.cases, counted.failures, counted.worst_seconds) == (7, 2, 6)
    assert counted.problems == ["case 1: wrong", "case 4: wrong"] and counted.worst_memory_mb > 10
    assert died.failures == 1 and "died" in died.problems[0]
    assert (refused.cases, refused.unavailable) == (0, "no disk")


def test_the_table_has_counts_and_problems():
    results = [
        Result("a", "A", 1000, 2, 3.25, 99.6, 7.0, problems=["x: y"]),
        Result("b", "B", unavailable="no disk"),
    ]
    table = to_markdown(results)
    assert "| A (`a`) | 1,000 | 2 | 3.2 | 100 | 7 |" in table and "| B (`b`) | not run: no disk |" in table
    assert "- `a` x: y" in table


def test_every_check_of_hostile_inputs_is_run():
    written = {path.stem for path in Path(checks.__path__[0]).glob("*.py") if "def prepare" in path.read_text()}
    assert written == set(SHARES) == {check.name.removeprefix("hostile.") for check in select_checks(["hostile"])}
    assert {group_of(check) for check in select_checks()} == {"kills", "faults", "soak", "hostile"}
    assert sum(check.cases for check in select_checks(["hostile"])) == 100_000
