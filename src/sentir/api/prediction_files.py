"""Predictions as a table: the user's columns unchanged, followed by columns for the predictions."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from sentir.corpus.predictions import Prediction
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import atomic_write, write_errors
from sentir.optional_dependencies import EXTRAS, require_extra
from sentir.paths import PathLike
from sentir.recognizer.prediction_tables import PredictionTable, RowValues, tabulate
from sentir.safe_text import json_dumps, make_printable

# Characters that XML does not allow, and text that would be read as an escaped character.
_INVALID_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ROWS_PER_GROUP = 50_000  # of Parquet
_MAX_ROWS, _MAX_COLUMNS, _MAX_CHARACTERS = 1_048_575, 16_384, 32_767  # of .xlsx, without the header


def write_predictions(rows: Sequence[Prediction], path: PathLike) -> Mapping[str, str]:
    """Write predictions to a ``.csv``, ``.tsv``, ``.parquet``, ``.jsonl`` or ``.xlsx`` table.

    There is one row for each prediction, in order. First come the columns of the input tables with unchanged
    cells (``id`` if they have no columns), then ``label`` (multi-label: separated by ``|``), ``confidence``,
    ``p_LABEL`` for each label, or a regression value under its name; the same for other tasks, prefixed by
    ``TASK.``; then ``abstain``, ``problem``, ``notes``, and ``table`` if there are several tables. A name that is
    taken is prefixed by ``sentir_``. An existing file is replaced only when the new one is complete.

    Returns:
        Name of a predicted column, such as ``problem`` → the name that it has in the table.

    Raises:
        SentirError: if the suffix is another one, or the file cannot be written.
    """
    require_known_suffix(Path(path))
    return write_prediction_table(tabulate(rows), Path(path))


def write_prediction_table(table: PredictionTable, path: Path) -> Mapping[str, str]:
    """Write a table; see `write_predictions`."""
    with write_errors(path), atomic_write(Path(os.path.realpath(path))) as draft:
        _WRITERS[path.suffix.lower()](table, draft)
    return table.column_names


def require_known_suffix(path: Path) -> None:
    """Refuse a file whose format is not supported.

    Raises:
        SentirError: naming the supported suffixes.
        MissingDependencyError: if the format needs a package that is not installed.
    """
    if path.suffix.lower() not in _WRITERS:
        raise SentirError(
            _("Predictions can be written as {known}, not as {path}.", known=", ".join(_WRITERS), path=path)
        )
    if (extra := path.suffix.lower().removeprefix(".")) in EXTRAS:
        require_extra(extra, _("Writing {format}", format=path.suffix.lower()))


def require_not_an_input(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse to overwrite an input.

    Raises:
        SentirError: if ``path`` is one of the inputs, also by another name.
    """
    for one in inputs:
        same = os.path.realpath(path) == os.path.realpath(one)
        if same or (os.path.exists(path) and os.path.exists(one) and os.path.samefile(path, one)):
            raise SentirError(_("{path} is an input; choose another file for --out.", path=path))


def _format_cell(value: Any) -> str:
    """Return a cell as text: floats with six decimals, booleans as true and false."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6f}" if isinstance(value, float) else value


def _write_delimited(table: PredictionTable, path: Path) -> None:
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(map(make_printable, table.columns))
        for row in table.rows:
            writer.writerow([make_printable(_format_cell(row.get(name, ""))) for name in table.columns])


def _write_jsonl(table: PredictionTable, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in table.rows:
            file.write(json_dumps({name: row.get(name) for name in table.columns}, indent=None) + "\n")


def _write_parquet(table: PredictionTable, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[type, pa.DataType] = {float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, types.get(table.types.get(name, str), pa.string())) for name in table.columns])
    rows = iter(table.rows)
    with pq.ParquetWriter(path, schema) as writer:
        while batch := list(islice(rows, _ROWS_PER_GROUP)):
            writer.write_table(
                pa.table({name: [row.get(name) for row in batch] for name in table.columns}, schema=schema)
            )


def _write_xlsx(table: PredictionTable, path: Path) -> None:
    """Write one sheet; cells that start like a formula are written as text."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    if table.num_rows > _MAX_ROWS or len(table.columns) > _MAX_COLUMNS:
        raise SentirError(
            _("There are more rows or columns than an .xlsx sheet can hold; write .csv or .parquet.")
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet("predictions")

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        escaped = _INVALID_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", value)
        text = WriteOnlyCell(sheet, escaped[:_MAX_CHARACTERS])
        text.data_type = "s"
        return text

    sheet.append([cell(name) for name in table.columns])
    for row in table.rows:
        noted = _with_truncation_note(row, table.column_names["notes"])
        sheet.append([cell(noted.get(name)) for name in table.columns])
    book.save(path)


def _with_truncation_note(row: RowValues, notes: str) -> RowValues:
    """Return a row whose notes name the cells that are too long for .xlsx."""
    truncated = [name for name, cell in row.items() if isinstance(cell, str) and len(cell) > _MAX_CHARACTERS]
    added = (
        _("'{name}' was truncated to {n} characters, the maximum of an .xlsx cell.", name=name, n=_MAX_CHARACTERS)
        for name in truncated
    )
    return row | {notes: " ".join(filter(None, (row[notes], *added)))} if truncated else row


_WRITERS: dict[str, Callable[[PredictionTable, Path], None]] = {
    ".csv": _write_delimited,
    ".tsv": _write_delimited,
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
    ".xlsx": _write_xlsx,
}
