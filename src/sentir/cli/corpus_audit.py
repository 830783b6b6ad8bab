"""The command ``sentir corpus audit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from sentir.cli import output
from sentir.cli.options import CorpusArgument, JsonOption, RootOption, WorkersOption
from sentir.cli.plugins import AllowPluginsOption, PluginOption, load_corpus_plugins
from sentir.i18n import _
from sentir.progress import show_progress

if TYPE_CHECKING:
    from sentir.audit import AuditReport

_GRADE_COLORS = {"A": "green", "B": "green", "C": "yellow", "D": "red", "E": "red"}


def audit(
    name: CorpusArgument,
    root: RootOption = None,
    audio: Annotated[
        bool | None,
        typer.Option(help=_("Decode the clips, once (they are cached); default: if there are clips.")),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help=_("Write the audit to this HTML file, in English and Spanish."))
    ] = None,
    workers: WorkersOption = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_corpus_plugins(name, allow_plugins)
    from sentir import api

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
    from sentir.report.audit_page import audit_table
    from sentir.report.sentences import grade_sentence

    title = _("{corpus} (synthetic)", corpus=audit.corpus) if audit.synthetic else audit.corpus
    output.print_line(f"{title} · {audit.fingerprint}")
    output.console.print(Text(grade_sentence(audit.grade), style=f"bold {_GRADE_COLORS[audit.grade]}"))
    for finding in audit.reasons:
        if finding.grade == audit.grade:
            output.print_line("    " + finding.message)
    for finding in audit.findings:
        output.print_with_severity(finding.severity, finding.message)
        if finding.examples:
            output.print_line("    " + " · ".join(finding.examples))
    for table in audit.tables:
        if table.rows:
            output.print_table(audit_table(table), title=table.title)
