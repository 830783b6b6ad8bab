"""Predictions as a table: the user's own columns as they are, what was predicted in columns of its own."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sentir.corpus.predictions import Prediction, TaskPrediction
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import atomic_write
from sentir.paths import PathLike
from sentir.recognizer.input_tables import make_unused_name
from sentir.safe_text import json_dumps, make_printable

RowValues = dict[str, Any]
# What XML cannot hold, and what would be read as one such character written out.
_INVALID_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MAX_ROWS, _MAX_COLUMNS, _MAX_CHARACTERS = 1_048_575, 16_384, 32_767  # of .xlsx, the header not counted


@dataclass(frozen=True)
class _OutputTable:
    """Rows to be written.

    Attributes:
        user_columns: the user's columns, in order.
        column_names: what was predicted → its column, in order; see `columns_of`.
        rows: by column; what a row has not is not in it.
    """

    user_columns: tuple[str, ...]
    column_names: Mapping[str, str]
    rows: Sequence[RowValues]

    @property
    def columns(self) -> list[str]:
        return [*self.user_columns, *self.column_names.values()]


def write_predictions(rows: Sequence[Prediction], path: PathLike) -> Mapping[str, str]:
    """Write a table by the ending of its name: ``.csv``, ``.tsv``, ``.parquet``, ``.jsonl`` or ``.xlsx``.

    There is one row for each prediction, in order. First come the columns of the tables that were read, with
    every cell as it was (an ``id`` where they have none), then ``label`` (several between ``|``),
    ``confidence``, ``p_LABEL`` for each label, or the number by its name; the same of other tasks after
    ``TASK.``; ``not_sure``, ``problem``, ``notes``, and ``table`` where there are several. ``sentir_`` stands
    before a name of these that is taken. The file takes its name when it is whole; until then an older one
    stays.

    Returns:
        What was predicted, such as ``problem`` → the name of its column.

    Raises:
        SentirError: if the ending is another one, or the file cannot be written.
    """
    path = Path(path)
    require_known_suffix(path)
    table = _make_table(rows)
    try:
        with atomic_write(Path(os.path.realpath(path))) as draft:
            _WRITERS[path.suffix.lower()](table, draft)
    except OSError as error:
        raise SentirError(
            _("{path} cannot be written: {why}.", path=path, why=error.strerror or error)
        ) from error
    return table.column_names


def require_known_suffix(path: Path) -> None:
    """Refuse a file that predictions cannot be written to.

    Raises:
        SentirError: naming the endings, or what to install.
    """
    if path.suffix.lower() not in _WRITERS:
        raise SentirError(
            _(
                "Predictions are written as {known}; {path} is none of these.",
                known=", ".join(_WRITERS),
                path=path,
            )
        )
    if path.suffix.lower() == ".xlsx" and find_spec("openpyxl") is None:
        raise SentirError(_("To write .xlsx install openpyxl (pip install 'sentir[xlsx]'), or write .csv."))


def require_not_an_input(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write to what is read.

    Raises:
        SentirError: if ``path`` is one of the inputs, by whatever name.
    """
    for one in inputs:
        same = os.path.realpath(path) == os.path.realpath(one)
        if same or (os.path.exists(path) and os.path.exists(one) and os.path.samefile(path, one)):
            raise SentirError(_("{path} is read; give --out another file, so that it stays as it is.", path=path))


def prediction_to_row(row: Prediction) -> RowValues:
    """Return what was predicted of an utterance, by the names that its columns have unless they are taken."""
    cells = _label_columns(row) | ({} if row.confidence is None else {"confidence": row.confidence})
    cells |= _number_columns(row)
    for task, beside in row.other_tasks.items():
        cells |= {
            f"{task}.{name}": value for name, value in (_label_columns(beside) | _number_columns(beside)).items()
        }
    return cells if row.abstain is None else cells | {"abstain": row.abstain}


