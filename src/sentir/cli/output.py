"""Printing of results on the command line."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sentir.display_names import display_name, label_names
from sentir.documents import TableBlock
from sentir.i18n import _, format_decimal
from sentir.safe_text import json_dumps, make_printable

if TYPE_CHECKING:
    from sentir.corpus.predictions import Prediction, TaskPrediction


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


def print_json(value: object) -> None:
    """Print JSON; it is ASCII if the encoding of the terminal lacks a character."""
    text = json_dumps(value, default=list)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json_module.dumps(value, indent=1, default=list)
    print(text)


def print_table(table: TableBlock, *, title: str = "", styles: Iterable[str] = ()) -> None:
    """Print a table below its title; ``styles`` are those of its rows."""
    printed = Table(title=as_text(title) if title else None, title_justify="left")
    for n, heading in enumerate(table.headings):
        justify: Literal["left", "right"] = "right" if n in table.numeric_columns else "left"
        printed.add_column(as_text(heading), justify=justify, overflow="fold")
    for row, style in zip_longest(table.rows, styles, fillvalue=""):
        printed.add_row(*map(as_text, row), style=style)
    console.print(printed)


def print_with_severity(severity: str, message: str) -> None:
    """Print a message after its colored severity."""
    console.print(Text(f"{display_name(severity)}: ", style=SEVERITY_COLORS[severity]) + as_text(message))


def print_next_commands(*commands: str) -> None:
    """Print what to run next."""
    print_line(_("Try next:"))
    for command in commands:
        console.print(as_text(f"    {command}"), soft_wrap=True)  # on one line however long, to copy it


def print_predictions(rows: Sequence[Prediction]) -> None:
    """Print a table of predictions with their probabilities, then the inputs that could not be predicted."""
    if predicted := [row for row in rows if not row.problem]:
        _print_prediction_table(predicted)
    for row in rows:
        if row.problem:
            print_with_severity("problem", with_id(row.id, row.problem))
    if rows[0].synthetic:
        print_line(_("The model was trained on a synthetic corpus; its predictions on real speech mean nothing."))


def with_id(utterance_id: str, problem: str) -> str:
    """Return the problem of an utterance, with its id unless the problem contains it."""
    return problem if utterance_id in problem else f"{utterance_id}: {problem}"


def _print_prediction_table(rows: Sequence[Prediction]) -> None:
    speakers = any(row.speaker for row in rows)
    shares = any(row.probabilities for row in rows)
    headings = ((_("speaker"),) if speakers else ()) + (_("utterance"), _("prediction"))
    noted = any(row.notes for row in rows)
    others = rows[0].other_tasks
    ends = (*map(display_name, others), *((_("notes"),) if noted else ()))
    cells = []
    for row in rows:
        likely = sorted(row.probabilities.items(), key=lambda pair: -pair[1])[:3]
        names = _format_prediction(row)
        names = _("{labels} (not sure)", labels=names) if row.abstain else names
        best = " · ".join(f"{display_name(name)} {format_decimal(p, 2)}" for name, p in likely)
        speaker = [row.speaker or ""] if speakers else []
        auxiliary = [_format_prediction(row.other_tasks[task]) for task in others]
        notes = [" ".join(row.notes)] if noted else []
        cells.append([*speaker, row.text or row.id, names, *([best] if shares else []), *auxiliary, *notes])
    print_table(TableBlock((*headings, *((_("probabilities"),) if shares else ()), *ends), cells, numeric=()))


def _format_prediction(one: Prediction | TaskPrediction) -> str:
    numbers = " · ".join(f"{display_name(name)} {format_decimal(value, 2)}" for name, value in one.values.items())
    return numbers or label_names(one.labels)


def print_written(path: Path, problems: int, notes: int, names: Mapping[str, str]) -> None:
    """Print on standard error, as standard output may be JSON, what was written and which columns to look at.

    Args:
        path: the table of predictions.
        problems, notes: how many rows have any.
        names: predicted column → its name in the table.
    """
    _error_console.print(as_text(_("Written: {path}", path=path)))
    if problems:
        _error_console.print(
            as_text(_("{n} could not be predicted; see the column '{name}'.", n=problems, name=names["problem"]))
        )
    if notes:
        _error_console.print(as_text(_("{n} have notes; see the column '{name}'.", n=notes, name=names["notes"])))


def print_share(path: Path) -> None:
    """Print on standard error what was done of a file that several jobs write."""
    message = _(
        "This share is done. When all are, the same command with --resume instead of --shard writes {path}.",
        path=path,
    )
    _error_console.print(as_text(message))
