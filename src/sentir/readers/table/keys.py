"""Keys of a user table: ids, normalized names, names joined from several columns, and turns."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from sentir.corpus.invisible_characters import is_blank, normalize_name
from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.cells import Row, parse_list, parse_number
from sentir.files.turns import number_turns
from sentir.i18n import _, format_count
from sentir.recipe import TableSettings
from sentir.recipe.data import join_columns, list_columns

# Ids changed by spreadsheets: ``7`` to ``7.0``, and long numbers to ``1.23E+11``.
_INTEGER_WITH_ZEROS = re.compile(r"(-?\d+)[.,]0+")
_INTEGER = re.compile(r"-?\d+(?:[.,]0+)?")
_SCIENTIFIC_NOTATION = re.compile(r"\d(?:[.,]\d+)?E\+\d\d+", re.IGNORECASE)
_SPEAKER_SEPARATOR, _COLUMN_SEPARATOR = " & ", "/"


def match_column_names(rows: Sequence[Row], wanted: Iterable[str]) -> None:
    """Rename columns to the wanted names if they differ only in invisible characters."""
    columns: dict[str, list[str]] = defaultdict(list)
    for column in rows[0]:
        columns[normalize_name(column)].append(column)
    for name in wanted:
        matches = columns[normalize_name(name)]
        if name not in rows[0] and len(matches) == 1 and matches[0] in rows[0]:
            for row in rows:
                row[name] = row.pop(matches[0])


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


def normalize_names(path: Path, rows: Sequence[Row], table: TableSettings, issues: list[Issue]) -> None:
    """Normalize the cells that identify or group rows, and join the cells of settings with several columns.

    Names lose outer white space and invisible characters (see
    `sentir.corpus.invisible_characters.normalize_name`); ids lose only outer white space, since predictions are
    matched by them.

    Raises:
        CorpusError: if different cells of several columns are joined to the same name.
    """
    settings = (table.speaker, table.dialogue, table.group)
    for name in dict.fromkeys(list_columns(*settings, table.slices, table.split, table.label)):
        if name not in (table.text, table.id):
            _normalize_column(path, rows, name, issues)
    if table.id:
        for row in rows:
            row[table.id] = "" if is_blank(row[table.id]) else row[table.id].strip()
    _normalize_speakers(path, rows, table, issues)
    for columns in settings:
        if len(list_columns(columns)) > 1:
            _join_columns(path, rows, list_columns(columns))


def get_dialogue(row: Row, columns: str | tuple[str, ...] | None) -> str:
    """Return the dialogue of a row, joined from one or more columns; ``""`` if all of them are empty."""
    return _join_cells([normalize_name(row.get(column, "")) for column in list_columns(columns)])


def get_speaker(row: Row, columns: str | tuple[str, ...] | None) -> str:
    """Return the speaker of a row, joined as in `get_dialogue`; several speakers in a list are joined too."""
    return _join_cells([_normalize_speaker(row.get(column, "")) for column in list_columns(columns)])


def _normalize_speaker(cell: str) -> str:
    names = parse_list(cell)
    return (
        normalize_name(cell)
        if names is None
        else _SPEAKER_SEPARATOR.join(sorted({normalize_name(name) for name in names}))
    )


def _join_cells(cells: Sequence[str]) -> str:
    return _COLUMN_SEPARATOR.join(cells) if any(cells) else ""


def read_turns(
    path: Path,
    rows: Sequence[Row],
    ids: Sequence[str],
    dialogues: Sequence[str],
    column: str | None,
    issues: list[Issue],
) -> list[int]:
    """Return the turn of every row in its dialogue: by the numbers of a column, else by the order of the rows.

    A dialogue with a row without a number keeps the order of its rows, and each such row is an issue.
    """
    positions: list[float] = [float(n) for n in range(len(rows))]
    if column is None:
        return number_turns(dialogues, positions)
    numbers = [parse_number(row[column]) for row in rows]
    size = Counter(dialogues)
    missing = [n for n, number in enumerate(numbers) if number is None and size[dialogues[n]] > 1]
    for n in missing:
        message = _(
            "'{cell}' in '{name}' is not a number; its dialogue keeps the order of the rows.",
            cell=rows[n][column],
            name=column,
        )
        issues.append(Issue("turn_invalid", "problem", message, ids[n]))
    by_row = {dialogues[n] for n in missing}
    positions = [position if number is None or dialogues[n] in by_row else number
                 for n, (position, number) in enumerate(zip(positions, numbers, strict=True))]  # fmt: skip
    issues += _repeated_turn_issues(ids, dialogues, positions, column)
    return number_turns(dialogues, positions, column, path.name, issues)


def _repeated_turn_issues(
    ids: Sequence[str], dialogues: Sequence[str], positions: Sequence[float], column: str
) -> list[Issue]:
    first: dict[tuple[str, float], str] = {}
    issues = []
    for key, dialogue, position in zip(ids, dialogues, positions, strict=True):
        if first.setdefault((dialogue, position), key) != key:
            message = _(
                "Same number in '{name}' as {other}; they keep the order of the rows.",
                name=column,
                other=first[dialogue, position],
            )
            issues.append(Issue("turn_repeated", "warning", message, key))
    return issues


def _normalize_column(path: Path, rows: Sequence[Row], column: str, issues: list[Issue]) -> None:
    changed = []
    for row in rows:
        cell, row[column] = row[column], normalize_name(row[column])
        if row[column] != cell.strip(" \t\r\n") and not cell.isascii():
            changed.append(cell)
    if changed:
        message = _(
            "Names in '{column}' with invisible characters or not in Unicode NFC: {n}, such as {example}; they "
            "were normalized.",
            column=column,
            n=format_count(len(changed)),
            example=ascii(changed[0]),
        )
        issues.append(Issue("name_normalized", "note", message, path.name))


def _normalize_speakers(path: Path, rows: Sequence[Row], table: TableSettings, issues: list[Issue]) -> None:
    joined = []
    for column in list_columns(table.speaker):
        for row in rows:
            if len(parse_list(row[column]) or ()) > 1:
                joined.append(_normalize_speaker(row[column]))
            row[column] = _normalize_speaker(row[column])
    if joined:
        message = _(
            "Rows with several speakers: {n}; each combination counts as a speaker of its own, such as '{name}'.",
            n=format_count(len(joined)),
            name=joined[0],
        )
        issues.append(Issue("multiple_speakers", "note", message, path.name))


def _join_columns(path: Path, rows: Sequence[Row], columns: tuple[str, ...]) -> None:
    """Add a column that joins several; its cell is empty if all of theirs are."""
    cells_of: dict[str, tuple[str, ...]] = {}
    for row in rows:
        cells = tuple(row[column] for column in columns)
        name = _join_cells(cells)
        if cells_of.setdefault(name, cells) != cells:
            raise CorpusError(
                _("{path}: joining the columns {columns} by '/' gives '{name}' for different cells; remove the "
                  "'/' from them.", path=path, columns=", ".join(columns), name=name)
            )  # fmt: skip
        row[str(join_columns(columns))] = name
