"""Tables and conversations to be recognized: which columns are used, and what every row gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from sentir.corpus.invisible_characters import is_blank, plain
from sentir.corpus.utterances import Clip, Issue, Utterance
from sentir.errors import CorpusError
from sentir.files.cells import Row, Unreadable, to_numbers
from sentir.files.clip_paths import ClipFinder
from sentir.files.tables import JSON_SUFFIXES, load_rows
from sentir.i18n import _
from sentir.progress import warn
from sentir.readers.table.keys import dialogue_of, read_turns, speaker_of
from sentir.readers.table.reader import media_root, read_times
from sentir.safe_text import encodable

_USUAL = {"id": "id", "text": "text", "speaker": "speaker", "dialogue": "dialogue", "audio": "audio"}
_OFFERS = {"text": "text", "audio": "sound"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of a table's columns; of text and audio one must be there, the others need not.

    One that is not named is called as in the model's recipe or, where the table has no such column, as usual;
    ``start`` and ``end`` (seconds within a clip) and ``turn`` (order in a dialogue) are used where they or
    the recipe name them. Several columns together may name speakers and dialogues.
    """

    text: str | None = None
    speaker: str | tuple[str, ...] | None = None
    dialogue: str | tuple[str, ...] | None = None
    audio: str | None = None
    id: str | None = None
    start: str | None = None
    end: str | None = None
    turn: str | None = None

    def of(self, path: Path, names: Mapping[str, object], recipe: Mapping[str, Any]) -> Used:
        """Return what is used of a table.

        Args:
            path: the table.
            names: of its columns, as keys.
            recipe: the section ``data.table`` of the model's recipe; empty if there is none.

        Raises:
            CorpusError: if it lacks a column that was named here, or has neither texts nor clips.
        """
        used: Used = {}
        heading = _headings(names)
        for what in (one.name for one in fields(self)):
            asked = _several(getattr(self, what))
            if lacking := [name for name in asked if plain(name) not in heading]:
                raise CorpusError(
                    _("{path} has no column '{name}'; it has: {known}.",
                      path=path, name=lacking[0], known=", ".join(names))
                )  # fmt: skip
            for columns in (asked, _several(recipe.get(what)), _several(_USUAL.get(what))):
                if columns and heading.keys() >= set(map(plain, columns)):
                    used.setdefault(what, tuple(heading[plain(name)] for name in columns))
        if "text" not in used and "audio" not in used:
            raise CorpusError(
                _(
                    "{path} has no column '{text}' and none '{audio}'; it has {columns}. Name the column of "
                    "texts with --text-column, that of clips with --audio-column.",
                    path=path,
                    text=recipe.get("text") or _USUAL["text"],
                    audio=recipe.get("audio") or _USUAL["audio"],
                    columns=", ".join(names),
                )
            )
        return used


Used = dict[str, tuple[str, ...]]
"""``text``, ``speaker`` … → the column, or the columns that together are it."""


@dataclass(frozen=True, slots=True)
class Given:
    """One utterance to be recognized, and what it was given as.

    Attributes:
        utterance: its id is unique in a call: ``text1``, a file, or a table and the number of its row.
        id: the user's own where a table has one, else that of the utterance.
        cells: its row of a table, column → cell; of a text or a file, what would be its row.
        offers: ``text``, ``sound`` or both: what there may be, though it be empty here.
        problem: why it cannot be recognized by any model; ``""`` if it may.
        notes: what to know of it, a sentence each.
        no_sound: why there is no clip though one was given; ``""`` if there is one or none was.
        table: the table it comes from, ``""`` if from none.
    """

    utterance: Utterance
    id: str
    cells: Mapping[str, str]
    offers: frozenset[str]
    problem: str = ""
    notes: tuple[str, ...] = ()
    no_sound: str = ""
    table: str = ""


def read_table(path: Path, columns: Columns, recipe: Mapping[str, Any]) -> list[Given]:
    """Read the rows of a table or a conversation, in order, numbered within their dialogues.

    Clips are relative to the recipe's ``audio_root`` where the folder of the table has such a folder, else to it.

    Raises:
        CorpusError: if the table cannot be read, or lacks columns.
    """
    unreadable: Unreadable = {}
    issues: list[Issue] = []
    rows = load_rows(path, issues=issues, unreadable=unreadable)
    used = columns.of(path, rows[0], recipe)
    name = encodable(str(path))
    keys = [f"{name}:{n}" for n in range(1, len(rows) + 1)]
    dialogues = _dialogues(path, rows, keys, used)
    turns = read_turns(path, rows, keys, dialogues, next(iter(used.get("turn", ())), None), issues)
    finder = ClipFinder(_clip_root(path, recipe))
    blanks = [
        Utterance(key, dialogue=dialogue, turn=turn, numbers=numbers)
        for key, dialogue, turn, numbers in zip(keys, dialogues, turns, _numbers(rows, used), strict=True)
    ]
    given = [
        _given(finder, row, blank, used, unreadable.get(n, {}))
        for n, (row, blank) in enumerate(zip(rows, blanks, strict=True), start=1)
    ]
    told = defaultdict[str, list[str]](list)
    for issue in (*issues, *finder.issues(name)):
        told[issue.where].append(issue.message)
    for key in told.keys() - set(keys):
        warn(f"{name}: {' '.join(told[key])}")
    return [
        replace(one, table=name, notes=(*one.notes, *told.get(key, ())))
        for one, key in zip(given, keys, strict=True)
    ]


