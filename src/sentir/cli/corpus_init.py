"""The command ``sentir corpus new``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentir.cli.options import Json
from sentir.i18n import _, thousands
from sentir.preflight import require_files

if TYPE_CHECKING:
    from sentir.api import Draft


def add_new(corpus: typer.Typer) -> None:
    """Add the command to those about corpora."""
    corpus.command(
        "new",
        help=_("Look at a table of your own and write a starting recipe for it, with its doubts as comments."),
        epilog=_("Example: sentir corpus new talks.csv --out talks.toml"),
    )(new)


def new(
    table: Annotated[
        Path, typer.Argument(help=_("CSV, TSV, Parquet or JSON lines, or a folder that 'datasets' saved."))
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help=_("The recipe (.toml); by default named after the table."))
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=_("Replace a recipe that is there."))] = False,
    json: Json = False,
) -> None:
    require_files([table])
    from sentir import api
    from sentir.cli import output

    found = api.new_recipe(table, out=out, force=force)
    if json:
        output.print_json(found.to_dict())
    else:
        _print(found)


def _print(found: Draft) -> None:
    from rich.table import Table
    from rich.text import Text

    from sentir.cli import output
    from sentir.report.words import word

    seen = found.look
    title = _("{table}: {n} rows", table=seen.path.name, n=thousands(seen.rows))
    table = Table(title=output.text(title), title_justify="left")
    for heading in (_("column"), _("taken as"), _("filled"), _("different"), _("for example"), _("why")):
        table.add_column(heading, overflow="fold")
    for one in seen.columns:
        counts = (thousands(one.filled), thousands(one.different))
        cells = (one.column, one.role or "–", *counts, " ".join(one.example.split()), one.why)
        table.add_row(*map(output.text, cells), style="" if one.role else "dim")
    output.out.print(table)
    sizes = ", ".join(f"{word(split)} {thousands(n)}" for split, n in found.splits.items())
    output.say(_("Task: {task}. Utterances: {sizes}.", task=word(seen.task), sizes=sizes))
    for setting, question in seen.unsure.items():
        output.out.print(Text(f"{setting}? ", style="cyan") + output.text(question))
    if seen.language:
        output.say(
            _("The texts are in {language}; the recipe names an encoder that knows it.", language=seen.language)
        )
    for warning in seen.warnings:
        output.out.print(Text(f"{word('warning')}: ", style="yellow") + output.text(warning))
    output.say(_("Written: {path}", path=found.path))
    output.say(_("Try next:"))
    output.command(f"sentir corpus audit {shlex.quote(str(found.path))}")
    output.command(f"sentir study {shlex.quote(str(found.path))}")
