"""Tables in workbooks (.xlsx), read with openpyxl."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.archive_members import UnsafeMemberError, check_unpacked_size
from sentir.files.cells import Row, damaged_file_error, drop_empty_last_columns, records_to_rows, to_cell
from sentir.i18n import _
from sentir.optional_dependencies import require_extra

_MAX_ROWS, _MAX_CELLS = 2**20, 20_000_000  # rows are the format's own limit
_FREE_BYTES = 20 * 10**6  # that a workbook of any size may become: its XML takes ten times as much memory
_DAMAGED_FILE_ERRORS = (BadZipFile, ZlibError, OSError, EOFError, SyntaxError, ArithmeticError,
            LookupError, TypeError, ValueError, AttributeError, RuntimeError)  # fmt: skip


def read_sheet(path: Path, issues: list[Issue]) -> list[Row]:
    """Read the first sheet of a workbook that is not empty; the others are listed in an issue.

    Dates become ISO 8601, booleans true and false, and formulas their stored results.

    Raises:
        CorpusError: if it is not a workbook, or the result of a formula is not stored.
        MissingDependencyError: if openpyxl is not installed.
    """
    try:
        sheets = _load_sheets(path, with_results=True)
        name = next((name for name, rows in sheets.items() if rows), "")
        rows = sheets.get(name, {})
        _require_results(path, name, rows)
    except UnsafeMemberError as error:
        raise damaged_file_error(path, f"{error.name}: {error.reason}") from error
    except _DAMAGED_FILE_ERRORS as error:
        raise damaged_file_error(path, error) from error
    if others := [other for other, content in sheets.items() if content and other != name]:
        message = _("Only the sheet '{name}' was read; to read another, save it as a separate file: {others}.",
                    name=name, others=", ".join(others))  # fmt: skip
        issues.append(Issue("sheets_ignored", "note", message, path.name))
    return records_to_rows(path, drop_empty_last_columns([list(map(_to_cell, row)) for row in rows.values()]))


def _load_sheets(path: Path, *, with_results: bool) -> dict[str, dict[int, tuple[Any, ...]]]:
    """Return the rows that are not empty by sheet and row number, with formulas or their results."""
    require_extra("xlsx", _("Reading {format}", format=".xlsx"))
    from openpyxl import load_workbook

    with ZipFile(path) as archive:
        check_unpacked_size(archive, path.stat().st_size, _FREE_BYTES)
    book = load_workbook(path, read_only=True, data_only=with_results)
    try:
        return {sheet.title: _filled_rows(_iter_rows(sheet)) for sheet in book.worksheets}
    finally:
        book.close()


def _iter_rows(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that a sheet has, whatever size it declares."""
    sheet.reset_dimensions()
    for n, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if n > _MAX_ROWS:
            raise ValueError(_("it has more than {n} rows", n=_MAX_ROWS))
        yield tuple(row)


def _filled_rows(rows: Iterable[tuple[Any, ...]]) -> dict[int, tuple[Any, ...]]:
    """Return the rows that are not empty by number, all of one length."""
    filled: dict[int, tuple[Any, ...]] = {}
    width = 0
    for n, row in enumerate(rows, start=1):
        width = max(width, len(row))
        if any(value is not None and str(value).strip() for value in row):
            filled[n] = row
        if width * len(filled) > _MAX_CELLS:
            raise ValueError(_("it has more than {n} cells", n=_MAX_CELLS))
    return {n: row + (None,) * (width - len(row)) for n, row in filled.items()}


def _require_results(path: Path, name: str, rows: dict[int, tuple[Any, ...]]) -> None:
    """Reject a sheet with a formula whose result is not stored."""
    if rows and all(value is not None for row in rows.values() for value in row):
        return
    for sheet, formulas in _load_sheets(path, with_results=False).items():
        if name not in ("", sheet):
            continue
        for n, row in formulas.items():
            for index, value in enumerate(row):
                if _is_formula(value) and (n not in rows or rows[n][index] is None):
                    raise CorpusError(
                        _("{path}: row {row} of the sheet '{name}' has a formula without a result; open it in a "
                          "spreadsheet program and save it.", path=path, row=n, name=sheet)
                    )  # fmt: skip


def _is_formula(value: Any) -> bool:
    from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

    return isinstance(value, ArrayFormula | DataTableFormula) or (isinstance(value, str) and value[:1] == "=")


def _to_cell(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return to_cell(value)
