"""What spreadsheets make of ids: ``7`` that became ``7.0``, and long numbers that became ``1.23E+11``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sentir.corpus.utterances import Issue
from sentir.files.cells import Row
from sentir.i18n import _

_INTEGER_WITH_ZEROS = re.compile(r"(-?\d+)[.,]0+")
_INTEGER = re.compile(r"-?\d+(?:[.,]0+)?")
_SCIENTIFIC_NOTATION = re.compile(r"\d(?:[.,]\d+)?E\+\d\d+", re.IGNORECASE)


def strip_decimal_zeros(cell: str) -> str:
    """Return a whole number without the ``.0`` that spreadsheets and data frames write; else the cell."""
    match = _INTEGER_WITH_ZEROS.fullmatch(cell)
    return match[1] if match else cell


def normalize_ids(file: str, rows: Sequence[Row], columns: Sequence[str], issues: list[Issue]) -> None:
    """Take the ``.0`` off the ids of columns that hold whole numbers alone, and tell of ids that lost digits."""
    for name in dict.fromkeys(columns):
        cells = {row[name] for row in rows} - {""}
        written = sorted(cell for cell in cells if strip_decimal_zeros(cell) != cell)
        if written and all(map(_INTEGER.fullmatch, cells)):
            for row in rows:
                row[name] = strip_decimal_zeros(row[name])
            message = _("Whole numbers in '{name}' are written as '{cell}' and are read as '{whole}'.",
                        name=name, cell=written[0], whole=strip_decimal_zeros(written[0]))  # fmt: skip
            issues.append(Issue("ids_decimal", "note", message, file))
        if short := sorted(filter(_SCIENTIFIC_NOTATION.fullmatch, cells)):
            message = _(
                "'{name}' holds numbers that a spreadsheet has shortened, such as '{cell}' ({n} in all), "
                "so that different ones may be the same now; export the table again with this column as text.",
                name=name,
                cell=short[0],
                n=len(short),
            )
            issues.append(Issue("ids_truncated", "problem", message, file))
