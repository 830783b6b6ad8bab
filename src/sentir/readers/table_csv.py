"""Tables of separated cells: CSV and TSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from contextlib import suppress
from pathlib import Path

from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.readers.cells import Row

Record = list[str]
_LONGEST_CELL = 2**31 - 1  # characters; Python takes 131,072 unless told
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_separated(path: Path) -> list[Row]:
    """Read a file of cells separated by commas, by tabs, or by semicolons, as many spreadsheets write.

    What separates is what the file's name says. Only if that does not part every row alike, or parts nothing, and
    one other separator does, it is that one.

    Raises:
        CorpusError: if it is no text in UTF-8 (or UTF-16 with its mark), has two columns of one name, or a row
            has too few or too many cells.
    """
    text = read_text(path)
    records = _records(path, text)
    if not records:
        return []
    header = records.pop(0)
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


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without its mark, or in UTF-16 with it.

    Raises:
        CorpusError: if it is in another encoding; which one would be a guess.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_text(path) from error
    if text.count("\0") > len(text) / 4:  # UTF-16 without its mark
        raise _not_text(path)
    return text


def _not_text(path: Path) -> CorpusError:
    return CorpusError(
        _("{path} is not UTF-8 text; save it as UTF-8 (spreadsheets offer 'CSV UTF-8').", path=path)
    )


def _records(path: Path, text: str) -> list[Record]:
    """Return the lines that are not blank as cells."""
    own, *others = ("\t", ",", ";") if path.suffix.lower() == ".tsv" else (",", "\t", ";")
    records: list[Record] = []
    refusal = None
    try:
        records = _part(text, own)
    except csv.Error as error:
        refusal = error
    if _fits(records) or (not records and not refusal):
        return records
    other: list[list[Record]] = []
    for separator in others:
        with suppress(csv.Error):
            other.append(_part(text, separator))
    fitting = [found for found in other if _fits(found)]
    if not fitting and records and len(records[0]) == 1:  # whose header it parts: a row of it will be refused
        fitting = [found for found in other if len(found[0]) > 1]
    if len(fitting) == 1:
        return fitting[0]
    if refusal:
        raise CorpusError(_("{path} is no table: {why}.", path=path, why=str(refusal).rstrip("."))) from refusal
    return records


def _part(text: str, separator: str) -> list[Record]:
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        return [record for record in lines if record]
    finally:
        csv.field_size_limit(limit)


def _fits(records: list[Record]) -> bool:
    return len({len(record) for record in records}) == 1 and len(records[0]) > 1
