"""Delimited tables: CSV and TSV."""

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
    """Read a file delimited by commas, tabs or, as many spreadsheets write, semicolons.

    The suffix determines the separator. Another one is used only if the file's own does not give all rows the
    same number of cells, two or more, and exactly one other does.

    Raises:
        CorpusError: if it is not text, has two columns of one name, or a row has too few or too many cells.
    """
    parsed = _parse_best(read_text(path, encoding, issues), is_tsv=path.suffix.lower() == ".tsv")
    if parsed.error:
        line, why = parsed.error
        raise CorpusError(
            _("{path} is not a table: line {line}: {why}; write quotes inside a cell twice.",
              path=path, line=line, why=why)
        )  # fmt: skip
    issues += parsed.issues(path.name)
    return records_to_rows(path, parsed.records)


def _parse_best(text: str, *, is_tsv: bool) -> ParsedRecords:
    """Return the records by the separator that fits: the file's own, else the only other one."""
    own, *others = ("\t", ",", ";") if is_tsv else (",", "\t", ";")
    by_own = _parse(text, own)
    if by_own.is_rectangular or (not by_own.records and not by_own.error):
        return by_own
    by_others = [_parse(text, separator) for separator in others]
    fitting = [parsed for parsed in by_others if parsed.is_rectangular]
    if not fitting and not by_own.error and len(by_own.records[0]) == 1:
        # another separator splits the header: the error will name the row that does not fit it
        fitting = [parsed for parsed in by_others if parsed.records and len(parsed.records[0]) > 1]
    return fitting[0] if len(fitting) == 1 else by_own


def _parse(text: str, separator: str) -> ParsedRecords:
    parsed = parse_delimited(text, separator)
    return replace(parsed, records=drop_empty_last_columns(parsed.records))
