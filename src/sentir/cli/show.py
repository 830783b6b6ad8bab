"""How the command line prints what the verbs return."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sentir.api import Prediction
from sentir.characters import json_text, printable
from sentir.corpus.predictions import Beside
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.report.words import word


class _Terminal(Console):
    """A console that takes texts as they are; what is no text, such as ESC, never reaches it."""

    def render_str(self, text: str, **settings: Any) -> Text:
        """Make a text of a string."""
        return super().render_str(printable(text), **settings)


out = _Terminal(highlight=False, markup=False, emoji=False)
_errors = _Terminal(highlight=False, markup=False, emoji=False, stderr=True)
COLORS = {"problem": "red", "warning": "yellow", "note": "dim"}


def say(message: str) -> None:
    """Print one line."""
    out.print(text(message))


def text(given: str) -> Text:
    """Take a text as it is, for a part of a line or a cell."""
    return Text(printable(given))


def command(line: str) -> None:
    """Print a command to copy, in one line however long it is."""
    out.print(text(f"    {line}"), soft_wrap=True)


def print_json(value: object) -> None:
    """Print JSON and nothing else."""
    print(json_text(value, default=list))


def plain(value: Any) -> dict[str, Any]:
    """Return a dataclass as a dictionary."""
    return asdict(value)


def print_predictions(rows: Sequence[Prediction]) -> None:
    """Print each utterance with what was recognized and how probable it is, then those that could not be."""
    recognized = [row for row in rows if not row.problem]
    if recognized:
        out.print(_table_of(recognized))
    for row in rows:
        if row.problem:
            out.print(
                Text(f"{word('problem')}: ", style=COLORS["problem"]) + text(explained(row.id, row.problem))
            )
    if rows[0].synthetic:
        say(_("The model was trained on a synthetic corpus; it says nothing about real speech."))


def explained(key: str, problem: str) -> str:
    """Return what is wrong with an utterance, with its id if that does not name it already."""
    return problem if key in problem else f"{key}: {problem}"


def _table_of(rows: Sequence[Prediction]) -> Table:
    table = Table()
    speakers = any(row.speaker for row in rows)
    shares = any(row.probabilities for row in rows)
    headings = ((_("speaker"),) if speakers else ()) + (_("utterance"), _("recognized"))
    others = rows[0].also
    for heading in (*headings, *((_("probabilities"),) if shares else ()), *map(word, others)):
        table.add_column(heading, overflow="fold")
    for row in rows:
        likely = sorted(row.probabilities.items(), key=lambda pair: -pair[1])[:3]
        names = _recognized(row)
        names = _("{labels} (not sure)", labels=names) if row.not_sure else names
        best = " · ".join(f"{word(name)} {p:.2f}" for name, p in likely)
        cells = [row.speaker or ""] if speakers else []
        beside = [_recognized(row.also[task]) for task in others]
        table.add_row(*map(text, [*cells, row.text or row.id, names, *([best] if shares else []), *beside]))
    return table


def _recognized(one: Prediction | Beside) -> str:
    numbers = " · ".join(f"{word(name)} {value:.2f}" for name, value in one.values.items())
    return numbers or ", ".join(word(name) for name in one.labels) or _("none of them")


def write_predictions(rows: Sequence[Prediction], path: Path) -> None:
    """Write a CSV table: id, speaker, text, labels joined by ``|``, a probability per label, the problem if any.

    Where a number is recognized it stands in a column of its name, and there are no labels. Where it was asked
    whether the model is not sure, there is a column ``not_sure``, true or false. What is recognized beside has a
    column ``task`` with labels, and ``task.label`` or ``task.name`` with numbers.

    That it was written is said on standard error, for standard output may be JSON.

    Raises:
        SentirError: if the file is no ``.csv``.
    """
    if path.suffix.lower() != ".csv":
        raise SentirError(_("Predictions are written as .csv; {path} is none.", path=path))
    found = [_cells(row) for row in rows]
    recognized = next((cells for row, cells in zip(rows, found, strict=True) if not row.problem), found[0])
    with path.open("w", encoding="utf-8", newline="") as file:
        columns = [*recognized, "problem"]
        writer = csv.DictWriter(file, columns, restval="")
        writer.writerow({column: printable(column) for column in columns})
        for row, cells in zip(rows, found, strict=True):
            written = cells | {"problem": row.problem}
            writer.writerow({key: printable(cell) for key, cell in written.items()})
    _errors.print(text(_("Written: {path}", path=path)))
    if failed := sum(bool(row.problem) for row in rows):
        _errors.print(text(_("{n} could not be recognized; the column 'problem' says why.", n=failed)))


def _cells(row: Prediction) -> dict[str, str]:
    """Return the cells of a row of a table, but for its problem; of one that has one, those that are known."""
    cells = {"id": row.id, "speaker": row.speaker or "", "text": row.text or "", "labels": "|".join(row.labels)}
    cells |= _numbers(row)
    for task, beside in row.also.items():
        cells |= {task: "|".join(beside.labels)} | _numbers(beside, f"{task}.")
    return cells if row.not_sure is None else cells | {"not_sure": str(row.not_sure).lower()}


def _numbers(one: Prediction | Beside, prefix: str = "") -> dict[str, str]:
    return {f"{prefix}{name}": f"{number:.6f}" for name, number in (one.probabilities | one.values).items()}
