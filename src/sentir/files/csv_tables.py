"""Tables of separated cells: CSV and TSV."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.cells import Row
from sentir.files.delimited import ParsedRecords, parse_delimited
from sentir.files.table_rows import drop_empty_last_columns, records_to_rows
from sentir.files.text_encoding import read_text
from sentir.i18n import _


def read_delimited(path: Path, encoding: str | None, issues: list[Issue]) -> list[Row]:
    """Read a file of cells separated by commas, by tabs, or by semicolons, as many spreadsheets write.

    What separates is what the file's name says. Only if that does not part every row alike, or parts nothing, and
    one other separator does, it is that one.

    Raises:
        CorpusError: if it is no text, has two columns of one name, or a row has too few or too many cells.
    """
    parted = _parse_best(read_text(path, encoding, issues), is_tsv=path.suffix.lower() == ".tsv")
    if parted.error:
        line, why = parted.error
        raise CorpusError(
            _("{path} is no table: line {line}: {why}; where quotes are characters, write each of them twice.",
              path=path, line=line, why=why)
        )  # fmt: skip
    issues += parted.issues(path.name)
    return records_to_rows(path, parted.records)


def _parse_best(text: str, *, is_tsv: bool) -> ParsedRecords:
    """Return the records by the separator that fits: the file's own, else the only other one."""
    own, *others = ("\t", ",", ";") if is_tsv else (",", "\t", ";")
    found = _parse(text, own)
    if found.is_rectangular or (not found.records and not found.error):
        return found
    parted = [_parse(text, separator) for separator in others]
    fitting = [other for other in parted if other.is_rectangular]
    if not fitting and not found.error and len(found.records[0]) == 1:
        # a header that another separator parts: a row of it will be refused
        fitting = [other for other in parted if other.records and len(other.records[0]) > 1]
    return fitting[0] if len(fitting) == 1 else found


def _parse(text: str, separator: str) -> ParsedRecords:
    found = parse_delimited(text, separator)
    return replace(found, records=drop_empty_last_columns(found.records))
