"""The command ``sentir corpus init``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentir.cli.options import JsonOption
from sentir.i18n import _, format_count
from sentir.preflight import require_files

if TYPE_CHECKING:
    from sentir.api import RecipeDraft


def add_init(corpus: typer.Typer) -> None:
    """Add the command to those about corpora."""
    corpus.command(
        "init",
        help=_("Look at a table of your own and write a starting recipe for it, with its doubts as comments."),
        epilog=_("Example: sentir corpus init talks.csv --out talks.toml"),
    )(init)


def init(
    table: Annotated[
        Path, typer.Argument(help=_("CSV, TSV, Parquet or JSON lines, or a folder that 'datasets' saved."))
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help=_("The recipe (.toml); by default named after the table."))
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=_("Replace a recipe that is there."))] = False,
    json: JsonOption = False,
) -> None:
    require_files([table])
    from sentir import api
    from sentir.cli import output

    found = api.init_recipe(table, out=out, force=force)
    if json:
        output.print_json(found.to_dict())
    else:
        _print_draft(found)


def _print_draft(found: RecipeDraft) -> None:
    from rich.table import Table
    from rich.text import Text

    from sentir.cli import output
    from sentir.display_names import display_name

    seen = found.inspection
    title = _("{table}: {n} rows", table=seen.path.name, n=format_count(seen.num_rows))
    table = Table(title=output.as_text(title), title_justify="left")
    for heading in (_("column"), _("taken as"), _("filled"), _("different"), _("for example"), _("why")):
        table.add_column(heading, overflow="fold")
    for one in seen.columns:
        counts = (format_count(one.num_filled), format_count(one.num_unique))
        cells = (one.name, one.role or "–", *counts, " ".join(one.example.split()), one.reason)
        table.add_row(*map(output.as_text, cells), style="" if one.role else "dim")
    output.console.print(table)
    sizes = ", ".join(f"{display_name(split)} {format_count(n)}" for split, n in found.splits.items())
    output.print_line(_("Task: {task}. Utterances: {sizes}.", task=display_name(seen.task), sizes=sizes))
    for setting, question in seen.questions.items():
        output.console.print(Text(f"{setting}? ", style="cyan") + output.as_text(question))
    if seen.language:
        output.print_line(
            _("The texts are in {language}; the recipe names an encoder that knows it.", language=seen.language)
        )
    for warning in seen.warnings:
        output.console.print(Text(f"{display_name('warning')}: ", style="yellow") + output.as_text(warning))
    output.print_line(_("Written: {path}", path=found.path))
    output.print_line(_("Try next:"))
    output.print_command(f"sentir corpus audit {shlex.quote(str(found.path))}")
    output.print_command(f"sentir study {shlex.quote(str(found.path))}")
