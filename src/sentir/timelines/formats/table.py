"""Tables with a row per turn, indexed by ``file``, ``start`` and ``end``: audformat's segmented table.

Times are in seconds, as audformat reads numbers. Columns are the fields of a turn: ``speaker``, ``text``,
``label`` (several joined by ``|``), ``confidence``, ``p_LABEL``, ``value.NAME``, ``task.NAME``, ``problem`` and
``notes``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.safe_text import json_dumps, replace_surrogates
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.formats.text_fields import join_labels, make_turn, parse_time, read_utf8, split_labels

if TYPE_CHECKING:
    from pandas import DataFrame

INDEX = ("file", "start", "end")
_LABEL_COLUMNS = ("label", "labels", "emotion")


def make_rows(timeline: TimelineDocument) -> tuple[list[str], list[dict[str, Any]]]:
    """Return columns and rows of a timeline; a cell that is missing is ``None``."""
    numbers = dict.fromkeys(name for turn in timeline.turns for name in turn.values)
    shares = dict.fromkeys(f"p_{name}" for turn in timeline.turns for name in turn.probabilities)
    tasks = dict.fromkeys(f"task.{task}" for turn in timeline.turns for task in turn.other_tasks)
    columns = [*INDEX, "speaker", "text", "label", "confidence", *shares, *(f"value.{name}" for name in numbers)]
    columns += [*tasks, "problem", "notes"]
    rows = (_make_row(turn, timeline.source.file) for turn in timeline.turns)
    return list(map(replace_surrogates, columns)), [
        {replace_surrogates(name): _to_encodable(cell) for name, cell in row.items()} for row in rows
    ]


def _to_encodable(cell: Any) -> Any:
    return replace_surrogates(cell) if isinstance(cell, str) else cell


def _make_row(turn: Turn, file: str) -> dict[str, Any]:
    row = {"file": file, "start": turn.start, "end": turn.end, "speaker": turn.speaker, "text": turn.text}
    row |= {"label": join_labels(turn.labels) if turn.labels or turn.probabilities else None}
    row |= {"confidence": turn.confidence, **{f"p_{name}": p for name, p in turn.probabilities.items()}}
    row |= {f"value.{name}": value for name, value in turn.values.items()}
    row |= {f"task.{task}": json_dumps(dict(one), indent=None) for task, one in turn.other_tasks.items()}
    notes = json_dumps(list(turn.notes), indent=None) if turn.notes else None
    return {**row, "problem": turn.problem or None, "notes": notes}


def to_frame(timeline: TimelineDocument) -> DataFrame:
    """Return a data frame indexed by file, start and end, with times as timedeltas."""
    import pandas as pd

    columns, rows = make_rows(timeline)
    frame = pd.DataFrame(rows, columns=columns)
    for column in ("start", "end"):
        frame[column] = pd.to_timedelta(frame[column].astype("float64"), unit="s").astype("timedelta64[ns]")
    return frame.set_index(list(INDEX))


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write a CSV file."""
    columns, rows = make_rows(timeline)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([row.get(column) for column in columns] for row in rows)


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read a turn of each row; the columns may be in any order, and all but the text or the times may lack.

    Raises:
        TimelineError: if there is no usable column, or a time is not one.
    """
    rows = csv.DictReader(StringIO(read_utf8(path), newline=""))
    return turns_from_rows([{key: cell or None for key, cell in row.items()} for row in rows], str(path))


def turns_from_rows(rows: list[dict[str, Any]], where: str) -> dict[str, list[Turn]]:
    """Return recording → turns of rows, in which a missing cell is ``None``; see `read`."""
    columns = set(rows[0]) if rows else set()
    if rows and not columns & {"text", "start"}:
        raise TimelineError(
            _("{path} needs columns 'start' and 'end', or 'text'; it has: {known}.", path=where,
              known=", ".join(map(str, columns)))
        )  # fmt: skip
    by_file: dict[str, list[Turn]] = {}
    for n, row in enumerate(rows, start=2):
        place = f"{where}, {n}"
        cells = {key: value for key, value in row.items() if value is not None}
        turn = make_turn(place, _time(cells, "start", place), _time(cells, "end", place), **_fields(cells, place))
        if turn is not None:
            by_file.setdefault(str(cells.get("file", "")), []).append(turn)
    return by_file


def _fields(cells: Mapping[str, Any], place: str) -> dict[str, Any]:
    labels = next((cells[name] for name in _LABEL_COLUMNS if name in cells), "")
    return {
        "speaker": cells.get("speaker"),
        "text": cells.get("text"),
        "labels": split_labels(str(labels)),
        "confidence": _number(cells.get("confidence"), place),
        "probabilities": {k[2:]: _number(v, place) for k, v in cells.items() if k[:2] == "p_"},
        "values": {k[6:]: _number(v, place) for k, v in cells.items() if k[:6] == "value."},
        "other_tasks": {k[5:]: json.loads(v) for k, v in cells.items() if k[:5] == "task."},
        "problem": cells.get("problem", ""),
        "notes": _notes(cells.get("notes", "")),
    }


def _time(cells: Mapping[str, Any], column: str, place: str) -> float | None:
    value = cells.get(column)
    if value is None or isinstance(value, float):
        return value
    return parse_time(str(value), place)


def _number(value: Any, place: str) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError as error:
        raise TimelineError(_("{where}: '{text}' is not a number.", where=place, text=str(value)[:40])) from error


def _notes(cell: str) -> tuple[str, ...]:
    if not cell.startswith("["):
        return (cell,) if cell else ()
    try:
        return tuple(map(str, json.loads(cell)))
    except ValueError:
        return (cell,)
