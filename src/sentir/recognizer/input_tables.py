"""Tables and conversations for prediction: the columns in use, and the input of every row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from sentir.audio.memory import clip_from_bytes
from sentir.corpus.invisible_characters import is_blank, normalize_name
from sentir.corpus.utterances import Clip, Issue, Utterance
from sentir.errors import AudioError, CorpusError
from sentir.files.cells import ReadErrors, Row, parse_numbers
from sentir.files.clip_paths import ClipFinder, media_root
from sentir.files.remote_files import RemoteFile, is_remote
from sentir.files.tables import JSON_SUFFIXES, load_rows
from sentir.i18n import _
from sentir.logs import logger
from sentir.readers.table.keys import get_dialogue, get_speaker, read_turns
from sentir.readers.table.reader import parse_clip_times
from sentir.safe_text import replace_surrogates

_DEFAULT_COLUMNS = {"id": "id", "text": "text", "speaker": "speaker", "dialogue": "dialogue", "audio": "audio"}
MODALITIES = frozenset({"text", "audio"})


@dataclass(frozen=True, slots=True)
class InputColumns:
    """Names of a table's columns; it needs text or audio, the others are optional.

    A column that is not named here is named as in the model's recipe or, if the table has no such column, by
    default: ``id``, ``text``, ``speaker``, ``dialogue`` and ``audio``. ``start`` and ``end`` (seconds within a
    clip) and ``turn`` (order in a dialogue) have no default. Speakers and dialogues may be several columns
    together.
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
        """Return the columns of a table that are used.

        Args:
            path: the table.
            available: the names of its columns, as keys.
            table_settings: the section ``data.table`` of the model's recipe; empty if there is none.

        Raises:
            CorpusError: if it lacks a column named here, or has neither texts nor clips.
        """
        resolved: ResolvedColumns = {}
        column_of = _columns_by_name(available)
        for role in (field.name for field in fields(self)):
            named = _as_tuple(getattr(self, role))
            if missing := [name for name in named if _find_column(name, column_of) is None]:
                raise CorpusError(
                    _("{path} has no column '{name}'; it has: {known}.",
                      path=path, name=missing[0], known=", ".join(available))
                )  # fmt: skip
            for columns in (named, _as_tuple(table_settings.get(role)), _as_tuple(_DEFAULT_COLUMNS.get(role))):
                found = [column for name in columns if (column := _find_column(name, column_of)) is not None]
                if columns and len(found) == len(columns):
                    resolved.setdefault(role, tuple(found))
        if not MODALITIES & resolved.keys():
            raise CorpusError(
                _(
                    "{path} has no column '{text}' or '{audio}'; it has {columns}. Name the column of texts with "
                    "--text-column, or that of clips with --audio-column.",
                    path=path,
                    text=table_settings.get("text") or _DEFAULT_COLUMNS["text"],
                    audio=table_settings.get("audio") or _DEFAULT_COLUMNS["audio"],
                    columns=", ".join(available),
                )
            )
        return resolved


ResolvedColumns = dict[str, tuple[str, ...]]
"""Role, such as ``text`` or ``speaker`` → its column, or its columns."""


