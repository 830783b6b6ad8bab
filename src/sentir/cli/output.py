"""Printing of results on the command line."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sentir.api import Prediction
from sentir.corpus.predictions import TaskPrediction
from sentir.display_names import display_name
from sentir.i18n import _, format_decimal
from sentir.safe_text import json_dumps, make_printable


class _PlainConsole(Console):
    """A console without markup; control characters such as ESC are replaced."""

    def render_str(self, text: str, **settings: Any) -> Text:
        """Return a string as a text without markup."""
        return super().render_str(make_printable(text), **settings)


console = _PlainConsole(highlight=False, markup=False, emoji=False)
_error_console = _PlainConsole(highlight=False, markup=False, emoji=False, stderr=True)
SEVERITY_COLORS = {"problem": "red", "warning": "yellow", "note": "dim"}


def print_line(message: str) -> None:
    """Print one line."""
    console.print(as_text(message))


def as_text(value: str) -> Text:
    """Return a string as a text without markup, for a part of a line or a cell."""
    return Text(make_printable(value))


def print_command(line: str) -> None:
    """Print a command to copy, on one line however long it is."""
    console.print(as_text(f"    {line}"), soft_wrap=True)


def print_json(value: object) -> None:
    """Print JSON; it is ASCII if the encoding of the terminal lacks a character."""
    text = json_dumps(value, default=list)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json_module.dumps(value, indent=1, default=list)
    print(text)


def dataclass_to_dict(value: Any) -> dict[str, Any]:
    """Return a dataclass as a dictionary."""
    return asdict(value)


def print_predictions(rows: Sequence[Prediction]) -> None:
    """Print a table of predictions with their probabilities, then the inputs that could not be predicted."""
    if predicted := [row for row in rows if not row.problem]:
        console.print(_prediction_table(predicted))
    for row in rows:
        if row.problem:
            console.print(
                Text(f"{display_name('problem')}: ", style=SEVERITY_COLORS["problem"])
                + as_text(with_id(row.id, row.problem))
            )
    if rows[0].synthetic:
        print_line(_("The model was trained on a synthetic corpus; its predictions on real speech mean nothing."))


def with_id(utterance_id: str, problem: str) -> str:
    """Return the problem of an utterance, with its id unless the problem contains it."""
    return problem if utterance_id in problem else f"{utterance_id}: {problem}"


def _prediction_table(rows: Sequence[Prediction]) -> Table:
    table = Table()
    speakers = any(row.speaker for row in rows)
    shares = any(row.probabilities for row in rows)
    headings = ((_("speaker"),) if speakers else ()) + (_("utterance"), _("prediction"))
    noted = any(row.notes for row in rows)
    others = rows[0].other_tasks
    ends = (*map(display_name, others), *((_("notes"),) if noted else ()))
    for heading in (*headings, *((_("probabilities"),) if shares else ()), *ends):
        table.add_column(heading, overflow="fold")
    for row in rows:
        likely = sorted(row.probabilities.items(), key=lambda pair: -pair[1])[:3]
        names = _format_prediction(row)
        names = _("{labels} (low confidence)", labels=names) if row.abstain else names
        best = " · ".join(f"{display_name(name)} {format_decimal(p, 2)}" for name, p in likely)
        cells = [row.speaker or ""] if speakers else []
        auxiliary = [_format_prediction(row.other_tasks[task]) for task in others]
        notes = [" ".join(row.notes)] if noted else []
        table.add_row(
            *map(as_text, [*cells, row.text or row.id, names, *([best] if shares else []), *auxiliary, *notes])
        )
    return table


def _format_prediction(one: Prediction | TaskPrediction) -> str:
    numbers = " · ".join(f"{display_name(name)} {format_decimal(value, 2)}" for name, value in one.values.items())
    return numbers or ", ".join(display_name(name) for name in one.labels) or _("none of them")


def print_written(rows: Sequence[Prediction], path: Path, names: Mapping[str, str]) -> None:
    """Print on standard error, as standard output may be JSON, what was written and which columns to look at."""
    _error_console.print(as_text(_("Written: {path}", path=path)))
    if n := sum(bool(row.problem) for row in rows):
        _error_console.print(
            as_text(_("{n} could not be predicted; see the column '{name}'.", n=n, name=names["problem"]))
        )
    if n := sum(bool(row.notes) for row in rows):
        _error_console.print(as_text(_("{n} have notes; see the column '{name}'.", n=n, name=names["notes"])))
