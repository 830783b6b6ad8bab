"""Runs the benchmarks, each in a process of its own on one core, and collects their lines."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module

from sentir.bench.machine import describe_machine, package_versions
from sentir.bench.results import Results
from sentir.bench.timing import Row, pin_to_one_core
from sentir.errors import UnknownNameError
from sentir.i18n import _
from sentir.optional_dependencies import EXTRAS, is_installed

BENCHMARKS: Mapping[str, tuple[str, ...]] = {
    "starter": (),
    "mel_speed": (),
    "predict_text": ("train",),
    "predict_audio": ("train", "export"),
    "cold_start": ("train", "export"),
    "training_speed": ("train",),
    "interval_speed": ("train",),
}
"""Benchmark, a module beside this one whose ``rows`` yields its lines → the extras of Sentir that it needs."""
_CHILD = "import sys; from sentir.bench.runner import emit_rows; emit_rows(sys.argv[1])"


def run(names: Sequence[str] = (), *, show: Callable[[Row], None] = lambda _row: None) -> Results:
    """Run benchmarks one after the other.

    Args:
        names: of some of `BENCHMARKS`; by default all.
        show: called with each line as soon as it is measured.

    Raises:
        UnknownNameError: if there is no benchmark of a name.
    """
    for name in names:
        if name not in BENCHMARKS:
            raise UnknownNameError(
                _("There is no {kind} called '{name}'; {hint}Known: {known}.",
                  kind=_("benchmark"), name=name, hint="", known=", ".join(BENCHMARKS))
            )  # fmt: skip
    rows: dict[str, list[Row]] = {}
    skipped, failed = {}, []
    for name in names or BENCHMARKS:
        if missing := _missing_extras(BENCHMARKS[name]):
            skipped[name] = missing
            continue
        rows[name], succeeded = _run_in_child(name, show)
        failed += [] if succeeded else [name]
    return Results(describe_machine(), package_versions(), rows, skipped, tuple(failed))


def emit_rows(name: str) -> None:
    """Run one benchmark in this process, and print its lines as JSON Lines."""
    module = import_module(f"sentir.bench.{name}")
    pin_to_one_core()
    for row in module.rows():
        print(json.dumps(asdict(row)), flush=True)


def _missing_extras(extras: Sequence[str]) -> tuple[str, ...]:
    return tuple(extra for extra in extras if not all(map(is_installed, EXTRAS[extra])))


def _run_in_child(name: str, show: Callable[[Row], None]) -> tuple[list[Row], bool]:
    rows = []
    with subprocess.Popen([sys.executable, "-c", _CHILD, name], stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            if line.startswith('{"what": '):  # other libraries print, too
                rows.append(Row(**json.loads(line)))
                show(rows[-1])
    return rows, child.returncode == 0