@dataclass(frozen=True, slots=True)
class PredictionInput:
    """One utterance for prediction, and where it comes from.

    Attributes:
        utterance: its id is unique in a call: ``text1``, a file, or a table and the number of the row.
        id: the user's own id if a table has one, else that of the utterance.
        row: its row of a table, column → cell; for texts and files, the equivalent row.
        modalities: ``text``, ``audio`` or both: those of its source, even if empty in this row.
        problem: why no model can predict it; ``""`` if there is no problem.
        notes: notes on the input, a sentence each.
        audio_problem: why a given clip cannot be used; ``""`` if it can, or none was given.
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
    """Read the rows of a table or a conversation, in order, with turns numbered within their dialogues.

    Clips are relative to the recipe's ``audio_root`` if it exists in the folder of the table, else to that
    folder.

    Raises:
        CorpusError: if the table cannot be read, or lacks columns.
    """
    read_errors: ReadErrors = {}
    issues: list[Issue] = []
    rows = load_rows(path, issues=issues, read_errors=read_errors)
    return make_table_inputs(path, rows, columns, table_settings, issues, read_errors)


def is_frame(item: object) -> bool:
    """Return whether an object is a table of pandas, which is not imported for this."""
    return hasattr(item, "iloc") and hasattr(item, "columns")


def read_frame(frame: Any, columns: InputColumns, table_settings: Mapping[str, Any]) -> list[PredictionInput]:
    """Read the rows of a frame as those of a table whose clips are relative to the working folder.

    Raises:
        CorpusError: if two columns have the same name, or it lacks columns.
    """
    names = [str(name) for name in frame.columns]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise CorpusError(_("The DataFrame has two columns '{name}'; rename one.", name=repeated[0]))
    if not len(frame):
        return []
    cells = frame.astype(object).where(frame.notna(), "").itertuples(index=False, name=None)
    rows = [dict(zip(names, map(str, row), strict=True)) for row in cells]
    return make_table_inputs(Path("DataFrame"), rows, columns, table_settings, [], {})


def make_table_inputs(
    path: Path,
    rows: Sequence[Row],
    columns: InputColumns,
    table_settings: Mapping[str, Any],
    issues: list[Issue],
    read_errors: ReadErrors,
    *,
    first: int = 1,
    decimal_marks: Mapping[str, str] | None = None,
) -> list[PredictionInput]:
    """Return the inputs of rows of a table, in whole dialogues.

    Args:
        path, columns, table_settings: see `read_table`.
        rows: the rows, at least one.
        issues, read_errors: of reading them.
        first: number of the first of the rows.
        decimal_marks: of columns; by default as in these rows.
    """
    resolved = columns.resolve(path, rows[0], table_settings)
    name = replace_surrogates(str(path))
    keys = [f"{name}:{n}" for n in range(first, first + len(rows))]
    dialogues = [dialogue_key(path, row, key, resolved) for row, key in zip(rows, keys, strict=True)]
    turns = read_turns(path, rows, keys, dialogues, next(iter(resolved.get("turn", ())), None), issues)
    finder = ClipFinder(clip_root(path, table_settings))
    bases = [
        Utterance(key, dialogue=dialogue, turn=turn, numeric_features=numbers)
        for key, dialogue, turn, numbers in zip(
            keys, dialogues, turns, _numbers(rows, resolved, decimal_marks or {}), strict=True
        )
    ]
    inputs = [
        _make_input(finder, row, base, resolved, read_errors.get(n, {}))
        for n, (row, base) in enumerate(zip(rows, bases, strict=True), start=1)
    ]
    messages = defaultdict[str, list[str]](list)
    for issue in (*issues, *finder.issues(name)):
        messages[issue.where].append(issue.message)
    for where in messages.keys() - set(keys):
        logger.warning(f"{name}: {' '.join(messages[where])}")
    return [
        replace(one, table=name, notes=(*one.notes, *messages.get(key, ())))
        for one, key in zip(inputs, keys, strict=True)
    ]


def _make_input(
    finder: ClipFinder, row: Row, base: Utterance, resolved: ResolvedColumns, row_errors: Mapping[str | None, str]
) -> PredictionInput:
    """Return the input of a row; ``base`` is its utterance without speaker, text and clip."""
    clip, audio_problem = _clip(finder, row, resolved)
    text = row[resolved["text"][0]] if "text" in resolved else None
    utterance = replace(
        base,
        speaker=get_speaker(row, resolved.get("speaker")) or None,
        text=None if clip and is_blank(text) else text,
        clip=clip,
    )
    user_id = _cell(row, resolved, "id").strip()
    problem, notes = _split_row_errors(row_errors, resolved)
    cells = {column: str(cell) for column, cell in row.items()}  # embedded clips as plain text
    if "id" not in resolved:
        cells = {make_unused_name("id", row): base.id} | cells
    modalities = MODALITIES & resolved.keys()
    return PredictionInput(utterance, user_id or base.id, cells, modalities, problem, notes, audio_problem)


def make_unused_name(name: str, taken: Mapping[str, object]) -> str:
    """Return a name that no column has in any letter case, by prepending ``sentir_`` if it is taken."""
    used = {column.casefold() for column in taken}
    while name.casefold() in used:
        name = f"sentir_{name}"
    return name


def _as_tuple(columns: object) -> tuple[str, ...]:
    if isinstance(columns, list | tuple):
        return tuple(map(str, columns))
    return (columns,) if isinstance(columns, str) else ()


def _columns_by_name(names: Iterable[str]) -> dict[str, str]:
    """Return name → name, and normalized name → name unless several have that one."""
    normalized = Counter(map(normalize_name, names))
    columns = {key: name for name in names if normalized[key := normalize_name(name)] == 1}
    return columns | {name: name for name in names}


def _find_column(name: str, column_of: Mapping[str, str]) -> str | None:
    """Return the column with exactly this name, else the one that differs in invisible characters only."""
    return column_of.get(name) or column_of.get(normalize_name(name))


def _cell(row: Row, resolved: ResolvedColumns, role: str) -> str:
    """Return the cell of a role; ``""`` if it is blank or has no column."""
    cell = row[resolved[role][0]] if role in resolved else ""
    return "" if is_blank(cell) else cell


def dialogue_key(path: Path, row: Row, key: str, resolved: ResolvedColumns) -> str:
    """Return the dialogue of a row; one without a name is on its own or, in JSON Lines, of the conversation."""
    name = replace_surrogates(str(path))
    if named := get_dialogue(row, resolved.get("dialogue")):
        return f"{name}:dialogue {named}"
    return name if path.suffix.lower() in JSON_SUFFIXES else key


def clip_root(path: Path, table_settings: Mapping[str, Any]) -> Path:
    """Return the folder that the paths of a table's clips start from."""
    root = media_root(path) / str(table_settings.get("audio_root") or "")
    return root if root.is_dir() else media_root(path)


