"""The command ``sentir corpus audit``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentir.cli.options import CorpusName, Json, Root, check_corpus
from sentir.i18n import _

if TYPE_CHECKING:
    from sentir.audit import Audit

_GRADES = {"A": "green", "B": "green", "C": "yellow", "D": "red", "E": "red"}


def add_audit(corpus: typer.Typer) -> None:
    """Add the command to ``sentir corpus``."""
    corpus.command(
        "audit",
        help=_(
            "Grade a corpus: counts, defects, duplicates, leaks, clips; exit code 1 if something was lost or the "
            "grade is D or E."
        ),
        epilog=_("Example: sentir corpus audit meld --root DATA/meld --page audit.html"),
    )(audit)


def audit(
    name: CorpusName,
    root: Root = None,
    sound: Annotated[
        bool | None,
        typer.Option(
            "--sound/--no-sound",
            help=_("Listen to the clips, each once for all times; default: if there are clips."),
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", help=_("Write a page with figures here (.html), in two languages."))
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help=_("Processes that decode; default: one for each core."))
    ] = None,
    json: Json = False,
) -> None:
    check_corpus(name, root)
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    with show_progress():
        found = api.audit_corpus(name, root=root, sound=sound, page=page, workers=workers)
    if json:
        output.print_json(found.to_dict())
    else:
        print_audit(found)
        if page:
            output.say(_("Written: {path}", path=page))
    raise typer.Exit(1 if found.problems else 0)


def print_audit(audit: Audit) -> None:
    """Print the grade of an audit and what gives it, then its findings, problems first, then its tables."""
    from rich.text import Text

    from sentir.audit import grade_meaning
    from sentir.cli import output
    from sentir.report.words import word

    title = _("{corpus} (synthetic)", corpus=audit.corpus) if audit.synthetic else audit.corpus
    output.say(f"{title} · {audit.fingerprint}")
    grade = _("Grade {grade}: {meaning}", grade=audit.grade, meaning=grade_meaning(audit.grade))
    output.out.print(Text(grade, style=f"bold {_GRADES[audit.grade]}"))
    for finding in audit.reasons:
        if finding.grade == audit.grade:
            output.say("    " + finding.message)
    for finding in audit.findings:
        severity = Text(f"{word(finding.severity)}: ", style=output.COLORS[finding.severity])
        output.out.print(severity + output.text(finding.message))
        if finding.examples:
            output.say("    " + " · ".join(finding.examples))
    for content in audit.tables:
        if content.rows:
            _print_table(content.title, content.columns, content.rows)


def _print_table(title: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table

    from sentir.cli.output import out, text
    from sentir.report.audit_page import cell_text

    table = Table(title=text(title), title_justify="left")
    numeric = {key for key in columns if all(isinstance(row.get(key), int | float | None) for row in rows)}
    for key, heading in columns.items():
        table.add_column(heading, justify="right" if key in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(text(cell_text(key, row.get(key))) for key in columns))
    out.print(table)
