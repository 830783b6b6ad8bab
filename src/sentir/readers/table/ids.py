"""Ids changed by spreadsheets: ``7`` to ``7.0``, and long numbers to ``1.23E+11``."""

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
    """Return an integer without the ``.0`` that spreadsheets and data frames add; else the cell."""
    match = _INTEGER_WITH_ZEROS.fullmatch(cell)
    return match[1] if match else cell


def normalize_ids(file: str, rows: Sequence[Row], columns: Sequence[str], issues: list[Issue]) -> None:
    """Strip the ``.0`` from the ids of columns of integers, and report ids that lost digits."""
    for name in dict.fromkeys(columns):
        cells = {row[name] for row in rows} - {""}
        decimal = sorted(cell for cell in cells if strip_decimal_zeros(cell) != cell)
        if decimal and all(map(_INTEGER.fullmatch, cells)):
            for row in rows:
                row[name] = strip_decimal_zeros(row[name])
            message = _("Integers in '{name}' are written as '{cell}'; read as '{integer}'.",
                        name=name, cell=decimal[0], integer=strip_decimal_zeros(decimal[0]))  # fmt: skip
            issues.append(Issue("ids_decimal", "note", message, file))
        if truncated := sorted(filter(_SCIENTIFIC_NOTATION.fullmatch, cells)):
            message = _(
                "'{name}' contains numbers truncated by a spreadsheet, such as '{cell}' ({n} in total), so "
                "different ids may have become equal; export the table again with this column as text.",
                name=name,
                cell=truncated[0],
                n=len(truncated),
            )
            issues.append(Issue("ids_truncated", "problem", message, file))
