"""``sentir bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentir.cli import output
from sentir.cli.options import JsonOption
from sentir.i18n import _

if TYPE_CHECKING:
    from sentir.bench import Results


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help=_("Some of the benchmarks; default: all."))
    ] = None,
    out: Annotated[Path | None, typer.Option(help=_("File to write the results to, as JSON."))] = None,
    compare: Annotated[
        Path | None, typer.Option(help=_("Results of another machine or version (--out) to compare with."))
    ] = None,
    json: JsonOption = False,
) -> None:
    from sentir import bench as benchmarks
    from sentir.io import prepare_output_path

    other = benchmarks.Results.load(compare) if compare else None
    if out:
        prepare_output_path(out)
    results = benchmarks.run(names or (), show=lambda row: typer.echo(f"{row.what}: {row.contenders}", err=True))
    if out:
        results.save(out)
    if json:
        output.print_json(results.to_dict())
    else:
        _print(results)
        if other:
            if (facts := benchmarks.compare_facts(results, other)).rows:
                output.print_table(facts)
            output.print_table(benchmarks.compare(results, other))
    if results.failed:
        raise typer.Exit(1)


def _print(results: Results) -> None:
    for name, fact in {**results.machine, **results.versions}.items():
        output.print_line(f"{name}: {fact}")
    output.print_table(results.to_table())
    for name, extras in results.skipped.items():
        command = f"pip install 'sentir[{','.join(extras)}]'"
        output.print_line(_("{name} was skipped: it needs {command}", name=name, command=command))
    for name in results.failed:
        output.print_with_severity("problem", _("{name} failed; its error is above.", name=name))
