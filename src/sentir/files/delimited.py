"""Lines of separated cells → records, with quotes that quote and quotes that are characters told apart.

A quote that opens a cell quotes it, over line breaks too. But people type quotes, and programs that never quote
write them as they are; such a quote swallows every row up to the next one. So a line whose quotes cannot quote is
read as it stands, and a cell that swallowed lines is taken apart if each of them is a row of this very table.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sentir.corpus.utterances import Issue
from sentir.files.cells import parse_number
from sentir.i18n import _

Record = list[str]
_MAX_CELL_LENGTH = 2**31 - 1  # characters; Python takes 131,072 unless told
_MAX_LISTED = 5


@dataclass
class ParsedRecords:
    """What a text is by one separator.

    Attributes:
        records: the lines that are not blank as cells, the header first.
        line_numbers: the number of the last line of each record.
        literal_quote_lines: numbers of lines whose quotes were read as characters.
        ambiguous_lines: numbers of lines that begin a quoted cell of several lines, each of which could be a row.
        error: the number of the first line that is none, and why; what follows it was not read.
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
        """Return a note for the lines read as they stand, and one for those that could be read so."""
        found = []
        if self.literal_quote_lines:
            message = _(
                "Quotes were read as characters, as they quote no cell: lines {lines} ({n} in all).",
                lines=_format_line_numbers(self.literal_quote_lines),
                n=len(self.literal_quote_lines),
            )
            found.append(Issue("quotes_literal", "note", message, file))
        if self.ambiguous_lines:
            message = _(
                "Cells within quotes that hold line breaks, though each of their lines could be a row: lines "
                "{lines} ({n} in all). If these quotes are characters, write each of them twice.",
                lines=_format_line_numbers(self.ambiguous_lines),
                n=len(self.ambiguous_lines),
            )
            found.append(Issue("quotes_ambiguous", "note", message, file))
        return found


def parse_delimited(text: str, separator: str) -> ParsedRecords:
    """Part a text into records; what is broken is told, not raised."""
    limit = csv.field_size_limit(_MAX_CELL_LENGTH)
    try:
        lines = list(io.StringIO(text, newline=""))
        return _parse_one_per_line(lines, separator) or _resolve_quotes(
            list(_parse_quoted(lines, separator)), lines, separator
        )
    finally:
        csv.field_size_limit(limit)


def _parse_one_per_line(lines: Sequence[str], separator: str) -> ParsedRecords | None:
    """Return the records where each line is one, as in most files, or ``None``: then quotes are to be judged."""
    try:
        records = list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error:
        return None
    if len(records) != len(lines):
        return None
    filled = [n for n, record in enumerate(records, start=1) if record]
    return ParsedRecords([records[n - 1] for n in filled], filled)


@dataclass(frozen=True, slots=True)
class _QuotedSpan:
    """What quotes make of the lines from ``at`` to before ``end``: a record, or nothing, and why."""

    start: int
    end: int
    record: Record
    error: str = ""

    def unquoted_rows(self, lines: Sequence[str], separator: str) -> dict[int, Record]:
        """Return its lines that are not blank, by number, as they stand, each quote a character."""
        own = enumerate(lines[self.start : self.end], start=self.start + 1)
        return {n: line.rstrip("\r\n").split(separator) for n, line in own if line.strip("\r\n")}


def _parse_quoted(lines: Sequence[str], separator: str) -> Iterator[_QuotedSpan]:
    """Yield what quotes make of the lines; after a line of which they make nothing, the next one begins anew."""
    at = 0
    while at < len(lines):
        begun = at
        reader = csv.reader((lines[n] for n in range(begun, len(lines))), delimiter=separator, strict=True)
        try:
            for record in reader:
                end = begun + reader.line_num
                if record:
                    yield _QuotedSpan(at, end, record)
                at = end
        except csv.Error as error:
            yield _QuotedSpan(at, at + 1, [], str(error).rstrip("."))
            at += 1


def _resolve_quotes(spans: Sequence[_QuotedSpan], lines: Sequence[str], separator: str) -> ParsedRecords:
    parted = ParsedRecords()
    if not spans:
        return parted
    width = len(spans[0].record or next(iter(spans[0].unquoted_rows(lines, separator).values())))
    sure = [span.record for span in spans[1:] if span.end - span.start == 1 and len(span.record) == width]
    columns = [_ColumnValues(cells) for cells in zip(*sure, strict=True)]
    for span in spans:
        if span.record and span.end - span.start == 1:
            parted.append(span.record, span.end)
            continue
        plain = span.unquoted_rows(lines, separator)
        rows = width > 1 and all(len(row) == width for row in plain.values())
        if span.error and not rows:
            parted.error = (span.end, span.error)
            break
        if rows and (
            len(span.record) != width or _holds_swallowed_rows(span.record, list(plain.values()), columns)
        ):
            parted.literal_quote_lines += [n for n, row in plain.items() if any('"' in cell for cell in row)]
            for n, row in plain.items():
                parted.append(row, n)
            continue
        if rows or width == 1:
            parted.ambiguous_lines.append(span.start + 1)
        parted.append(span.record, span.end)
    return parted


class _ColumnValues:
    """What stands in a column, in rows that are sure."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.values = frozenset(cells) - {""}
        self.is_numeric = all(parse_number(cell) is not None for cell in cells)

    def matches(self, cells: Sequence[str]) -> bool:
        """Say whether most of these cells stand there in other rows too, or are numbers as they are."""
        if self.is_numeric and all(parse_number(cell) is not None for cell in cells):
            return True
        return sum(cell in self.values for cell in cells) * 2 > len(cells)


def _holds_swallowed_rows(
    record: Record, unquoted_rows: Sequence[Record], columns: Sequence[_ColumnValues]
) -> bool:
    """Say whether the lines of a quoted record look like rows of the table, by a column beside the quoted cell.

    Before that cell the first line, and after it the last, are those of the record in any case.
    """
    broken = next(n for n, cell in enumerate(record) if "\n" in cell or "\r" in cell)
    beside = (
        (n, unquoted_rows[1:] if n < broken else unquoted_rows[:-1]) for n in range(len(columns)) if n != broken
    )
    return any(columns[n].matches([row[n] for row in rows]) for n, rows in beside)


def _format_line_numbers(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:_MAX_LISTED])) + (", …" if len(lines) > _MAX_LISTED else "")
