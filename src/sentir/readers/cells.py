"""Tables as rows of text cells, whatever they come from; a cell is a number or a list where one is asked for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sentir.errors import CorpusError
from sentir.i18n import _

Row = dict[str, str]
_PYTHON_LIST = re.compile(r"\[\s*('[^'\\]*'|\"[^\"\\]*\")(\s*,\s*('[^'\\]*'|\"[^\"\\]*\"))*\s*,?\s*\]")
_LARGEST = 1e30  # beyond it sums and float32 overflow, and nothing is measured
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def to_number(cell: str) -> float | None:
    """Return the number a cell holds, or ``None``: infinities are none, nor is ``1_0``, for Python a 10.

    Decimals have a point or a comma. A mark before three digits that may part thousands as well as decimals
    (``1,234``) is no number; a point alone (``1.234``) is taken as that of decimals. See `unify_numbers` for what
    the other cells of a column tell.
    """
    if "," not in cell and cell.count(".") < 2:
        return _finite(cell)
    point, comma = _number(cell, "."), _number(cell, ",")
    return (comma if point is None else point) if point is None or comma is None else None


def unify_numbers(path: Path, rows: Sequence[Row], columns: Iterable[str]) -> None:
    """Write the numbers of some columns with a point; what tells a decimal comma is the whole column.

    Raises:
        CorpusError: for a cell whose comma or point may part thousands as well as decimals; it names the row.
    """
    for name in dict.fromkeys(columns):
        if wrong := doubtful_number([row[name] for row in rows]):
            n, cell = wrong
            raise CorpusError(
                _("{path}: row {row} has '{cell}' in '{name}', where the mark may part thousands or decimals; "
                  "write the numbers of this column with a decimal point and without marks of thousands.",
                  path=path, row=n, cell=cell, name=name)
            )  # fmt: skip
        comma = any(_only(row[name], ",") for row in rows)
        for row in rows if comma else ():
            number = _number(row[name], "," if _number(row[name], ",") is not None else ".")
            row[name] = row[name] if number is None else repr(number)


def doubtful_number(cells: Sequence[str]) -> tuple[int, str] | None:
    """Return number and content of the first cell that may be read as two numbers, and no other cell tells."""
    comma, point = (any(_only(cell, mark) for cell in cells) for mark in (",", "."))
    for n, cell in enumerate(cells, start=1):
        if "," in cell or "." in cell:
            found = _number(cell, "."), _number(cell, ",")
            decimal = comma and not point if "," in cell else not comma
            if None not in found and found[0] != found[1] and not decimal:
                return n, cell
    return None


def _only(cell: str, mark: str) -> bool:
    """Say whether a cell is a number by this mark of decimals, and none by the other."""
    other = "," if mark == "." else "."
    return _number(cell, mark) is not None and _number(cell, other) is None


def _number(cell: str, mark: str) -> float | None:
    """Return the number in a cell, were ``mark`` that of decimals and the other one that of thousands."""
    thousands = "," if mark == "." else "."
    whole, _mark, decimals = cell.partition(mark)
    if thousands in whole:
        if not _THOUSANDS.fullmatch(whole.strip()):
            return None
        whole = whole.replace(thousands, "")
    return None if thousands in decimals else _finite(f"{whole}.{decimals}" if _mark else whole)


def _finite(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if abs(number) <= _LARGEST and "_" not in cell else None


def to_list(cell: str) -> list[str] | None:
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
    return [text for item in items if (text := to_text(item).strip())]


def to_text(value: Any) -> str:
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
        return _characters(json.dumps([_plain(item) for item in value], ensure_ascii=False))
    if isinstance(value, Mapping):
        if value.keys() == {"bytes", "path"}:  # a sound or picture of `datasets`
            return to_text(value["path"])
        raise ValueError(_("it holds an object of its own"))
    return _characters(value)


def _plain(item: Any) -> Any:
    return item if isinstance(item, str | int | float) or item is None else to_text(item)


def _characters(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValueError(_("it holds bytes that are no text")) from error
    text = str(value)
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        raise ValueError(_("it holds half a character, such as \\ud83d"))
    return text


def to_rows(path: Path, objects: list[dict[str, Any]], first: int = 1) -> list[Row]:
    """Return rows with the same columns, those of all objects in order of appearance, and cells of text.

    Raises:
        CorpusError: naming the row, counted from ``first``, and the column of a value that cannot be a cell.
    """
    columns = dict.fromkeys(name for one in objects for name in one)
    rows = []
    for n, one in enumerate(objects, start=first):
        row = {}
        for name in columns:
            try:
                row[name] = to_text(one.get(name))
            except ValueError as error:
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
