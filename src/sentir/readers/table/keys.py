"""What the rows of a user's own table are grouped and ordered by: names, joined names, and turns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from sentir.corpus.invisible_characters import is_blank, normalize_name
from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.cells import Row, parse_list, parse_number
from sentir.files.turns import note_reordered_dialogues, number_turns
from sentir.i18n import _, format_count
from sentir.recipe import TableSettings
from sentir.recipe.data import join_columns, list_columns

_SPEAKER_SEPARATOR, _COLUMN_SEPARATOR = " & ", "/"


def match_column_names(rows: Sequence[Row], wanted: Iterable[str]) -> None:
    """Call columns as they are asked for, where their own names differ only in what nobody sees."""
    own: dict[str, list[str]] = defaultdict(list)
    for heading in rows[0]:
        own[normalize_name(heading)].append(heading)
    for name in wanted:
        found = own[normalize_name(name)]
        if name not in rows[0] and len(found) == 1 and found[0] in rows[0]:
            for row in rows:
                row[name] = row.pop(found[0])


def normalize_names(path: Path, rows: Sequence[Row], table: TableSettings, issues: list[Issue]) -> None:
    """Make names of the cells that rows are joined or told apart by, and one name of several columns.

    Names are compared without white space around them and without what nobody sees (see
    `sentir.corpus.invisible_characters.plain`). Ids lose the white space alone, for predictions are joined by them.

    Raises:
        CorpusError: if the cells of several columns make the same name of different ones.
    """
    several = (table.speaker, table.dialogue, table.group)
    names = [name for columns in several for name in list_columns(columns)]
    for name in dict.fromkeys([*names, *table.slices, table.split, table.label]):
        if name not in (None, table.text, table.id):
            _normalize_column(path, rows, str(name), issues)
    if table.id:
        for row in rows:
            row[table.id] = "" if is_blank(row[table.id]) else row[table.id].strip()
    _normalize_speakers(path, rows, table, issues)
    for columns in several:
        if len(list_columns(columns)) > 1:
            _join_columns(path, rows, list_columns(columns))


def get_dialogue(row: Row, columns: str | tuple[str, ...] | None) -> str:
    """Return the name that the cells of one column or several make, ``""`` if there is nothing in them."""
    return _join_cells([normalize_name(row.get(column, "")) for column in list_columns(columns)])


def get_speaker(row: Row, columns: str | tuple[str, ...] | None) -> str:
    """Return the speaker of a row, as `dialogue_of` names one; several in a list are one together."""
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
    """Return the turn of every row in its dialogue: by the numbers of a column, else as the rows stand.

    A dialogue of which a row has no number keeps the order of its rows, and each such row is listed.
    """
    places: list[float] = [float(n) for n in range(len(rows))]
    if column is None:
        return number_turns(dialogues, places)[0]
    numbers = [parse_number(row[column]) for row in rows]
    size: dict[str, int] = defaultdict(int)
    for dialogue in dialogues:
        size[dialogue] += 1
    lacking = [n for n, number in enumerate(numbers) if number is None and size[dialogues[n]] > 1]
    for n in lacking:
        message = _(
            "'{cell}' in '{name}' is no number; its dialogue keeps the order of the rows.",
            cell=rows[n][column],
            name=column,
        )
        issues.append(Issue("turn_invalid", "problem", message, ids[n]))
    kept = {dialogues[n] for n in lacking}
    places = [place if number is None or dialogues[n] in kept else number
              for n, (place, number) in enumerate(zip(places, numbers, strict=True))]  # fmt: skip
    turns, moved = number_turns(dialogues, places)
    issues += _repeated_turn_issues(ids, dialogues, places, column)
    issues += note_reordered_dialogues(moved, column, path.name)
    return turns


def _repeated_turn_issues(
    ids: Sequence[str], dialogues: Sequence[str], positions: Sequence[float], column: str
) -> list[Issue]:
    first: dict[tuple[str, float], str] = {}
    issues = []
    for key, dialogue, place in zip(ids, dialogues, positions, strict=True):
        if first.setdefault((dialogue, place), key) != key:
            message = _(
                "It has the same number in '{name}' as {other}; they keep the order of the rows.",
                name=column,
                other=first[dialogue, place],
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
            "Names in '{column}' with invisible characters or another Unicode form of accents: {n}, such as "
            "{example}; they are read without.",
            column=column,
            n=format_count(len(changed)),
            example=ascii(changed[0]),
        )
        issues.append(Issue("name_normalized", "note", message, path.name))


def _normalize_speakers(path: Path, rows: Sequence[Row], table: TableSettings, issues: list[Issue]) -> None:
    together = []
    for column in list_columns(table.speaker):
        for row in rows:
            if len(parse_list(row[column]) or ()) > 1:
                together.append(_normalize_speaker(row[column]))
            row[column] = _normalize_speaker(row[column])
    if together:
        message = _(
            "Rows with several speakers: {n}; together they count as one of their own, such as '{name}'.",
            n=format_count(len(together)),
            name=together[0],
        )
        issues.append(Issue("multiple_speakers", "note", message, path.name))


def _join_columns(path: Path, rows: Sequence[Row], columns: tuple[str, ...]) -> None:
    """Give every row one cell of several; it is empty if all of them are."""
    meant: dict[str, tuple[str, ...]] = {}
    for row in rows:
        cells = tuple(row[column] for column in columns)
        name = _join_cells(cells)
        if meant.setdefault(name, cells) != cells:
            raise CorpusError(
                _("{path}: the columns {columns} are joined by '/', which makes '{name}' of different cells; "
                  "take the '/' out of them.", path=path, columns=", ".join(columns), name=name)
            )  # fmt: skip
        row[str(join_columns(columns))] = name
