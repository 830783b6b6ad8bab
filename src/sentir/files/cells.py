"""Tables as rows of text cells, whatever their format; cells are parsed as numbers or lists on request."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sentir.corpus.invisible_characters import normalize_name
from sentir.errors import CorpusError
from sentir.i18n import _

Row = dict[str, str]
Record = list[str]  # the cells of a row in order
ReadErrors = dict[int, dict[str | None, str]]
"""Row number → column (``None`` for the whole row) → why it cannot be read, a clause or a sentence."""
_PYTHON_LIST = re.compile(r"\[\s*('[^'\\]*'|\"[^\"\\]*\")(\s*,\s*('[^'\\]*'|\"[^\"\\]*\"))*\s*,?\s*\]")
_MAX_NUMBER = 1e30  # beyond it, sums overflow float32
_GROUPED_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def parse_number(cell: str) -> float | None:
    """Return the number in a cell, or ``None``; infinities and ``1_0`` are not numbers.

    The decimal mark may be a point or a comma. ``1,234`` is ambiguous and therefore ``None``, as its comma may
    separate thousands; a single point is decimal. `parse_numbers` decides by all cells of a column.
    """
    return _parse_number(cell, ".")


def parse_numbers(cells: Sequence[str], mark: str | None = None) -> list[float | None]:
    """Return the numbers in cells of one column; its unambiguous cells determine the decimal mark, if not given.

    An ambiguous cell with the other mark is ``None``, such as ``1.234`` in a column with ``0,5``.
    """
    if mark is None:
        decimal = DecimalMark()
        for cell in cells:
            decimal.add(cell)
        mark = decimal.mark
    return [_parse_number(cell, mark) for cell in cells]


class DecimalMark:
    """Finds the decimal mark of a column from its cells."""

    def __init__(self) -> None:
        self._marks, self._has_comma = set[str](), False

    def add(self, cell: str) -> None:
        """Take a cell into account."""
        commas, points = cell.count(","), cell.count(".")
        self._has_comma = self._has_comma or commas > 0
        if {(0, 1): ".", (1, 0): ","}.get((commas, points)) in self._marks or len(self._marks) == 2:
            return  # nothing new can be learned
        if (commas or points) and (mark := _unambiguous_mark(cell)):
            self._marks.add(mark)

    @property
    def mark(self) -> str:
        """The mark: ``.``, ``,``, or ``""`` if both occur in unambiguous cells."""
        if not self._has_comma or "," not in self._marks:
            return "."
        return "," if "." not in self._marks else ""


def is_ambiguous_number(cell: str) -> bool:
    """Return whether a cell is one number with a decimal point and another with a decimal comma."""
    point, comma = _parse_with_mark(cell, "."), _parse_with_mark(cell, ",")
    return point is not None and comma is not None and point != comma


def normalize_decimal_marks(path: Path, rows: Sequence[Row], columns: Iterable[str]) -> None:
    """Rewrite the numbers of some columns with a decimal point.

    Raises:
        CorpusError: for an ambiguous number; it names the row.
    """
    for name in dict.fromkeys(columns):
        for n, (row, number) in enumerate(
            zip(rows, parse_numbers([r[name] for r in rows]), strict=True), start=1
        ):
            if number is None and is_ambiguous_number(row[name]):
                raise CorpusError(
                    _("{path}: row {row} has '{cell}' in '{name}', whose mark may be decimal or separate "
                      "thousands; write the numbers of this column with a decimal point and without thousands "
                      "separators.", path=path, row=n, cell=row[name], name=name)
                )  # fmt: skip
            if number is not None and "," in row[name]:
                row[name] = repr(number)


def _unambiguous_mark(cell: str) -> str:
    """Return the decimal mark of a cell if it is a number with that mark only, else ``""``."""
    point, comma = _parse_with_mark(cell, "."), _parse_with_mark(cell, ",")
    return "." if comma is None and point is not None else "," if point is None and comma is not None else ""


def _parse_number(cell: str, decimal_mark: str) -> float | None:
    """Return the number in a cell: by the only decimal mark that fits, else by ``decimal_mark``."""
    if "," not in cell and decimal_mark == "." and cell.count(".") < 2:
        return _parse_finite(cell)
    point, comma = _parse_with_mark(cell, "."), _parse_with_mark(cell, ",")
    if point is None or comma is None or point == comma:
        return comma if point is None else point
    mark = "," if "," in cell else "."
    return None if mark != decimal_mark else comma if mark == "," else point


def _parse_with_mark(cell: str, decimal_mark: str) -> float | None:
    """Return the number in a cell, reading the mark other than ``decimal_mark`` as thousands separator."""
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
    """Return the items of a cell that is a JSON or Python list, else ``None``.

    Items are strings, numbers and booleans; empty ones are dropped.
    """
    cell = cell.strip()
    if not cell.startswith("["):
        return None
    try:
        items = json.loads(cell)
    except (ValueError, RecursionError):
        if not _PYTHON_LIST.fullmatch(cell):
            return None
        items = [single or double for single, double in _QUOTED.findall(cell)]
    if any(isinstance(item, list | dict) for item in items):
        return None
    return [text for item in items if (text := to_cell(item).strip())]


def to_cell(value: Any) -> str:
    """Return a value of a typed table as a cell.

    Raises:
        ValueError: if it cannot be one; its message is a clause.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        if any(isinstance(item, list | tuple | Mapping) for item in value):
            raise ValueError(_("it is a list of lists or objects"))
        return _to_valid_text(json.dumps([_to_json_value(item) for item in value], ensure_ascii=False))
    if isinstance(value, Mapping):
        raise ValueError(_("it is a nested object"))
    return _to_valid_text(value)


