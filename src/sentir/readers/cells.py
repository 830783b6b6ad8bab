"""Tables as rows of text cells, from CSV, TSV or Parquet; a cell is a number only where it is asked for one."""

from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path

from sentir.errors import CorpusError
from sentir.i18n import _

Row = dict[str, str]
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})
_LONGEST_CELL = 2**31 - 1  # characters; Python takes 131,072 unless told


def load_rows(path: Path) -> list[Row]:
    """Read a ``.csv``, ``.tsv`` or ``.parquet`` file; every cell is text, ``""`` where there is no value.

    Raises:
        CorpusError: if the file is of another kind, damaged, empty, or a row does not fit the header.
    """
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise CorpusError(_("{path} is no table that can be read; use a .csv, .tsv or .parquet file.", path=path))
    rows = _load_parquet(path) if suffix == ".parquet" else _load_text(path)
    if not rows:
        raise CorpusError(_("The table {path} has no rows.", path=path))
    return rows


def to_number(cell: str) -> float | None:
    """Return the finite number a cell holds, or ``None`` if it holds none."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _load_text(path: Path) -> list[Row]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            records = [record for record in csv.reader(file, delimiter=delimiter, strict=True) if record]
    except UnicodeDecodeError as error:
        raise CorpusError(_("{path} is not UTF-8 text; save it as UTF-8.", path=path)) from error
    except csv.Error as error:
        raise CorpusError(_("{path} is no table: {why}.", path=path, why=str(error).rstrip("."))) from error
    finally:
        csv.field_size_limit(limit)
    if not records:
        return []
    header = records.pop(0)
    _check_separator(path, header)
    if twice := [name for name, count in Counter(header).items() if count > 1]:
        raise CorpusError(_("{path} has two columns called '{name}'; rename one.", path=path, name=twice[0]))
    for n, record in enumerate(records, start=1):
        if len(record) != len(header):
            raise CorpusError(
                _(
                    "{path}: row {row} has {n} cells and the header {expected}; check quotes and separators.",
                    path=path,
                    row=n,
                    n=len(record),
                    expected=len(header),
                )
            )
    return [dict(zip(header, record, strict=True)) for record in records]


def _check_separator(path: Path, header: list[str]) -> None:
    used = [mark for mark in ";\t" if len(header) == 1 and mark in header[0]]
    if used:
        raise CorpusError(
            _(
                "{path} seems to separate its cells by {separator}; save it with commas, or with tabs as .tsv.",
                path=path,
                separator=repr(used[0]),
            )
        )


def _load_parquet(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.ParquetFile(path).read().to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise CorpusError(
            _("{path} is no Parquet file: {why}.", path=path, why=str(error).rstrip("."))
        ) from error
    return [{name: _text(value) for name, value in row.items()} for row in rows]


def _text(value: object) -> str:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value)
