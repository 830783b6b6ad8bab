"""The checks of `hostile`, a row each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from hostile import SHARES, find_missing_program
from hostile.running import iter_results

from faults.frame import Case, Check, UnavailableError

_CASES = 100_000
_SAMPLES = {"models": 10, "onnx": 5, "requests": 30, "streams": 5, "decoding": 10}  # each takes longer


def _run(name: str, cases: int, seed: int, _folder: Path) -> Iterator[Case]:
    if program := find_missing_program(name):
        raise UnavailableError(f"{program} is not installed")
    for number, outcome, seconds, num_bytes in iter_results(name, cases, seed):
        problem = outcome.removeprefix("failed: ") if outcome.startswith("failed: ") else ""
        yield Case(f"{name} #{number}, seed {seed}", problem, seconds, num_bytes / 1e6)


CHECKS = [
    Check(
        f"hostile.{name}", f"hostile {name}", _CASES * share // 100, _SAMPLES.get(name, 100), partial(_run, name)
    )
    for name, share in SHARES.items()
]
