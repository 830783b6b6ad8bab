"""What the rows of a user's own table are grouped and ordered by: names, joined names, and turns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from sentir.corpus.invisible_characters import is_blank, plain
from sentir.corpus.utterances import Issue
from sentir.errors import CorpusError
from sentir.files.cells import Row, to_list, to_number
from sentir.files.turns import note_moved, order_turns
from sentir.i18n import _, thousands
from sentir.recipe import Table
from sentir.recipe.data import columns_of, joined

_TOGETHER, _WITHIN = " & ", "/"


def name_columns(rows: Sequence[Row], asked: Iterable[str]) -> None:
    """Call columns as they are asked for, where their own names differ only in what nobody sees."""
    own: dict[str, list[str]] = defaultdict(list)
    for heading in rows[0]:
        own[plain(heading)].append(heading)
    for name in asked:
        found = own[plain(name)]
        if name not in rows[0] and len(found) == 1 and found[0] in rows[0]:
            for row in rows:
                row[name] = row.pop(found[0])


def make_names(path: Path, rows: Sequence[Row], table: Table, issues: list[Issue]) -> None:
    """Make names of the cells that rows are joined or told apart by, and one name of several columns.

    Names are compared without white space around them and without what nobody sees (see
    `sentir.corpus.invisible_characters.plain`). Ids lose the white space alone, for predictions are joined by them.

    Raises:
        CorpusError: if the cells of several columns make the same name of different ones.
    """
    several = (table.speaker, table.dialogue, table.group)
    names = [name for columns in several for name in columns_of(columns)]
    for name in dict.fromkeys([*names, *table.slices, table.split, table.label]):
        if name not in (None, table.text, table.id):
            _make_plain(path, rows, str(name), issues)
    if table.id:
        for row in rows:
            row[table.id] = "" if is_blank(row[table.id]) else row[table.id].strip()
    _name_speakers(path, rows, table, issues)
    for columns in several:
        if len(columns_of(columns)) > 1:
            _join(path, rows, columns_of(columns))


def dialogue_of(row: Row, columns: str | tuple[str, ...] | None) -> str:
    """Return the name that the cells of one column or several make, ``""`` if there is nothing in them."""
    return _within([plain(row.get(column, "")) for column in columns_of(columns)])


def speaker_of(row: Row, columns: str | tuple[str, ...] | None) -> str:
    """Return the speaker of a row, as `dialogue_of` names one; several in a list are one together."""
    return _within([_speaker(row.get(column, "")) for column in columns_of(columns)])


def _speaker(cell: str) -> str:
    names = to_list(cell)
    return plain(cell) if names is None else _TOGETHER.join(sorted({plain(name) for name in names}))


def _within(cells: Sequence[str]) -> str:
    return _WITHIN.join(cells) if any(cells) else ""


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
        return order_turns(dialogues, places)[0]
    numbers = [to_number(row[column]) for row in rows]
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
        issues.append(Issue("turn_unreadable", "problem", message, ids[n]))
    kept = {dialogues[n] for n in lacking}
    places = [place if number is None or dialogues[n] in kept else number
              for n, (place, number) in enumerate(zip(places, numbers, strict=True))]  # fmt: skip
    turns, moved = order_turns(dialogues, places)
    issues += _same_turns(ids, dialogues, places, column)
    issues += note_moved(moved, column, path.name)
    return turns


def _same_turns(
    ids: Sequence[str], dialogues: Sequence[str], places: Sequence[float], column: str
) -> list[Issue]:
    first: dict[tuple[str, float], str] = {}
    issues = []
    for key, dialogue, place in zip(ids, dialogues, places, strict=True):
        if first.setdefault((dialogue, place), key) != key:
            message = _(
                "It has the same number in '{name}' as {other}; they keep the order of the rows.",
                name=column,
                other=first[dialogue, place],
            )
            issues.append(Issue("turn_repeated", "warning", message, key))
    return issues


def _make_plain(path: Path, rows: Sequence[Row], column: str, issues: list[Issue]) -> None:
    changed = []
    for row in rows:
        cell, row[column] = row[column], plain(row[column])
        if row[column] != cell.strip(" \t\r\n") and not cell.isascii():
            changed.append(cell)
    if changed:
        message = _(
            "Names in '{column}' with invisible characters or another Unicode form of accents: {n}, such as "
            "{example}; they are read without.",
            column=column,
            n=thousands(len(changed)),
            example=ascii(changed[0]),
        )
        issues.append(Issue("name_invisible", "note", message, path.name))


def _name_speakers(path: Path, rows: Sequence[Row], table: Table, issues: list[Issue]) -> None:
    together = []
    for column in columns_of(table.speaker):
        for row in rows:
            if len(to_list(row[column]) or ()) > 1:
                together.append(_speaker(row[column]))
            row[column] = _speaker(row[column])
    if together:
        message = _(
            "Rows with several speakers: {n}; together they count as one of their own, such as '{name}'.",
            n=thousands(len(together)),
            name=together[0],
        )
        issues.append(Issue("speakers_several", "note", message, path.name))


def _join(path: Path, rows: Sequence[Row], columns: tuple[str, ...]) -> None:
    """Give every row one cell of several; it is empty if all of them are."""
    meant: dict[str, tuple[str, ...]] = {}
    for row in rows:
        cells = tuple(row[column] for column in columns)
        name = _within(cells)
        if meant.setdefault(name, cells) != cells:
            raise CorpusError(
                _("{path}: the columns {columns} are joined by '/', which makes '{name}' of different cells; "
                  "take the '/' out of them.", path=path, columns=", ".join(columns), name=name)
            )  # fmt: skip
        row[str(joined(columns))] = name
