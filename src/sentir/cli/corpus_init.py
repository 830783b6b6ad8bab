"""The command ``sentir corpus init``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from sentir.cli import output
from sentir.cli.options import JsonOption
from sentir.display_names import display_name
from sentir.documents import TableBlock
from sentir.i18n import _, format_count

if TYPE_CHECKING:
    from sentir.api import RecipeDraft


def init(
    table: Annotated[
        Path,
        typer.Argument(
            help=_(
                "CSV, TSV, XLSX, Parquet or JSON Lines file, a folder saved by 'datasets' or of a known corpus."
            )
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help=_("Recipe to write (.toml); default: named after the table."))
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=_("Replace an existing recipe."))] = False,
    json: JsonOption = False,
) -> None:
    from sentir import api

    draft = api.init_recipe(table, out=out, force=force)
    if json:
        output.print_json(draft.to_dict())
    else:
        _print_draft(draft)


def _print_draft(draft: RecipeDraft) -> None:
    inspection = draft.inspection
    title = _("{table}: {n} rows", table=inspection.path.name, n=format_count(inspection.num_rows))
    rows = [
        (one.name, one.role or "–", format_count(one.num_filled), format_count(one.num_unique),
         " ".join(one.example.split()), one.reason)
        for one in inspection.columns
    ]  # fmt: skip
    headings = (_("column"), _("role"), _("non-empty"), _("unique"), _("example"), _("reason"))
    styles = ["" if one.role else "dim" for one in inspection.columns]
    if rows:
        output.print_table(TableBlock(headings, rows, numeric=()), title=title, styles=styles)
    else:
        output.print_line(_("Recognized: {corpus}. {title}", corpus=inspection.reader, title=title))
    sizes = ", ".join(f"{display_name(split)} {format_count(n)}" for split, n in draft.splits.items())
    output.print_line(_("Task: {task}. Utterances: {sizes}.", task=display_name(inspection.task), sizes=sizes))
    for setting, question in inspection.questions.items():
        output.console.print(Text(f"{setting}? ", style="cyan") + output.as_text(question))
    if inspection.language:
        output.print_line(
            _("The texts are in {language}; the recipe suggests an encoder for it.", language=inspection.language)
        )
    for warning in inspection.warnings:
        output.print_with_severity("warning", warning)
    output.print_line(_("Written: {path}", path=draft.path))
    path = shlex.quote(str(draft.path))
    output.print_next_commands(f"sentir corpus audit {path}", f"sentir study {path}")