def _to_json_value(item: Any) -> Any:
    return item if isinstance(item, str | int | float) or item is None else to_cell(item)


def _to_valid_text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValueError(_("it contains bytes that are not UTF-8 text")) from error
    text = value if isinstance(value, str) else str(value)  # not str(value): keeps an EmbeddedClip
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        raise ValueError(_("it contains a lone surrogate, such as \\ud83d"))
    return text


def objects_to_rows(
    path: Path,
    objects: list[dict[str, Any]],
    read_errors: ReadErrors | None = None,
    columns: Sequence[str] = (),
) -> list[Row]:
    """Return rows of text cells with the given columns, by default those of all objects in order of appearance.

    Raises:
        CorpusError: for a value that cannot be a cell, with its row, counted from 1, and its column; with
            ``read_errors``, it is recorded there instead.
    """
    columns = columns or list(dict.fromkeys(name for one in objects for name in one))
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
                        "{path}: row {row} cannot be read in '{name}': {why}; correct it or remove the column.",
                        path=path,
                        row=n,
                        name=name,
                        why=error,
                    )
                ) from error
        rows.append(row)
    return rows


def require_unique_columns(path: Path, names: Iterable[str]) -> None:
    """Refuse a table with two columns of one name.

    Raises:
        CorpusError: naming the first.
    """
    if duplicates := [name for name, count in Counter(names).items() if count > 1]:
        raise CorpusError(_("{path} has two columns called '{name}'; rename one.", path=path, name=duplicates[0]))


def damaged_file_error(path: Path, why: object) -> CorpusError:
    """Return the error of a file that is not of its format."""
    clause = " ".join(str(why).split()).rstrip(".")
    return CorpusError(
        _("{path} is damaged, or its suffix does not match its format: {why}.", path=path, why=clause)
    )


def records_to_rows(path: Path, records: Sequence[Record]) -> list[Row]:
    """Return a row for each record but the first, which names the columns.

    A column without a name is called ``column 4`` after its position.

    Raises:
        CorpusError: if two columns have one name, or a row has too few or too many cells.
    """
    if not records:
        return []
    header = [name if name.strip() else f"column {n}" for n, name in enumerate(records[0], start=1)]
    require_unique_columns(path, header)
    for n, record in enumerate(records[1:], start=1):
        if len(record) != len(header):
            raise CorpusError(
                _(
                    "{path}: row {row} has {n} cells, the header {expected}; check quotes and separators.",
                    path=path,
                    row=n,
                    n=len(record),
                    expected=len(header),
                )
            )
    return [dict(zip(header, record, strict=True)) for record in records[1:]]


def drop_empty_last_columns(records: list[Record]) -> list[Record]:
    """Drop the cells after the last named column if all of them are empty, as spreadsheets write them."""
    width = max((n for n, name in enumerate(records[0] if records else (), start=1) if name.strip()), default=0)
    if width < 2 or any(cell.strip() for record in records for cell in record[width:]):
        return records
    return [record[:width] for record in records]
