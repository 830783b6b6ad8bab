"""Records of cells → rows by column: the header is checked, and unnamed columns are named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sentir.errors import CorpusError
from sentir.files.cells import Row
from sentir.files.delimited import Record
from sentir.i18n import _


def records_to_rows(path: Path, records: Sequence[Record]) -> list[Row]:
    """Return a row for each record but the first, which names the columns.

    A column without a name is called ``column 4`` after its position.

    Raises:
        CorpusError: if two columns have one name, or a row has too few or too many cells.
    """
    if not records:
        return []
    header = _fill_column_names(records[0])
    if duplicates := [name for name, count in Counter(header).items() if count > 1]:
        raise CorpusError(_("{path} has two columns called '{name}'; rename one.", path=path, name=duplicates[0]))
    for n, record in enumerate(records[1:], start=1):
        if len(record) != len(header):
            raise CorpusError(
                _(
                    "{path}: row {row} has {n} cells, the header {expected}; check quotes and separators.",
                    path=path,
                    row=n,
                    n=len(record),
                    expected=len(header),
                )
            )
    return [dict(zip(header, record, strict=True)) for record in records[1:]]


def _fill_column_names(header: Record) -> Record:
    return [name if name.strip() else f"column {n}" for n, name in enumerate(header, start=1)]


def drop_empty_last_columns(records: list[Record]) -> list[Record]:
    """Drop the cells after the last named column if all of them are empty, as spreadsheets write them."""
    width = max((n for n, name in enumerate(records[0] if records else (), start=1) if name.strip()), default=0)
    if width < 2 or any(cell.strip() for record in records for cell in record[width:]):
        return records
    return [record[:width] for record in records]