def _given(finder: ClipFinder, row: Row, blank: Utterance, used: Used, faults: Mapping[str | None, str]) -> Given:
    """Return what a row gives; ``blank`` is its utterance with its place and numbers alone."""
    clip, no_sound = _clip(finder, row, used)
    text = row[used["text"][0]] if "text" in used else None
    utterance = replace(
        blank,
        speaker=speaker_of(row, used.get("speaker")) or None,
        text=None if clip and is_blank(text) else text,
        clip=clip,
    )
    own = _cell(row, used, "id").strip()
    problem, notes = _faults(faults, used)
    cells = {
        column: str(cell) for column, cell in row.items()
    }  # plain text, also of a clip that lies in the table
    if "id" not in used:
        cells = {free_name("id", row): blank.id} | cells
    offers = frozenset(kind for what, kind in _OFFERS.items() if what in used)
    return Given(utterance, own or blank.id, cells, offers, problem, notes, no_sound)


def free_name(name: str, taken: Mapping[str, object]) -> str:
    """Return a name that no column has, whatever its case: ``sentir_`` stands before one that is taken."""
    known = {one.casefold() for one in taken}
    while name.casefold() in known:
        name = f"sentir_{name}"
    return name


def _several(columns: object) -> tuple[str, ...]:
    if isinstance(columns, list | tuple):
        return tuple(map(str, columns))
    return (columns,) if isinstance(columns, str) else ()


def _headings(names: Mapping[str, object]) -> dict[str, str]:
    """Return what a column is called without what nobody sees → its name; its name if that makes two of one."""
    seen = {plain(name): name for name in names}
    return seen if len(seen) == len(names) else {name: name for name in names}


def _cell(row: Row, used: Used, what: str) -> str:
    """Return a cell, ``""`` where there is nothing to read."""
    cell = row[used[what][0]] if what in used else ""
    return "" if is_blank(cell) else cell


def _dialogues(path: Path, rows: Sequence[Row], keys: Sequence[str], used: Used) -> list[str]:
    """Return the dialogue of each row; a row that names none is by itself, or of the conversation."""
    name, conversation = encodable(str(path)), path.suffix.lower() in JSON_SUFFIXES
    named = [dialogue_of(row, used.get("dialogue")) for row in rows]
    return [
        f"{name}:dialogue {one}" if one else name if conversation else key
        for one, key in zip(named, keys, strict=True)
    ]


def _clip_root(path: Path, recipe: Mapping[str, Any]) -> Path:
    root = media_root(path) / str(recipe.get("audio_root") or "")
    return root if root.is_dir() else media_root(path)


def _clip(finder: ClipFinder, row: Row, used: Used) -> tuple[Clip | None, str]:
    """Return the clip of a row, or why it has none though one is named."""
    audio = _cell(row, used, "audio")
    if not audio:
        return None, ""
    times = read_times(*(_cell(row, used, what).strip() for what in ("start", "end")))
    if isinstance(times, str):
        return None, times
    found, why = finder.find(audio)
    return None if "\0" in audio else Clip(found, *times), why


def _numbers(rows: Sequence[Row], used: Used) -> list[dict[str, float]]:
    """Return the numbers in the columns that are nothing else, row by row."""
    others = rows[0].keys() - {column for columns in used.values() for column in columns}
    columns = {name: to_numbers([row[name] for row in rows]) for name in rows[0] if name in others}
    return [
        {name: number for name, numbers in columns.items() if (number := numbers[n]) is not None}
        for n in range(len(rows))
    ]


def _faults(faults: Mapping[str | None, str], used: Used) -> tuple[str, tuple[str, ...]]:
    """Return why a row cannot be used, and what is odd in cells that are not used."""
    problems, notes = list[str](), list[str]()
    known = {column for columns in used.values() for column in columns}
    for column, why in faults.items():
        if column is None:
            problems.append(why)
        elif column in known:
            problems.append(_("'{name}' cannot be read: {why}.", name=column, why=why))
        else:
            notes.append(_("'{name}' is kept as JSON: {why}.", name=column, why=why))
    return " ".join(problems), tuple(notes)
