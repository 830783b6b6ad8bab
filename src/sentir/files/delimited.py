"""Delimited text → records; quotes that quote a cell are distinguished from literal ones.

A quote at the start of a cell quotes it, also across line breaks. But people type quotes, and programs that never
quote write them literally; such a quote swallows every row up to the next one. So a line whose quotes are invalid
is read literally, and a cell that swallowed lines is split if each of them looks like a row of this table.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sentir.corpus.utterances import Issue
from sentir.files.cells import Record, parse_number
from sentir.i18n import _

_MAX_CELL_LENGTH = 2**31 - 1  # characters; Python's default is 131,072
_MAX_LISTED = 5


@dataclass
class ParsedRecords:
    """A text parsed with one separator.

    Attributes:
        records: the cells of every line that is not blank, the header first.
        line_numbers: the number of the last line of each record.
        literal_quote_lines: numbers of lines whose quotes were read literally.
        ambiguous_lines: numbers of lines that begin a quoted cell of several lines, each of which could be a row.
        error: the number of the first invalid line, and why; the lines after it were not read.
    """

    records: list[Record] = field(default_factory=list)
    line_numbers: list[int] = field(default_factory=list)
    literal_quote_lines: list[int] = field(default_factory=list)
    ambiguous_lines: list[int] = field(default_factory=list)
    error: tuple[int, str] | None = None

    @property
    def is_rectangular(self) -> bool:
        """Whether all records have the same number of cells, and more than one."""
        return not self.error and len({len(record) for record in self.records}) == 1 < len(self.records[0])

    def append(self, record: Record, line: int) -> None:
        """Add a record that ends at a line."""
        self.records.append(record)
        self.line_numbers.append(line)

    def issues(self, file: str) -> list[Issue]:
        """Return a note on lines whose quotes were read literally, and one on lines where they could be."""
        issues = []
        if self.literal_quote_lines:
            message = _(
                "Quotes that enclose no cell were read literally: lines {lines} ({n} in total).",
                lines=_format_line_numbers(self.literal_quote_lines),
                n=len(self.literal_quote_lines),
            )
            issues.append(Issue("quotes_literal", "note", message, file))
        if self.ambiguous_lines:
            message = _(
                "Quoted cells with line breaks, each of whose lines could be a row: lines {lines} ({n} in "
                "total). If these quotes are literal, write each of them twice.",
                lines=_format_line_numbers(self.ambiguous_lines),
                n=len(self.ambiguous_lines),
            )
            issues.append(Issue("quotes_ambiguous", "note", message, file))
        return issues


def parse_delimited(text: str, separator: str) -> ParsedRecords:
    """Parse a text into records; an error is returned, not raised."""
    limit = csv.field_size_limit(_MAX_CELL_LENGTH)
    try:
        lines = list(io.StringIO(text, newline=""))
        return _parse_one_per_line(lines, separator) or _resolve_quotes(
            list(_parse_quoted(lines, separator)), lines, separator
        )
    finally:
        csv.field_size_limit(limit)


def _parse_one_per_line(lines: Sequence[str], separator: str) -> ParsedRecords | None:
    """Return the records if each line is one, as in most files, else ``None``: quotes must be resolved."""
    try:
        records = list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error:
        return None
    if len(records) != len(lines):
        return None
    not_blank = [n for n, record in enumerate(records, start=1) if record]
    return ParsedRecords([records[n - 1] for n in not_blank], not_blank)


@dataclass(frozen=True, slots=True)
class _QuotedSpan:
    """Lines ``start`` to ``end`` (exclusive) parsed with quotes: a record, or an error."""

    start: int
    end: int
    record: Record
    error: str = ""

    def unquoted_rows(self, lines: Sequence[str], separator: str) -> dict[int, Record]:
        """Return its lines that are not blank as cells, by line number, with literal quotes."""
        numbered = enumerate(lines[self.start : self.end], start=self.start + 1)
        return {n: line.rstrip("\r\n").split(separator) for n, line in numbered if line.strip("\r\n")}


def _parse_quoted(lines: Sequence[str], separator: str) -> Iterator[_QuotedSpan]:
    """Yield the lines parsed with quotes; after an invalid line, parsing restarts at the next one."""
    start = 0
    while start < len(lines):
        offset = start
        reader = csv.reader((lines[n] for n in range(offset, len(lines))), delimiter=separator, strict=True)
        try:
            for record in reader:
                end = offset + reader.line_num
                if record:
                    yield _QuotedSpan(start, end, record)
                start = end
        except csv.Error as error:
            yield _QuotedSpan(start, start + 1, [], str(error).rstrip("."))
            start += 1


def _resolve_quotes(spans: Sequence[_QuotedSpan], lines: Sequence[str], separator: str) -> ParsedRecords:
    parsed = ParsedRecords()
    if not spans:
        return parsed
    width = len(spans[0].record or next(iter(spans[0].unquoted_rows(lines, separator).values())))
    valid = [span.record for span in spans[1:] if span.end - span.start == 1 and len(span.record) == width]
    columns = [_ColumnValues(cells) for cells in zip(*valid, strict=True)]
    for span in spans:
        if span.record and span.end - span.start == 1:
            parsed.append(span.record, span.end)
            continue
        rows = span.unquoted_rows(lines, separator)
        could_be_rows = width > 1 and all(len(row) == width for row in rows.values())
        if span.error and not could_be_rows:
            parsed.error = (span.end, span.error)
            break
        if could_be_rows and (
            len(span.record) != width or _contains_swallowed_rows(span.record, list(rows.values()), columns)
        ):
            parsed.literal_quote_lines += [n for n, row in rows.items() if any('"' in cell for cell in row)]
            for n, row in rows.items():
                parsed.append(row, n)
            continue
        if could_be_rows or width == 1:
            parsed.ambiguous_lines.append(span.start + 1)
        parsed.append(span.record, span.end)
    return parsed


class _ColumnValues:
    """The values of a column in unambiguous rows."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.values = frozenset(cells) - {""}
        self.is_numeric = all(parse_number(cell) is not None for cell in cells)

    def matches(self, cells: Sequence[str]) -> bool:
        """Return whether most of these cells occur in other rows too, or all are numbers, as the column is."""
        if self.is_numeric and all(parse_number(cell) is not None for cell in cells):
            return True
        return sum(cell in self.values for cell in cells) * 2 > len(cells)


def _contains_swallowed_rows(
    record: Record, unquoted_rows: Sequence[Record], columns: Sequence[_ColumnValues]
) -> bool:
    """Return whether the lines of a quoted record look like rows of the table, by any other column.

    For columns before the quoted cell the first line, for those after it the last, is the record's own: not
    compared.
    """
    quoted = next(n for n, cell in enumerate(record) if "\n" in cell or "\r" in cell)
    others = (
        (n, unquoted_rows[1:] if n < quoted else unquoted_rows[:-1]) for n in range(len(columns)) if n != quoted
    )
    return any(columns[n].matches([row[n] for row in rows]) for n, rows in others)


def _format_line_numbers(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:_MAX_LISTED])) + (", …" if len(lines) > _MAX_LISTED else "")
