"""``sentir doctor``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from sentir.cli import output
from sentir.cli.options import JsonOption
from sentir.i18n import _


def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help=_("Do not ask whether hub and Kaggle answer."))
    ] = False,
    json: JsonOption = False,
) -> None:
    from sentir.doctor import examine

    findings = examine(offline=offline)
    if json:
        output.print_json([finding.to_row() for finding in findings])
    else:
        for finding in findings:
            output.print_line(f"{_MARKS[finding.status]} {finding.name}: {finding.found}")
            if finding.remedy:
                output.console.print(Text("    → ") + output.as_text(finding.remedy))
    if any(finding.status == "problem" for finding in findings):
        raise typer.Exit(1)


_MARKS = {"ok": "✓", "note": "·", "warning": "!", "problem": "✗"}