def _clip(finder: ClipFinder, row: Row, resolved: ResolvedColumns) -> tuple[Clip | None, str]:
    """Return the clip of a row, and why a named clip cannot be used."""
    audio = _cell(row, resolved, "audio")
    if not audio:
        return None, ""
    times = parse_clip_times(*(_cell(row, resolved, role).strip() for role in ("start", "end")))
    if isinstance(times, str):
        return None, times
    if is_remote(audio):
        return remote_clip(RemoteFile(audio.strip()), *times)
    path, problem = finder.find(audio)
    return None if "\0" in audio else Clip(path, *times), problem


def columns_without_role(columns: Iterable[str], resolved: ResolvedColumns) -> list[str]:
    """Return the columns whose numbers are numeric features."""
    with_role = {column for columns in resolved.values() for column in columns}
    return [name for name in columns if name not in with_role]


def remote_clip(
    file: RemoteFile, start: float | None = None, end: float | None = None
) -> tuple[Clip | None, str]:
    """Return the clip of a file at an address, with its content, and why it cannot be used."""
    try:
        return clip_from_bytes(file.url, file.read(), start, end), ""
    except AudioError as error:
        return None, str(error)


def _numbers(
    rows: Sequence[Row], resolved: ResolvedColumns, decimal_marks: Mapping[str, str]
) -> list[dict[str, float]]:
    """Return the numbers in the columns without a role, row by row."""
    columns = {
        name: parse_numbers([row[name] for row in rows], decimal_marks.get(name))
        for name in columns_without_role(rows[0], resolved)
    }
    return [
        {name: number for name, numbers in columns.items() if (number := numbers[n]) is not None}
        for n in range(len(rows))
    ]


def _split_row_errors(
    row_errors: Mapping[str | None, str], resolved: ResolvedColumns
) -> tuple[str, tuple[str, ...]]:
    """Return the problems of a row, and notes on unreadable cells of columns without a role."""
    problems, notes = list[str](), list[str]()
    with_role = {column for columns in resolved.values() for column in columns}
    for column, why in row_errors.items():
        if column is None:
            problems.append(why)
        elif column in with_role:
            problems.append(_("'{name}' cannot be read: {why}.", name=column, why=why))
        else:
            notes.append(_("'{name}' is kept as JSON: {why}.", name=column, why=why))
    return " ".join(problems), tuple(notes)
