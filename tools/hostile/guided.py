"""Search for hostile inputs by the code that they reach: atheris chooses what is changed in valid inputs.

The cases are those of a check of `hostile`, but its random choices are read from bytes that libFuzzer keeps and
changes where they reach lines of Sentir that no case has reached. A failure ends the search, and its bytes are
written to a file ``crash-…``, which repeats it. Needs the dependency group ``fuzz``; what follows ``--`` is for
libFuzzer.

    PYTHONPATH=src:tools:tests/helpers python -m hostile.guided annotations -- -runs=20000 -rss_limit_mb=6000
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import atheris


def main() -> None:
    """Search with the cases of one check."""
    name, options = sys.argv[1], sys.argv[2:]
    options = options[1:] if options[:1] == ["--"] else options
    os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    sys.dont_write_bytecode = True  # of modules that are imported late
    with atheris.instrument_imports(include=["sentir"]):
        from hostile.guarding import Guard
        from hostile.mutation import ChosenRandom
        from hostile.running import MAX_SECONDS, run_case

        check = import_module(f"hostile.checks.{name}")
    home = Path(tempfile.mkdtemp(prefix="hostile-guided-"))  # it stays: libFuzzer ends the process
    for folder in ("prepared", "state", "cache", "tmp"):
        (home / folder).mkdir()
    os.environ |= {"SENTIR_STATE_DIR": str(home / "state"), "SENTIR_CACHE_DIR": str(home / "cache")}
    with atheris.instrument_imports(include=["sentir"]):
        attempt = check.prepare(home / "prepared")
    tempfile.tempdir = str(home / "tmp")
    alone = home / "alone"
    alone.mkdir()
    guard = Guard([home, alone / "case"], starts_processes=hasattr(check, "STARTS_PROCESSES"))

    def run(chosen: bytes) -> None:
        outcome, _seconds, _bytes = run_case(
            name, lambda _rng, folder: attempt(ChosenRandom(chosen), folder), 0, 0, alone / "case", guard
        )
        if outcome.startswith("failed: "):
            raise AssertionError(outcome)

    atheris.Setup([sys.argv[0], f"-timeout={MAX_SECONDS:.0f}", "-max_len=4096", *options], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
