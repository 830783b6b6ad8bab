"""How the command line prints what the verbs return."""

from __future__ import annotations

import csv
import json as json_module
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sentir.api import Prediction
from sentir.audit import Audit
from sentir.errors import SentirError
from sentir.evaluation.results import ModelScores, Score
from sentir.i18n import _
from sentir.report.content import StudyReport
from sentir.report.tables import openings_by_split
from sentir.report.words import word

_console = Console(highlight=False, soft_wrap=False)
_errors = Console(highlight=False, soft_wrap=False, stderr=True)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # such as ESC, which begins commands to a terminal
_COLORS = {"problem": "red", "warning": "yellow", "note": "dim"}


def say(message: str) -> None:
    """Print one line."""
    _console.print(_text(message))


def _text(given: str) -> Text:
    """Take a text as it is: no markup in it is read, and no control character reaches the terminal."""
    return Text(_CONTROLS.sub("", given))


def print_json(value: object) -> None:
    """Print JSON and nothing else."""
    print(json_module.dumps(value, ensure_ascii=False, indent=1, default=list))


def plain(value: Any) -> dict[str, Any]:
    """Return a dataclass as a dictionary."""
    return asdict(value)


def print_scores(rows: Sequence[ModelScores], *, json: bool = False, labels: bool = False) -> None:
    """Print models by metrics, for each corpus, task and split, and each label's scores if asked."""
    if json:
        print_json([row.to_row() for row in rows])
        return
    for key in dict.fromkeys((row.corpus, row.task, row.split) for row in rows):
        _print_group(key, [row for row in rows if (row.corpus, row.task, row.split) == key])
    for row in rows if labels else ():
        _print_labels(row)


def _print_group(key: tuple[str, str, str], rows: Sequence[ModelScores]) -> None:
    corpus, task, split = key
    notes = "".join(f" · {note}" for note in rows[0].notes)
    title = f"{corpus} · {word(task)} · {word(split)} · n = {rows[0].n:,}{notes}"
    table = Table(title=_text(title), title_justify="left")
    table.add_column(_("metric"))
    for row in rows:
        table.add_column(_text(row.model), justify="right", style="bold" if row.role == "finalist" else None)
    for name in rows[0].metrics:
        table.add_row(_text(word(name)), *(Text(_score(row.metrics[name])) for row in rows))
    _console.print(table)


def _score(score: Score) -> str:
    if score.low is None or score.high is None:
        return f"{score.value:.3f}"
    spread = "" if score.sd is None else f" ± {score.sd:.3f}"
    return f"{score.value:.3f}{spread} [{score.low:.3f}, {score.high:.3f}]"


def _print_labels(row: ModelScores) -> None:
    table = Table(title=_text(row.model), title_justify="left")
    names = ("precision", "recall", "f1")
    for heading in (_("label"), "n", *map(word, names)):
        table.add_column(heading, justify="left" if heading == _("label") else "right")
    for label in row.per_label:
        values = (f"{label.metrics[name]:.3f}" for name in names)
        table.add_row(_text(word(label.label)), f"{label.support:,}", *values)
    _console.print(table)


def print_study(report: StudyReport, folder: Path) -> None:
    """Print the opened test split, the comparisons with the baselines, and where the report lies."""
    print_scores([row for row in report.scores if row.split == "test"])
    for comparison in report.comparisons:
        if comparison.split == "test":
            say(f"{comparison.corpus} · {word(comparison.task)}: {comparison.sentence()}")
    for opening in openings_by_split(report.openings):
        say(_("{corpus}: openings of test so far, by the ledger: {n}", corpus=opening.corpus, n=opening.number))
    say(_("Report: {path}", path=folder / "report.html"))


def print_audit(audit: Audit) -> None:
    """Print the tables of an audit, then its findings, problems first."""
    title = _("{corpus} (synthetic)", corpus=audit.corpus) if audit.synthetic else audit.corpus
    say(f"{title} · {audit.fingerprint}")
    for content in audit.tables:
        if content.rows:
            _print_table(content.title, content.columns, content.rows)
    for finding in audit.findings:
        severity = Text(f"{word(finding.severity)}: ", style=_COLORS[finding.severity])
        _console.print(severity + _text(finding.message))
        if finding.examples:
            say("    " + " · ".join(finding.examples))


def _print_table(title: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(title=_text(title), title_justify="left")
    numeric = {key for key in columns if all(isinstance(row.get(key), int | float | None) for row in rows)}
    for key, heading in columns.items():
        table.add_column(heading, justify="right" if key in numeric else "left")
    for row in rows:
        table.add_row(*(_text(_cell(key, row.get(key))) for key in columns))
    _console.print(table)


def _cell(key: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.1%}" if key.endswith("share") else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else word(value)


def print_predictions(rows: Sequence[Prediction]) -> None:
    """Print each utterance with what was recognized and how probable it is, then those that could not be."""
    recognized = [row for row in rows if not row.problem]
    if recognized:
        _console.print(_table_of(recognized))
    for row in rows:
        if row.problem:
            _console.print(Text(f"{word('problem')}: ", style=_COLORS["problem"]) + _text(_named(row)))
    if rows[0].synthetic:
        say(_("The model was trained on a synthetic corpus; it says nothing about real speech."))


def _named(row: Prediction) -> str:
    return row.problem if row.id in row.problem else f"{row.id}: {row.problem}"


def _table_of(rows: Sequence[Prediction]) -> Table:
    table = Table()
    speakers = any(row.speaker for row in rows)
    for heading in ((_("speaker"),) if speakers else ()) + (_("utterance"), _("recognized"), _("probabilities")):
        table.add_column(heading)
    for row in rows:
        likely = sorted(row.probabilities.items(), key=lambda pair: -pair[1])[:3]
        names = ", ".join(word(name) for name in row.labels) or _("none of them")
        best = " · ".join(f"{word(name)} {p:.2f}" for name, p in likely)
        cells = (*((row.speaker or "",) if speakers else ()), row.text or row.id, names, best)
        table.add_row(*map(_text, cells))
    return table


def write_predictions(rows: Sequence[Prediction], path: Path) -> None:
    """Write a CSV table: id, speaker, text, labels joined by ``|``, a probability per label, the problem if any.

    That it was written is said on standard error, for standard output may be JSON.

    Raises:
        SentirError: if the file is no ``.csv``.
    """
    if path.suffix.lower() != ".csv":
        raise SentirError(_("Predictions are written as .csv; {path} is none.", path=path))
    names = next((list(row.probabilities) for row in rows if row.probabilities), [])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "speaker", "text", "labels", *names, "problem"])
        for row in rows:
            shares = [f"{row.probabilities[name]:.6f}" if row.probabilities else "" for name in names]
            cells = [row.id, row.speaker or "", row.text or "", "|".join(row.labels), *shares, row.problem]
            writer.writerow(cells)
    _errors.print(_text(_("Written: {path}", path=path)))
    if failed := sum(bool(row.problem) for row in rows):
        _errors.print(_text(_("{n} could not be recognized; the column 'problem' says why.", n=failed)))
