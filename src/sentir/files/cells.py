"""Tables as rows of text cells, whatever they come from; a cell is a number or a list where one is asked for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sentir.corpus.invisible_characters import normalize_name
from sentir.errors import CorpusError
from sentir.i18n import _

Row = dict[str, str]
ReadErrors = dict[int, dict[str | None, str]]
"""Number of a row → column, or ``None`` for the whole row → why it cannot be read, in a clause or a sentence."""
_PYTHON_LIST = re.compile(r"\[\s*('[^'\\]*'|\"[^\"\\]*\")(\s*,\s*('[^'\\]*'|\"[^\"\\]*\"))*\s*,?\s*\]")
_MAX_NUMBER = 1e30  # beyond it sums and float32 overflow, and nothing is measured
_GROUPED_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def parse_number(cell: str) -> float | None:
    """Return the number a cell holds, or ``None``: infinities are none, nor is ``1_0``, for Python a 10.

    Decimals have a point or a comma. ``1,234`` is no number, as its comma may part thousands as well; a lone
    point is that of decimals. What the other cells of a column tell of them is for `to_numbers`.
    """
    return _parse_number(cell, ".")


def parse_numbers(cells: Sequence[str]) -> list[float | None]:
    """Return the numbers in the cells of one column; what marks decimals is shown by those that leave no doubt.

    A cell whose mark may part thousands as well is none, such as ``1.234`` beside ``0,5``.
    """
    shown = {_unambiguous_mark(cell) for cell in cells} - {""} if any("," in cell for cell in cells) else set()
    decimal = "." if "," not in shown else "," if "." not in shown else ""
    return [_parse_number(cell, decimal) for cell in cells]


def find_ambiguous_number(cells: Sequence[str]) -> tuple[int, str] | None:
    """Return number and content of the first cell of a column that may be two numbers, if any."""
    for n, (cell, number) in enumerate(zip(cells, parse_numbers(cells), strict=True), start=1):
        if number is None and is_ambiguous_number(cell):
            return n, cell
    return None


def is_ambiguous_number(cell: str) -> bool:
    """Say whether a cell is one number by a decimal point and another by a decimal comma."""
    point, comma = _parse_with_mark(cell, "."), _parse_with_mark(cell, ",")
    return point is not None and comma is not None and point != comma


def normalize_decimal_marks(path: Path, rows: Sequence[Row], columns: Iterable[str]) -> None:
    """Write the numbers of some columns with a decimal point.

    Raises:
        CorpusError: for a cell that may be two numbers; it names the row.
    """
    for name in dict.fromkeys(columns):
        cells = [row[name] for row in rows]
        if wrong := find_ambiguous_number(cells):
            raise CorpusError(
                _("{path}: row {row} has '{cell}' in '{name}', where the mark may part thousands or decimals; "
                  "write the numbers of this column with a decimal point and without marks of thousands.",
                  path=path, row=wrong[0], cell=wrong[1], name=name)
            )  # fmt: skip
        for row, number in zip(rows, parse_numbers(cells), strict=True):
            if number is not None and "," in row[name]:
                row[name] = repr(number)


def _unambiguous_mark(cell: str) -> str:
    """Return what marks decimals in a cell, if it is a number by that mark alone."""
    point, comma = _parse_with_mark(cell, "."), _parse_with_mark(cell, ",")
    return "." if comma is None and point is not None else "," if point is None and comma is not None else ""


def _parse_number(cell: str, decimal_mark: str) -> float | None:
    """Return the number in a cell: by the one mark of decimals that makes it one, else by ``decimal_mark``."""
    if "," not in cell and decimal_mark == "." and cell.count(".") < 2:
        return _parse_finite(cell)
    point, comma = _parse_with_mark(cell, "."), _parse_with_mark(cell, ",")
    if point is None or comma is None or point == comma:
        return comma if point is None else point
    mark = "," if "," in cell else "."
    return None if mark != decimal_mark else comma if mark == "," else point


def _parse_with_mark(cell: str, decimal_mark: str) -> float | None:
    """Return the number in a cell, were ``decimal_mark`` that of decimals and the other one that of thousands."""
    thousands = "," if decimal_mark == "." else "."
    whole, _mark, decimals = cell.partition(decimal_mark)
    if thousands in whole:
        if not _GROUPED_THOUSANDS.fullmatch(whole.strip()):
            return None
        whole = whole.replace(thousands, "")
    return None if thousands in decimals else _parse_finite(f"{whole}.{decimals}" if _mark else whole)


def _parse_finite(cell: str) -> float | None:
    try:
        number = float(normalize_name(cell))
    except ValueError:
        return None
    return number if abs(number) <= _MAX_NUMBER and "_" not in cell else None


def parse_list(cell: str) -> list[str] | None:
    """Return the items of a cell that is a list, as JSON or Python write one, or ``None`` if it is none.

    Items are strings, numbers, or true and false; those without content are left out.
    """
    cell = cell.strip()
    if not cell.startswith("["):
        return None
    try:
        items = json.loads(cell)
    except (ValueError, RecursionError):
        if not _PYTHON_LIST.fullmatch(cell):
            return None
        items = [one or other for one, other in _QUOTED.findall(cell)]
    if any(isinstance(item, list | dict) for item in items):
        return None
    return [text for item in items if (text := to_cell(item).strip())]


def to_cell(value: Any) -> str:
    """Return a value of a typed table as a cell.

    Raises:
        ValueError: saying in a clause why it cannot be one.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        if any(isinstance(item, list | tuple | Mapping) for item in value):
            raise ValueError(_("it holds a list of lists or of objects"))
        return _to_valid_text(json.dumps([_to_json_value(item) for item in value], ensure_ascii=False))
    if isinstance(value, Mapping):
        raise ValueError(_("it holds an object of its own"))
    return _to_valid_text(value)


def _to_json_value(item: Any) -> Any:
    return item if isinstance(item, str | int | float) or item is None else to_cell(item)


def _to_valid_text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValueError(_("it holds bytes that are no text")) from error
    text = value if isinstance(value, str) else str(value)  # as it is: an embedded clip
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        raise ValueError(_("it holds half a character, such as \\ud83d"))
    return text


def objects_to_rows(
    path: Path, objects: list[dict[str, Any]], read_errors: ReadErrors | None = None
) -> list[Row]:
    """Return rows with the same columns, those of all objects in order of appearance, and cells of text.

    Raises:
        CorpusError: naming the row, counted from 1, and the column of a value that cannot be a cell, if there is
            no ``read_errors`` to tell it in.
    """
    columns = dict.fromkeys(name for one in objects for name in one)
    rows = []
    for n, one in enumerate(objects, start=1):
        row = {}
        for name in columns:
            try:
                row[name] = to_cell(one.get(name))
            except ValueError as error:
                if read_errors is not None:
                    read_errors.setdefault(n, {})[name] = str(error)
                    row[name] = json.dumps(one[name], default=repr)
                    continue
                raise CorpusError(
                    _(
                        "{path}: row {row} cannot be read in '{name}': {why}; correct it or leave "
                        "the column out.",
                        path=path,
                        row=n,
                        name=name,
                        why=error,
                    )
                ) from error
        rows.append(row)
    return rows
