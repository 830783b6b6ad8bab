"""Runs the checks and writes ``faults.md`` and ``faults.json``; the exit code is 1 if a case failed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from faults.checks import select_checks
from faults.frame import Result, run_checks, save_results, to_markdown


def main() -> None:
    """Run the checks that are named, or all."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CHECK", help="names or groups, such as kills; default: all")
    parser.add_argument("--out", type=Path, default=Path("runs/faults"), help="folder of the results")
    parser.add_argument("--share", type=float, default=1.0, help="share of the cases to run")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    results: list[Result] = []
    checks = select_checks(given.names)
    for result in run_checks(checks, lambda check: max(1, round(check.cases * given.share)), given.seed):
        results.append(result)
        print(to_markdown(results[-1:]).split("\n", 2)[2].rstrip(), flush=True)
        save_results(results, given.out)  # after each, so that an interrupted run leaves its counts
    sys.exit(any(result.failures for result in results))


if __name__ == "__main__":
    main()
