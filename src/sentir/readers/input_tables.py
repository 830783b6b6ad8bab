"""Tables and conversations to be recognized: which columns are used, and what every row gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentir.corpus.characters import is_blank
from sentir.corpus.types import Clip, Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.readers.cells import JSON_SUFFIXES, Row, Unreadable, load_rows, to_number
from sentir.readers.folders import printable
from sentir.readers.table import media_root, read_times

_USUAL = {"id": "id", "text": "text", "speaker": "speaker", "dialogue": "dialogue", "audio": "audio"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of a table's columns; of text and audio one must be there, the others need not.

    One that is not named is called as in the model's recipe or, where the table has no such column, as here;
    ``start`` and ``end`` (seconds within a clip) are used where they or the recipe name them.
    """

    text: str | None = None
    speaker: str | None = None
    dialogue: str | None = None
    audio: str | None = None
    id: str | None = None
    start: str | None = None
    end: str | None = None

    def of(self, path: Path, names: Mapping[str, object], recipe: Mapping[str, Any]) -> dict[str, str]:
        """Return what is used of a table: ``text``, ``speaker`` … → name of its column.

        Args:
            path: the table.
            names: of its columns, as keys.
            recipe: the section ``data.table`` of the model's recipe; empty if there is none.

        Raises:
            CorpusError: if it lacks a column that was named here, or has neither texts nor clips.
        """
        used = {}
        for what in self.__slots__:
            asked: str | None = getattr(self, what)
            if asked is not None and asked not in names:
                raise CorpusError(
                    _("{path} has no column '{name}'; it has: {known}.",
                      path=path, name=asked, known=", ".join(names))
                )  # fmt: skip
            found = (name for name in (asked, recipe.get(what), _USUAL.get(what)) if name in names)
            if name := next(found, None):
                used[what] = str(name)
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

    Raises:
        CorpusError: if the table cannot be read, or lacks columns.
    """
    unreadable: Unreadable = {}
    rows = load_rows(path, unreadable=unreadable)
    used = columns.of(path, rows[0], recipe)
    name, conversation = printable(str(path)), path.suffix.lower() in JSON_SUFFIXES
    turns: Counter[str] = Counter()
    found = []
    for n, row in enumerate(rows, start=1):
        key, of_dialogue = f"{name}:{n}", _cell(row, used, "dialogue")
        alone = name if conversation else key
        dialogue = alone if of_dialogue is None else f"{name}:dialogue {of_dialogue}"
        clip, no_sound = _clip(path, row, used)
        text = row[used["text"]] if "text" in used else None
        own = _cell(row, used, "id")
        utterance = Utterance(
            id=key,
            dialogue=dialogue,
            turn=turns[dialogue],
            speaker=_cell(row, used, "speaker"),
            text=None if clip and is_blank(text) else text,
            clip=clip,
            numbers=_numbers(row, used),
        )
        turns[dialogue] += 1
        problem, notes = _faults(unreadable.get(n, {}), used)
        cells = row if "id" in used else {free_name("id", row): key} | row
        offers = frozenset({"text": "text", "audio": "sound"}[what] for what in ("text", "audio") if what in used)
        found.append(Given(utterance, own or key, cells, offers, problem, notes, no_sound, name))
    return found


def free_name(name: str, taken: Mapping[str, object]) -> str:
    """Return a name that no column has, whatever its case: ``sentir_`` stands before one that is taken."""
    known = {one.casefold() for one in taken}
    while name.casefold() in known:
        name = f"sentir_{name}"
    return name


def _cell(row: Row, used: Mapping[str, str], what: str) -> str | None:
    """Return a cell without the space around it, or ``None`` where there is none."""
    return (row[used[what]].strip() or None) if what in used else None


def _clip(path: Path, row: Row, used: Mapping[str, str]) -> tuple[Clip | None, str]:
    """Return the clip of a row, or why it has none though one is named."""
    audio = row[used["audio"]] if "audio" in used else ""
    if not audio.strip():
        return None, ""
    if "\0" in audio:
        return None, _("The name of its clip holds a character that no name can.")
    times = read_times(*(row[used[what]].strip() if what in used else "" for what in ("start", "end")))
    if isinstance(times, str):
        return None, times
    return Clip(media_root(path) / audio, *times), ""


def _numbers(row: Row, used: Mapping[str, str]) -> dict[str, float]:
    others = row.keys() - set(used.values())
    numbers = {name: to_number(row[name]) for name in row if name in others}
    return {name: number for name, number in numbers.items() if number is not None}


def _faults(faults: Mapping[str | None, str], used: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return why a row cannot be used, and what is odd in cells that are not used."""
    problems, notes = list[str](), list[str]()
    for column, why in faults.items():
        if column is None:
            problems.append(why)
        else:
            told = _("'{name}' cannot be read: {why}.", name=column, why=why)
            (problems if column in used.values() else notes).append(told)
    return " ".join(problems), tuple(notes)