def _label_columns(prediction: Prediction | TaskPrediction) -> RowValues:
    return {} if prediction.values else {"label": "|".join(prediction.labels)}


def _number_columns(prediction: Prediction | TaskPrediction) -> RowValues:
    return {f"p_{label}": p for label, p in prediction.probabilities.items()} | prediction.values


def _make_table(rows: Sequence[Prediction]) -> _OutputTable:
    own = dict.fromkeys(column for row in rows for column in row.cells)
    found = [{} if row.problem else prediction_to_row(row) for row in rows]
    several = len({row.table for row in rows}) > 1
    ends = ("problem", "notes", *(("table",) if several else ()))
    taken: dict[str, None] = dict(own)
    names: dict[str, str] = {}
    predicted = dict.fromkeys(name for cells in found for name in cells) or {"label": None}
    for name in [*predicted, *ends]:
        names[name] = make_unused_name(name, taken)
        taken[names[name]] = None
    told = [
        cells | {"problem": row.problem, "notes": " ".join(row.notes), "table": row.table}
        for row, cells in zip(rows, found, strict=True)
    ]
    whole = [
        {**row.cells, **{names[name]: value for name, value in cells.items() if name in names}}
        for row, cells in zip(rows, told, strict=True)
    ]
    return _OutputTable(tuple(own), names, whole)


def _format_cell(value: Any) -> str:
    """Return a cell as text: numbers to six decimals, truths as true and false."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6f}" if isinstance(value, float) else value


def _write_delimited(table: _OutputTable, path: Path) -> None:
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(map(make_printable, table.columns))
        for row in table.rows:
            writer.writerow([make_printable(_format_cell(row.get(name, ""))) for name in table.columns])


def _write_jsonl(table: _OutputTable, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in table.rows:
            file.write(json_dumps({name: row.get(name) for name in table.columns}, indent=None) + "\n")


def _write_parquet(table: _OutputTable, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[type, pa.DataType] = {float: pa.float64(), bool: pa.bool_()}

    def column(name: str) -> pa.Array:
        cells = [row.get(name) for row in table.rows]
        kind: type = next((type(cell) for cell in cells if cell is not None), str)
        return pa.array(cells, type=types.get(kind, pa.string()))

    pq.write_table(pa.table({name: column(name) for name in table.columns}), path)


def _write_xlsx(table: _OutputTable, path: Path) -> None:
    """Write one sheet; texts are texts, also those that begin like a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    if len(table.rows) > _MAX_ROWS or len(table.columns) > _MAX_COLUMNS:
        raise SentirError(
            _("A sheet of .xlsx holds fewer rows or columns than there are; write .csv or .parquet.")
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet("predictions")

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = WriteOnlyCell(sheet, _INVALID_XML.sub(lambda c: f"_x{ord(c[0]):04X}_", value)[:_MAX_CHARACTERS])
        found.data_type = "s"
        return found

    sheet.append([cell(name) for name in table.columns])
    for row in table.rows:
        told = _with_truncation_note(row, table.column_names["notes"])
        sheet.append([cell(told.get(name)) for name in table.columns])
    book.save(path)


def _with_truncation_note(row: RowValues, notes: str) -> RowValues:
    """Return a row whose notes tell which of its cells are longer than those of .xlsx."""
    cut = [name for name, cell in row.items() if isinstance(cell, str) and len(cell) > _MAX_CHARACTERS]
    told = (
        _(
            "'{name}' was cut at {n} characters, the most that a cell of .xlsx holds.",
            name=name,
            n=_MAX_CHARACTERS,
        )
        for name in cut
    )
    return row | {notes: " ".join(filter(None, (row[notes], *told)))} if cut else row


_WRITERS: dict[str, Callable[[_OutputTable, Path], None]] = {
    ".csv": _write_delimited,
    ".tsv": _write_delimited,
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
    ".xlsx": _write_xlsx,
}
