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
from sentir.files.cells import to_number
from sentir.i18n import _

Record = list[str]
_LONGEST_CELL = 2**31 - 1  # characters; Python takes 131,072 unless told
_SHOWN = 5


@dataclass
class Parted:
    """What a text is by one separator.

    Attributes:
        records: the lines that are not blank as cells, the header first.
        lines: the number of the last line of each record.
        bare: numbers of lines whose quotes were read as characters.
        doubtful: numbers of lines that begin a quoted cell of several lines, each of which could be a row.
        broken: the number of the first line that is none, and why; what follows it was not read.
    """

    records: list[Record] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    bare: list[int] = field(default_factory=list)
    doubtful: list[int] = field(default_factory=list)
    broken: tuple[int, str] | None = None

    @property
    def fits(self) -> bool:
        """Whether all records have the same number of cells, and more than one."""
        return not self.broken and len({len(record) for record in self.records}) == 1 < len(self.records[0])

    def add(self, record: Record, line: int) -> None:
        """Add a record that ends at a line."""
        self.records.append(record)
        self.lines.append(line)

    def issues(self, file: str) -> list[Issue]:
        """Return a note for the lines read as they stand, and one for those that could be read so."""
        found = []
        if self.bare:
            message = _(
                "Quotes were read as characters, as they quote no cell: lines {lines} ({n} in all).",
                lines=_shown(self.bare),
                n=len(self.bare),
            )
            found.append(Issue("quotes_bare", "note", message, file))
        if self.doubtful:
            message = _(
                "Cells within quotes that hold line breaks, though each of their lines could be a row: lines "
                "{lines} ({n} in all). If these quotes are characters, write each of them twice.",
                lines=_shown(self.doubtful),
                n=len(self.doubtful),
            )
            found.append(Issue("quotes_doubtful", "note", message, file))
        return found


def part(text: str, separator: str) -> Parted:
    """Part a text into records; what is broken is told, not raised."""
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        lines = list(io.StringIO(text, newline=""))
        return _plainly(lines, separator) or _judge(list(_quoted(lines, separator)), lines, separator)
    finally:
        csv.field_size_limit(limit)


def _plainly(lines: Sequence[str], separator: str) -> Parted | None:
    """Return the records where each line is one, as in most files, or ``None``: then quotes are to be judged."""
    try:
        records = list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error:
        return None
    if len(records) != len(lines):
        return None
    filled = [n for n, record in enumerate(records, start=1) if record]
    return Parted([records[n - 1] for n in filled], filled)


@dataclass(frozen=True, slots=True)
class _Span:
    """What quotes make of the lines from ``at`` to before ``end``: a record, or nothing, and why."""

    at: int
    end: int
    record: Record
    broken: str = ""

    def plain(self, lines: Sequence[str], separator: str) -> dict[int, Record]:
        """Return its lines that are not blank, by number, as they stand, each quote a character."""
        own = enumerate(lines[self.at : self.end], start=self.at + 1)
        return {n: line.rstrip("\r\n").split(separator) for n, line in own if line.strip("\r\n")}


def _quoted(lines: Sequence[str], separator: str) -> Iterator[_Span]:
    """Yield what quotes make of the lines; after a line of which they make nothing, the next one begins anew."""
    at = 0
    while at < len(lines):
        begun = at
        reader = csv.reader((lines[n] for n in range(begun, len(lines))), delimiter=separator, strict=True)
        try:
            for record in reader:
                end = begun + reader.line_num
                if record:
                    yield _Span(at, end, record)
                at = end
        except csv.Error as error:
            yield _Span(at, at + 1, [], str(error).rstrip("."))
            at += 1


def _judge(spans: Sequence[_Span], lines: Sequence[str], separator: str) -> Parted:
    parted = Parted()
    if not spans:
        return parted
    width = len(spans[0].record or next(iter(spans[0].plain(lines, separator).values())))
    sure = [span.record for span in spans[1:] if span.end - span.at == 1 and len(span.record) == width]
    columns = [_Values(cells) for cells in zip(*sure, strict=True)]
    for span in spans:
        if span.record and span.end - span.at == 1:
            parted.add(span.record, span.end)
            continue
        plain = span.plain(lines, separator)
        rows = width > 1 and all(len(row) == width for row in plain.values())
        if span.broken and not rows:
            parted.broken = (span.end, span.broken)
            break
        if rows and (len(span.record) != width or _swallowed(span.record, list(plain.values()), columns)):
            parted.bare += [n for n, row in plain.items() if any('"' in cell for cell in row)]
            for n, row in plain.items():
                parted.add(row, n)
            continue
        if rows or width == 1:
            parted.doubtful.append(span.at + 1)
        parted.add(span.record, span.end)
    return parted


class _Values:
    """What stands in a column, in rows that are sure."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.known = frozenset(cells) - {""}
        self.numeric = all(to_number(cell) is not None for cell in cells)

    def take(self, cells: Sequence[str]) -> bool:
        """Say whether most of these cells stand there in other rows too, or are numbers as they are."""
        if self.numeric and all(to_number(cell) is not None for cell in cells):
            return True
        return sum(cell in self.known for cell in cells) * 2 > len(cells)


def _swallowed(record: Record, plain: Sequence[Record], columns: Sequence[_Values]) -> bool:
    """Say whether the lines of a quoted record look like rows of the table, by a column beside the quoted cell.

    Before that cell the first line, and after it the last, are those of the record in any case.
    """
    broken = next(n for n, cell in enumerate(record) if "\n" in cell or "\r" in cell)
    beside = ((n, plain[1:] if n < broken else plain[:-1]) for n in range(len(columns)) if n != broken)
    return any(columns[n].take([row[n] for row in rows]) for n, rows in beside)


def _shown(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:_SHOWN])) + (", …" if len(lines) > _SHOWN else "")
