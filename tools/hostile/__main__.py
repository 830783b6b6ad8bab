"""Send many hostile inputs to everything that reads files or requests, and count what fails.

Each case is a valid input with seeded changes, run in a worker process. It must be accepted, or refused with one
sentence (a `SentirError`, or a response below 500): any other exception, a crash, more than 20 s or 1 GB, a file
written outside its folder, a process, a connection or a pickle is a failure. The exit code is 1 if there is one.

    PYTHONPATH=src:tools:tests/helpers python -m hostile --cases 1000
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from hostile import SHARES, find_missing_program
from hostile.guarding import Guard, scratch_folder
from hostile.running import Counts, run_case, run_check


def main() -> None:
    """Run the checks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--cases", type=int, default=100_000, help="of all checks together (default: %(default)s)"
    )
    parser.add_argument("--check", nargs="+", choices=SHARES, default=list(SHARES), help="only these")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="run this case of a check again, in this process")
    parser.add_argument("--json", type=Path, help="write the counts to this file")
    given = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}  # before a check imports what reads them
    results = {}
    for name in given.check:
        if given.only is not None:
            print(repeat(name, given.only, given.seed))
            continue
        if program := find_missing_program(name):
            print(f"{name}: not run, {program} is not installed", file=sys.stderr)
            continue
        start = time.time()
        results[name] = counts = run_check(name, given.cases * SHARES[name] // 100, given.seed)
        print(f"{name}: {dict(counts.outcomes)} in {time.time() - start:.0f} s", file=sys.stderr, flush=True)
        for kind, numbers in sorted(counts.failures.items(), key=lambda item: -len(item[1])):
            print(f"  {len(numbers)} × {kind} (such as {numbers[:3]})", file=sys.stderr, flush=True)
    if results:
        print(to_table(results))
    if given.json:
        given.json.write_text(json.dumps({name: vars(one) for name, one in results.items()}, indent=1) + "\n")
    sys.exit(any(counts.num_failures for counts in results.values()))


def repeat(name: str, number: int, seed: int) -> str:
    """Run one case of a check in this process, with its traceback, and return its outcome."""
    with tempfile.TemporaryDirectory(dir=scratch_folder()) as home:
        os.environ |= {"SENTIR_STATE_DIR": f"{home}/state", "SENTIR_CACHE_DIR": f"{home}/cache"}
        module = import_module(f"hostile.checks.{name}")
        for folder_name in ("prepared", "alone"):
            (Path(home) / folder_name).mkdir()
        attempt = module.prepare(Path(home) / "prepared")

        def observe(rng, folder):
            try:
                return attempt(rng, folder)
            except Exception:
                import traceback

                traceback.print_exc()
                raise

        return str(
            run_case(
                name,
                observe,
                number,
                seed,
                Path(home) / "alone" / "case",
                Guard([Path(home)], starts_processes=hasattr(module, "STARTS_PROCESSES")),
            )
        )


def to_table(results: dict[str, Counts]) -> str:
    """Return the counts as a Markdown table."""
    lines = [
        "| check | cases | accepted | refused | failed | longest (s) | memory (MB) |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in results.items():
        refused = one.outcomes["refused"] + one.outcomes["both refuse"]
        cells = (one.num_cases, one.num_cases - refused - one.num_failures, refused, one.num_failures)
        numbers = " | ".join(f"{n:,}" for n in cells)
        lines.append(f"| {name} | {numbers} | {one.worst_seconds:.2f} | {one.worst_bytes / 1e6:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
