"""Tables and conversations to be recognized: which columns are used, and what every row gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from sentir.corpus.invisible_characters import is_blank, normalize_name
from sentir.corpus.utterances import Clip, Issue, Utterance
from sentir.errors import CorpusError
from sentir.files.cells import ReadErrors, Row, parse_numbers
from sentir.files.clip_paths import ClipFinder, media_root
from sentir.files.tables import JSON_SUFFIXES, load_rows
from sentir.i18n import _
from sentir.logs import logger
from sentir.readers.table.keys import get_dialogue, get_speaker, read_turns
from sentir.readers.table.reader import parse_clip_times
from sentir.safe_text import replace_surrogates

_DEFAULT_COLUMNS = {"id": "id", "text": "text", "speaker": "speaker", "dialogue": "dialogue", "audio": "audio"}
_MODALITIES = frozenset({"text", "audio"})


@dataclass(frozen=True, slots=True)
class InputColumns:
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

    @classmethod
    def of(cls, columns: InputColumns | Mapping[str, Any] | None) -> InputColumns:
        """Return columns given as such, as a mapping of their names, or not at all.

        Raises:
            CorpusError: if the mapping has an unknown key.
        """
        if isinstance(columns, InputColumns):
            return columns
        known = [field.name for field in fields(cls)]
        if unknown := [str(name) for name in columns or () if name not in known]:
            raise CorpusError(
                _("'{name}' cannot be a key of 'columns'; use {known}.", name=unknown[0], known=", ".join(known))
            )
        return cls(**(columns or {}))

    def resolve(
        self, path: Path, available: Mapping[str, object], table_settings: Mapping[str, Any]
    ) -> ResolvedColumns:
        """Return what is used of a table.

        Args:
            path: the table.
            available: of its columns, as keys.
            table_settings: the section ``data.table`` of the model's recipe; empty if there is none.

        Raises:
            CorpusError: if it lacks a column that was named here, or has neither texts nor clips.
        """
        used: ResolvedColumns = {}
        heading = _columns_by_plain_name(available)
        for what in (one.name for one in fields(self)):
            asked = _as_tuple(getattr(self, what))
            if lacking := [name for name in asked if normalize_name(name) not in heading]:
                raise CorpusError(
                    _("{path} has no column '{name}'; it has: {known}.",
                      path=path, name=lacking[0], known=", ".join(available))
                )  # fmt: skip
            for columns in (asked, _as_tuple(table_settings.get(what)), _as_tuple(_DEFAULT_COLUMNS.get(what))):
                if columns and heading.keys() >= set(map(normalize_name, columns)):
                    used.setdefault(what, tuple(heading[normalize_name(name)] for name in columns))
        if "text" not in used and "audio" not in used:
            raise CorpusError(
                _(
                    "{path} has no column '{text}' and none '{audio}'; it has {columns}. Name the column of "
                    "texts with --text-column, that of clips with --audio-column.",
                    path=path,
                    text=table_settings.get("text") or _DEFAULT_COLUMNS["text"],
                    audio=table_settings.get("audio") or _DEFAULT_COLUMNS["audio"],
                    columns=", ".join(available),
                )
            )
        return used


ResolvedColumns = dict[str, tuple[str, ...]]
"""``text``, ``speaker`` … → the column, or the columns that together are it."""


@dataclass(frozen=True, slots=True)
class PredictionInput:
    """One utterance to be recognized, and what it was given as.

    Attributes:
        utterance: its id is unique in a call: ``text1``, a file, or a table and the number of its row.
        id: the user's own where a table has one, else that of the utterance.
        row: its row of a table, column → cell; of a text or a file, what would be its row.
        modalities: ``text``, ``sound`` or both: what there may be, though it be empty here.
        problem: why it cannot be recognized by any model; ``""`` if it may.
        notes: what to know of it, a sentence each.
        audio_problem: why there is no clip though one was given; ``""`` if there is one or none was.
        table: the table it comes from, ``""`` if from none.
    """

    utterance: Utterance
    id: str
    row: Mapping[str, str]
    modalities: frozenset[str]
    problem: str = ""
    notes: tuple[str, ...] = ()
    audio_problem: str = ""
    table: str = ""


def read_table(path: Path, columns: InputColumns, table_settings: Mapping[str, Any]) -> list[PredictionInput]:
    """Read the rows of a table or a conversation, in order, numbered within their dialogues.

    Clips are relative to the recipe's ``audio_root`` where the folder of the table has such a folder, else to it.

    Raises:
        CorpusError: if the table cannot be read, or lacks columns.
    """
    unreadable: ReadErrors = {}
    issues: list[Issue] = []
    rows = load_rows(path, issues=issues, read_errors=unreadable)
    used = columns.resolve(path, rows[0], table_settings)
    name = replace_surrogates(str(path))
    keys = [f"{name}:{n}" for n in range(1, len(rows) + 1)]
    dialogues = _dialogue_keys(path, rows, keys, used)
    turns = read_turns(path, rows, keys, dialogues, next(iter(used.get("turn", ())), None), issues)
    finder = ClipFinder(_clip_root(path, table_settings))
    blanks = [
        Utterance(key, dialogue=dialogue, turn=turn, numeric_features=numbers)
        for key, dialogue, turn, numbers in zip(keys, dialogues, turns, _numbers(rows, used), strict=True)
    ]
    given = [
        _make_input(finder, row, blank, used, unreadable.get(n, {}))
        for n, (row, blank) in enumerate(zip(rows, blanks, strict=True), start=1)
    ]
    told = defaultdict[str, list[str]](list)
    for issue in (*issues, *finder.issues(name)):
        told[issue.where].append(issue.message)
    for key in told.keys() - set(keys):
        logger.warning(f"{name}: {' '.join(told[key])}")
    return [
        replace(one, table=name, notes=(*one.notes, *told.get(key, ())))
        for one, key in zip(given, keys, strict=True)
    ]


def _make_input(
    finder: ClipFinder, row: Row, base: Utterance, resolved: ResolvedColumns, row_errors: Mapping[str | None, str]
) -> PredictionInput:
    """Return what a row gives; ``base`` is its utterance with its place and numbers alone."""
    clip, no_sound = _clip(finder, row, resolved)
    text = row[resolved["text"][0]] if "text" in resolved else None
    utterance = replace(
        base,
        speaker=get_speaker(row, resolved.get("speaker")) or None,
        text=None if clip and is_blank(text) else text,
        clip=clip,
    )
    own = _cell(row, resolved, "id").strip()
    problem, notes = _split_row_errors(row_errors, resolved)
    cells = {
        column: str(cell) for column, cell in row.items()
    }  # plain text, also of a clip that lies in the table
    if "id" not in resolved:
        cells = {make_unused_name("id", row): base.id} | cells
    offers = _MODALITIES & resolved.keys()
    return PredictionInput(utterance, own or base.id, cells, offers, problem, notes, no_sound)


def make_unused_name(name: str, taken: Mapping[str, object]) -> str:
    """Return a name that no column has, whatever its case: ``sentir_`` stands before one that is taken."""
    known = {one.casefold() for one in taken}
    while name.casefold() in known:
        name = f"sentir_{name}"
    return name


def _as_tuple(columns: object) -> tuple[str, ...]:
    if isinstance(columns, list | tuple):
        return tuple(map(str, columns))
    return (columns,) if isinstance(columns, str) else ()


def _columns_by_plain_name(names: Mapping[str, object]) -> dict[str, str]:
    """Return what a column is called without what nobody sees → its name; its name if that makes two of one."""
    seen = {normalize_name(name): name for name in names}
    return seen if len(seen) == len(names) else {name: name for name in names}


def _cell(row: Row, resolved: ResolvedColumns, role: str) -> str:
    """Return a cell, ``""`` where there is nothing to read."""
    cell = row[resolved[role][0]] if role in resolved else ""
    return "" if is_blank(cell) else cell


def _dialogue_keys(path: Path, rows: Sequence[Row], keys: Sequence[str], resolved: ResolvedColumns) -> list[str]:
    """Return the dialogue of each row; a row that names none is by itself, or of the conversation."""
    name, conversation = replace_surrogates(str(path)), path.suffix.lower() in JSON_SUFFIXES
    named = [get_dialogue(row, resolved.get("dialogue")) for row in rows]
    return [
        f"{name}:dialogue {one}" if one else name if conversation else key
        for one, key in zip(named, keys, strict=True)
    ]


def _clip_root(path: Path, table_settings: Mapping[str, Any]) -> Path:
    root = media_root(path) / str(table_settings.get("audio_root") or "")
    return root if root.is_dir() else media_root(path)


def _clip(finder: ClipFinder, row: Row, resolved: ResolvedColumns) -> tuple[Clip | None, str]:
    """Return the clip of a row, or why it has none though one is named."""
    audio = _cell(row, resolved, "audio")
    if not audio:
        return None, ""
    times = parse_clip_times(*(_cell(row, resolved, what).strip() for what in ("start", "end")))
    if isinstance(times, str):
        return None, times
    found, why = finder.find(audio)
    return None if "\0" in audio else Clip(found, *times), why


def _numbers(rows: Sequence[Row], resolved: ResolvedColumns) -> list[dict[str, float]]:
    """Return the numbers in the columns that are nothing else, row by row."""
    others = rows[0].keys() - {column for columns in resolved.values() for column in columns}
    columns = {name: parse_numbers([row[name] for row in rows]) for name in rows[0] if name in others}
    return [
        {name: number for name, numbers in columns.items() if (number := numbers[n]) is not None}
        for n in range(len(rows))
    ]


def _split_row_errors(
    row_errors: Mapping[str | None, str], resolved: ResolvedColumns
) -> tuple[str, tuple[str, ...]]:
    """Return why a row cannot be used, and what is odd in cells that are not used."""
    problems, notes = list[str](), list[str]()
    known = {column for columns in resolved.values() for column in columns}
    for column, why in row_errors.items():
        if column is None:
            problems.append(why)
        elif column in known:
            problems.append(_("'{name}' cannot be read: {why}.", name=column, why=why))
        else:
            notes.append(_("'{name}' is kept as JSON: {why}.", name=column, why=why))
    return " ".join(problems), tuple(notes)
