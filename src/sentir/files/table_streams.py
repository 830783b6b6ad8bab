"""Tables read from any of their rows on, so that memory does not depend on how many there are.

That is possible for most tables: Parquet, JSON Lines, and text in UTF-8 with unambiguous quotes. Others are read
whole, by `sentir.files.tables.load_rows`, which gives the same rows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sentir.errors import CorpusError
from sentir.files import arrow_tables
from sentir.files.cells import ReadErrors, Record, Row, objects_to_rows, require_unique_columns
from sentir.files.tables import JSON_SUFFIXES
from sentir.files.text_encoding import UTF8_MARK
from sentir.files.text_tables import list_separators, parse_object

_BATCH_ROWS = 2_000  # that are held at a time


@dataclass(frozen=True, slots=True)
class Position:
    """Where a row starts.

    Attributes:
        row: its number, from 1.
        offset: its first byte in a text file.
        line: the number of its first line, from 1.
    """

    row: int = 1
    offset: int = 0
    line: int = 1


@dataclass(frozen=True, slots=True)
class TableStream:
    """How the rows of a table are read, from any of them on.

    Attributes:
        columns: of all rows.
        start: the first row.
        separator: of delimited text.
    """

    path: Path
    columns: tuple[str, ...]
    start: Position
    separator: str = ""

    def iter_rows(self, start: Position | None = None) -> Iterator[tuple[Position, Row]]:
        """Yield the rows from one on, each with its position; those that cannot be read have empty cells."""
        start = start or self.start
        if self.path.suffix.lower() == ".parquet":
            rows = arrow_tables.iter_parquet(self.path, start.row - 1, _BATCH_ROWS)
            yield from ((Position(n), row) for n, (row, _errors) in enumerate(rows, start=start.row))
        elif self.separator:
            for position, record, _lines in _iter_records(self.path, self.separator, start):
                yield position, dict(zip(self.columns, record, strict=True))
        else:
            for position, line in _iter_lines(self.path, start):
                yield position, self._parse_lines([(position.line, line)], {})[0]

    def read(self, start: Position, n: int) -> tuple[list[Row], ReadErrors]:
        """Return ``n`` rows from one on, and by their number, from 1 for the first, why they cannot be read."""
        errors: ReadErrors = {}
        if self.path.suffix.lower() == ".parquet":
            rows = list(islice(arrow_tables.iter_parquet(self.path, start.row - 1, _BATCH_ROWS), n))
            return [row for row, _errors in rows], {k: why for k, (_row, why) in enumerate(rows, start=1) if why}
        if self.separator:
            return [row for _position, row in islice(self.iter_rows(start), n)], errors
        lines = [(position.line, line) for position, line in islice(_iter_lines(self.path, start), n)]
        return self._parse_lines(lines, errors), errors

    def _parse_lines(self, lines: list[tuple[int, str]], errors: ReadErrors) -> list[Row]:
        objects: list[dict[str, Any]] = []
        for n, (number, line) in enumerate(lines, start=1):
            try:
                objects.append(parse_object(self.path, number, line))
            except CorpusError as error:
                objects.append({})
                errors[n] = {None: str(error)}
        return objects_to_rows(self.path, objects, errors, self.columns)


def open_stream(path: Path) -> TableStream | None:
    """Return how to read a table from any row on; ``None`` if it must be read whole.

    Raises:
        CorpusError: if two columns have the same name, or a Parquet file is damaged.
        MissingDependencyError: if pyarrow is needed and not installed.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            columns, num_rows = arrow_tables.describe_parquet(path)
            return TableStream(path, columns, Position()) if num_rows else None
        if suffix in JSON_SUFFIXES:
            return _open_json_lines(path)
        return _open_delimited(path) if suffix in (".csv", ".tsv") else None
    except (OSError, ValueError, csv.Error):  # ValueError: not UTF-8, or ambiguous
        return None


def _open_delimited(path: Path) -> TableStream | None:
    own, *others = list_separators(path)
    found = [stream] if (stream := _open_with(path, own)) else [
        stream for separator in others if (stream := _open_with(path, separator))
    ]  # fmt: skip
    return found[0] if len(found) == 1 else None


def _open_with(path: Path, separator: str) -> TableStream | None:
    """Return the stream of a table with this separator; ``None`` if not all rows have as many cells.

    Raises:
        ValueError: if its quotes may be literal.
    """
    records = _iter_records(path, separator, Position(row=0, offset=_skip_mark(path)))
    _start, header, _lines = next(records, (None, [], []))
    if len(header) < 2 or not header[-1].strip():
        return None
    require_unique_columns(
        path, columns := [name if name.strip() else f"column {n}" for n, name in enumerate(header, 1)]
    )
    first = None
    for position, record, lines in records:
        first = first or position
        if len(record) != len(header):
            return None
        if len(lines) > 1 and _could_be_rows(lines, separator, len(header)):
            raise ValueError
    return None if first is None else TableStream(path, tuple(columns), first, separator)


def _could_be_rows(lines: list[str], separator: str, width: int) -> bool:
    """Return whether each line of a quoted cell could be a row; see `sentir.files.delimited`."""
    rows = [line.rstrip("\r\n").split(separator) for line in lines if line.strip("\r\n")]
    return all(len(row) == width for row in rows)


def _iter_records(path: Path, separator: str, start: Position) -> Iterator[tuple[Position, Record, list[str]]]:
    """Yield the records from one on, each with its position and its lines.

    Raises:
        ValueError: if it is not UTF-8 or has null characters.
        csv.Error: if quotes are invalid.
    """
    consumed: list[str] = []

    def lines() -> Iterator[str]:
        for line in text:
            if "\0" in line:
                raise ValueError
            consumed.append(line)
            yield line

    with path.open("rb") as file:
        file.seek(start.offset)
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        row, offset, line = start.row, start.offset, start.line
        for record in csv.reader(lines(), delimiter=separator, strict=True):
            if record:
                yield Position(row, offset, line), record, consumed
            row, line = row + bool(record), line + len(consumed)
            offset += sum(len(one) if one.isascii() else len(one.encode()) for one in consumed)
            consumed.clear()


def _open_json_lines(path: Path) -> TableStream | None:
    start = Position(offset=_skip_mark(path))
    columns: dict[str, None] = {}
    for position, line in _iter_lines(path, start):
        if "\0" in line:
            return None
        try:
            columns |= dict.fromkeys(parse_object(path, position.line, line))
        except CorpusError:
            continue  # the problem of its row
    return TableStream(path, tuple(columns), start) if columns else None


def _iter_lines(path: Path, start: Position) -> Iterator[tuple[Position, str]]:
    """Yield the lines that are not blank, from a position on.

    Raises:
        ValueError: if one is not UTF-8.
    """
    with path.open("rb") as file:
        file.seek(start.offset)
        row, offset = start.row, start.offset
        for number, content in enumerate(file, start=start.line):
            if (line := content.decode()).strip():
                yield Position(row, offset, number), line
                row += 1
            offset += len(content)


def _skip_mark(path: Path) -> int:
    """Return the length of the byte order mark of UTF-8, if there is one."""
    with path.open("rb") as file:
        return len(UTF8_MARK) if file.read(len(UTF8_MARK)) == UTF8_MARK else 0
