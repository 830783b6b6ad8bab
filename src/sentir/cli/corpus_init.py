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
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "init",
        help=_("Write a recipe for your own table. Open questions are comments in it."),
        epilog=_("Example: sentir corpus init talks.csv --out talks.toml"),
    )(init)


def init(
    table: Annotated[
        Path,
        typer.Argument(help=_("CSV, TSV, XLSX, Parquet or JSON Lines file, or a folder saved by 'datasets'.")),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help=_("Recipe to write (.toml); default: named after the table."))
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=_("Replace an existing recipe."))] = False,
    json: JsonOption = False,
) -> None:
    require_files([table])
    from sentir import api
    from sentir.cli import output

    draft = api.init_recipe(table, out=out, force=force)
    if json:
        output.print_json(draft.to_dict())
    else:
        _print_draft(draft)


def _print_draft(draft: RecipeDraft) -> None:
    from rich.table import Table
    from rich.text import Text

    from sentir.cli import output
    from sentir.display_names import display_name

    inspection = draft.inspection
    title = _("{table}: {n} rows", table=inspection.path.name, n=format_count(inspection.num_rows))
    table = Table(title=output.as_text(title), title_justify="left")
    for heading in (_("column"), _("role"), _("non-empty"), _("unique"), _("example"), _("reason")):
        table.add_column(heading, overflow="fold")
    for one in inspection.columns:
        counts = (format_count(one.num_filled), format_count(one.num_unique))
        cells = (one.name, one.role or "–", *counts, " ".join(one.example.split()), one.reason)
        table.add_row(*map(output.as_text, cells), style="" if one.role else "dim")
    output.console.print(table)
    sizes = ", ".join(f"{display_name(split)} {format_count(n)}" for split, n in draft.splits.items())
    output.print_line(_("Task: {task}. Utterances: {sizes}.", task=display_name(inspection.task), sizes=sizes))
    for setting, question in inspection.questions.items():
        output.console.print(Text(f"{setting}? ", style="cyan") + output.as_text(question))
    if inspection.language:
        output.print_line(
            _("The texts are in {language}; the recipe suggests an encoder for it.", language=inspection.language)
        )
    for warning in inspection.warnings:
        output.console.print(Text(f"{display_name('warning')}: ", style="yellow") + output.as_text(warning))
    output.print_line(_("Written: {path}", path=draft.path))
    output.print_line(_("Try next:"))
    output.print_command(f"sentir corpus audit {shlex.quote(str(draft.path))}")
    output.print_command(f"sentir study {shlex.quote(str(draft.path))}")
