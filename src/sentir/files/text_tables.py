"""Tables as text: CSV, TSV, and JSON Lines with one object per line, a key per column."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.cells import (
    ReadErrors,
    Row,
    drop_empty_last_columns,
    objects_to_rows,
    records_to_rows,
    to_cell,
)
from sentir.files.delimited import ParsedRecords, parse_delimited
from sentir.files.text_encoding import read_text
from sentir.i18n import _


def read_delimited(path: Path, encoding: str | None, issues: list[Issue]) -> list[Row]:
    """Read a file delimited by commas, tabs or, as many spreadsheets write, semicolons.

    The suffix determines the separator. Another one is used only if the file's own does not give all rows the
    same number of cells, two or more, and exactly one other does.

    Raises:
        CorpusError: if it is not text, has two columns of one name, or a row has too few or too many cells.
    """
    parsed = _parse_best(read_text(path, encoding, issues), list_separators(path))
    if parsed.error:
        line, why = parsed.error
        raise CorpusError(
            _("{path} is not a table: line {line}: {why}; write quotes inside a cell twice.",
              path=path, line=line, why=why)
        )  # fmt: skip
    issues += parsed.issues(path.name)
    return records_to_rows(path, parsed.records)


def list_separators(path: Path) -> tuple[str, str, str]:
    """Return the separators that a file may have, its own first."""
    return ("\t", ",", ";") if path.suffix.lower() == ".tsv" else (",", "\t", ";")


def _parse_best(text: str, separators: Sequence[str]) -> ParsedRecords:
    """Return the records by the separator that fits: the first, the file's own, else the only other one."""
    own, *others = separators
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


def read_json_lines(
    path: Path, encoding: str | None, issues: list[Issue], read_errors: ReadErrors | None = None
) -> list[Row]:
    """Read one object per line; a missing key is an empty cell, and blank lines are skipped.

    Raises:
        CorpusError: if a line is not an object, repeats a key, or has nested objects; with ``read_errors``, where
            these are recorded, only if no line is an object.
    """
    text = read_text(path, encoding, issues)
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    objects, errors = list[dict[str, Any]](), list[CorpusError]()
    for row, (n, line) in enumerate(lines, start=1):
        try:
            objects.append(parse_object(path, n, line))
        except CorpusError as error:
            if read_errors is None:
                raise
            objects.append({})
            errors.append(error)
            read_errors[row] = {None: str(error)}
    if errors and len(errors) == len(lines):
        raise errors[0]
    return objects_to_rows(path, objects, read_errors)


def parse_object(path: Path, n: int, line: str) -> dict[str, Any]:
    """Return the object of line ``n``.

    Raises:
        CorpusError: if it is none, or repeats a key.
    """

    def require_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        unique: dict[str, Any] = {}
        for key, value in pairs:
            if key in unique:
                raise CorpusError(
                    _("{path}, line {line}: the key '{name}' is repeated; keep one.", path=path, line=n, name=key)
                )
            unique[to_cell(key)] = value
        return unique

    try:
        value = json.loads(line, object_pairs_hook=require_unique_keys)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CorpusError(
            _('{path}, line {line}: this is not a JSON object such as {{"text": "Hi"}}; write one per line.',
              path=path, line=n)
        )  # fmt: skip
    return value
