"""The command ``sentir corpus audit``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentir.cli.options import CorpusArgument, JsonOption, RootOption, require_corpus_or_reader
from sentir.cli.plugins import AllowPluginsOption, PluginOption
from sentir.i18n import _

if TYPE_CHECKING:
    from sentir.audit import AuditReport

_GRADE_COLORS = {"A": "green", "B": "green", "C": "yellow", "D": "red", "E": "red"}


def add_audit(corpus: typer.Typer) -> None:
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "audit",
        help=_(
            "Audit and grade a corpus. Checks counts, defects, duplicates, leakage and audio. Exit code 1 if "
            "there are problems."
        ),
        epilog=_("Example: sentir corpus audit meld --root DATA/meld --html audit.html"),
    )(audit)


def audit(
    name: CorpusArgument,
    root: RootOption = None,
    audio: Annotated[
        bool | None,
        typer.Option(
            "--audio/--no-audio",
            help=_("Decode the clips, once (they are cached); default: if there are clips."),
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help=_("Write the audit to this HTML file, in English and Spanish."))
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help=_("Worker processes; default: one per core."))
    ] = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    require_corpus_or_reader(name, root, allow_plugins)
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    with show_progress():
        report = api.audit_corpus(name, root=root, audio=audio, html=html, workers=workers)
    if json:
        output.print_json(report.to_dict())
    else:
        print_audit(report)
        if html:
            output.print_line(_("Written: {path}", path=html))
    raise typer.Exit(1 if report.problem_count else 0)


def print_audit(audit: AuditReport) -> None:
    """Print the grade of an audit and the reasons for it, then its findings, problems first, then its tables."""
    from rich.text import Text

    from sentir.audit import describe_grade
    from sentir.cli import output
    from sentir.display_names import display_name

    title = _("{corpus} (synthetic)", corpus=audit.corpus) if audit.synthetic else audit.corpus
    output.print_line(f"{title} · {audit.fingerprint}")
    grade = _("Grade {grade}: {meaning}", grade=audit.grade, meaning=describe_grade(audit.grade))
    output.console.print(Text(grade, style=f"bold {_GRADE_COLORS[audit.grade]}"))
    for finding in audit.reasons:
        if finding.grade == audit.grade:
            output.print_line("    " + finding.message)
    for finding in audit.findings:
        severity = Text(f"{display_name(finding.severity)}: ", style=output.SEVERITY_COLORS[finding.severity])
        output.console.print(severity + output.as_text(finding.message))
        if finding.examples:
            output.print_line("    " + " · ".join(finding.examples))
    for content in audit.tables:
        if content.rows:
            _print_table(content.title, content.columns, content.rows)


def _print_table(title: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table

    from sentir.cli.output import as_text, console
    from sentir.report.audit_page import format_cell

    table = Table(title=as_text(title), title_justify="left")
    numeric = {key for key in columns if all(isinstance(row.get(key), int | float | None) for row in rows)}
    for key, heading in columns.items():
        table.add_column(heading, justify="right" if key in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(as_text(format_cell(key, row.get(key))) for key in columns))
    console.print(table)
