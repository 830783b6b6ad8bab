"""Reader of one table of the user's own, its columns named in the recipe, none guessed.

Cells are text until a column says otherwise, so ids keep leading zeros and dashes. Rows are counted from 1, the
header not included. Order within a dialogue is the order of the rows, or that of the ``turn`` column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import Clip, Issue, Utterance
from sentir.errors import CorpusError, RecipeError
from sentir.files.cells import Row, normalize_decimal_marks, parse_number
from sentir.files.clip_paths import ClipFinder, media_root
from sentir.files.label_cells import to_intensity
from sentir.i18n import _
from sentir.readers.table.ids import normalize_ids
from sentir.readers.table.keys import match_column_names, normalize_names, read_turns
from sentir.readers.table.labels import read_intensities, read_label_names, read_target_values
from sentir.readers.table.files import TableFile, read_table_files
from sentir.readers.table.splits import find_next_seed, read_splits
from sentir.recipe import DataSettings, TableSettings
from sentir.recipe.data import join_columns, list_columns


def read(root: Path, data: DataSettings) -> Corpus:
    """Read the table that ``data.table`` describes as a corpus named after the file, if the recipe names it not.

    An utterance's id is its cell in the ``id`` column, or ``<file>/row<n>``; a dialogue's key is
    ``<file>/<cell>``; an utterance without a dialogue is its own. Splits are those of
    `sentir.readers.table.splits`. Clips are attached if ``data.audio`` is set.

    Args:
        root: the table, or the folder in which ``data.table.file`` lies, be it one file or several.
        data: the recipe's section; ``data.task`` names the task of the label column or columns.

    Raises:
        RecipeError: if the section lacks what is needed or offers a label as an input.
        CorpusError: if the file or a column is missing, or rows contradict one another; it names file and row.
    """
    table = _require_settings(data)
    issues: list[Issue] = []
    parts, table = _read_files(root, table, issues)
    data = data.model_copy(update={"table": table})
    rows = [row for part in parts for row in part.rows]
    path, name = (parts[0].path, parts[0].name) if len(parts) == 1 else (root, root.resolve().name)
    ids = [key for part in parts for key in _ids(part, table)]
    read_labels = read_label_names if table.label else read_target_values if table.value else read_intensities
    space, labelled = read_labels(path, rows, ids, data, issues)
    splits = read_splits(path, parts, table, issues)
    clips = _clips(root, parts, ids, table, issues) if data.audio else [None] * len(rows)
    speaker, group = join_columns(table.speaker), join_columns(table.group)
    dialogues = _dialogues(parts, ids, join_columns(table.dialogue))
    turns = read_turns(path, rows, ids, dialogues, table.turn, issues)
    utterances = [
        Utterance(
            id=key,
            split=split,
            dialogue=dialogue,
            turn=turn,
            speaker=(row[speaker] or None) if speaker else None,
            text=None if table.text is None or is_blank(row[table.text]) else row[table.text],
            clip=clip,
            labels=labels,
            scores=scores,
            numeric_features=dict(_numbers(row, key, table, issues)),
        )
        for row, key, split, dialogue, turn, clip, (labels, scores) in zip(
            rows, ids, splits, dialogues, turns, clips, labelled, strict=True
        )
    ]
    groups, traits = (_cells_by_id(rows, ids, of) for of in ((group,) if group else (), table.slices))
    return Corpus.build(table.name or name, utterances, [space], issues=issues, groups=groups, slices=traits)


def _normalize_cells(file: TableFile, table: TableSettings, issues: list[Issue]) -> None:
    """Make names, ids and numbers of the cells of one file."""
    _require_columns(file.path, file.rows, table)
    keys = [name for one in (table.id, table.speaker, table.dialogue, table.group) for name in list_columns(one)]
    normalize_ids(file.path.name, file.rows, keys, issues)
    normalize_names(file.path, file.rows, table, issues)
    normalize_decimal_marks(file.path, file.rows, _number_columns(table))


def find_table_seed(root: Path, data: DataSettings, first_seed: int) -> int | None:
    """Return the first seed from ``first_seed`` on that draws the table's splits near their shares.

    Args:
        root, data: as `read` takes them.
        first_seed: the seed that is tried first.

    Returns:
        The seed; ``None`` if nothing is drawn, or no seed fills every split.

    Raises:
        RecipeError, CorpusError: as `read` does.
    """
    parts, table = _read_files(root, _require_settings(data), [])
    return find_next_seed([row for part in parts for row in part.rows], table, first_seed)


def _read_files(root: Path, table: TableSettings, issues: list[Issue]) -> tuple[list[TableFile], TableSettings]:
    """Read the files, with cells as they are compared, and the section with the column of splits named."""
    parts, table = read_table_files(root, table, issues)
    for part in parts:
        _normalize_cells(part, table, issues)
    return parts, table


def _cells_by_id(rows: Sequence[Row], ids: Sequence[str], columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return column → utterance id → cell, where it is filled."""
    cells = list(zip(ids, rows, strict=True))
    return {column: {key: row[column] for key, row in cells if row[column]} for column in columns}


def _require_settings(data: DataSettings) -> TableSettings:
    table = data.table
    if table is None:
        raise RecipeError(_("The reader 'table' needs the section 'data.table', which names the columns."))
    if (table.start or table.end) and not table.audio:
        raise RecipeError(_("'data.table.start' and 'data.table.end' cut audio; name its column in 'audio'."))
    if data.audio and not table.audio:
        raise RecipeError(_("'data.audio' looks for clips; name their column in 'data.table.audio'."))
    if table.audio_root and not table.audio:
        raise RecipeError(_("'data.table.audio_root' is where clips lie; name their column in 'audio'."))
    _refuse_labels_as_inputs(table)
    return table


def _refuse_labels_as_inputs(table: TableSettings) -> None:
    targets = {table.label, table.value, *table.labels}
    inputs: dict[str, Sequence[str | None]] = {
        "text": [table.text],
        "speaker": list_columns(table.speaker),
        "dialogue": list_columns(table.dialogue),
        "turn": [table.turn],
        "features": table.features,
        "group": list_columns(table.group),
        "slices": table.slices,
    }
    for setting, columns in inputs.items():
        for name in columns:
            if name is not None and name in targets:
                raise RecipeError(
                    _(
                        "'data.table.{setting}' offers the label column '{name}' as an input; remove it there.",
                        setting=setting,
                        name=name,
                    )
                )


def _clip_root(root: Path, path: Path, table: TableSettings) -> Path:
    if table.audio_root is None:
        return media_root(path)
    folder = media_root(root) / table.audio_root
    if not folder.is_dir():
        raise CorpusError(_("There is no folder {folder}; correct 'data.table.audio_root'.", folder=folder))
    return folder


def _require_columns(path: Path, rows: Sequence[Row], table: TableSettings) -> None:
    single = (
        table.text,
        table.id,
        table.audio,
        table.start,
        table.end,
        table.turn,
        table.split,
        table.label,
        table.value,
    )
    joint = [name for columns in (table.speaker, table.dialogue, table.group) for name in list_columns(columns)]
    named = [
        name for name in (*single, *joint, *table.labels, *table.features, *table.slices) if name is not None
    ]
    match_column_names(rows, named)
    for name in named:
        if name not in rows[0]:
            raise CorpusError(
                _(
                    "{path} has no column '{name}'; it has: {known}.",
                    path=path,
                    name=name,
                    known=", ".join(rows[0]),
                )
            )


def _number_columns(table: TableSettings) -> list[str]:
    """Return the columns that hold numbers."""
    columns = (*table.labels, *table.features, table.value, table.start, table.end, table.turn)
    return [name for name in columns if name is not None]


def _ids(file: TableFile, table: TableSettings) -> list[str]:
    path = file.path
    if table.id is None:
        return [f"{file.name}/row{n}" for n in range(1, len(file.rows) + 1)]
    first: dict[str, int] = {}
    for n, row in enumerate(file.rows, start=1):
        key = row[table.id]
        if not key:
            raise CorpusError(_("{path}: row {row} has no id in '{name}'.", path=path, row=n, name=table.id))
        if first.setdefault(key, n) != n:
            raise CorpusError(
                _(
                    "{path}: the rows {one} and {other} have the same id '{id}'; ids must be unique.",
                    path=path,
                    one=first[key],
                    other=n,
                    id=key,
                )
            )
    return [file.id_prefix + key for key in first]


def _dialogues(files: Sequence[TableFile], ids: Sequence[str], column: str | None) -> list[str]:
    """Return the dialogue of every row; one that names none is a dialogue of its own."""
    named = [(part.name, row[column] if column else "") for part in files for row in part.rows]
    return [f"{name}/{cell}" if cell else key for (name, cell), key in zip(named, ids, strict=True)]


def _clips(
    root: Path, files: Sequence[TableFile], ids: Sequence[str], table: TableSettings, issues: list[Issue]
) -> list[Clip | None]:
    clips: list[Clip | None] = []
    keys = iter(ids)
    for part in files:
        finder = ClipFinder(_clip_root(root, part.path, table))
        clips += [_clip(finder, row, next(keys), table, issues) for row in part.rows]
        issues += finder.issues(part.path.name)
    return clips


def _clip(finder: ClipFinder, row: Row, key: str, table: TableSettings, issues: list[Issue]) -> Clip | None:
    assert table.audio is not None
    if is_blank(row[table.audio]):
        message = _("It has no clip in '{name}'; kept without sound.", name=table.audio)
        issues.append(Issue("clip_not_named", "warning", message, key))
        return None
    times = parse_clip_times(*(row[column].strip() if column else "" for column in (table.start, table.end)))
    if isinstance(times, str):
        issues.append(Issue("clip_times_invalid", "problem", times, key))
        return None
    found, why = finder.find(row[table.audio])
    if why:
        issues.append(Issue("audio_file_missing", "problem", why, key))
    return Clip(found, *times)


def parse_clip_times(*cells: str) -> tuple[float | None, float | None] | str:
    """Return the start and end in two cells, ``None`` if empty, or a sentence if they are no stretch of time."""
    start, end = (parse_number(cell) for cell in cells)
    unreadable = [cell for cell, time in zip(cells, (start, end), strict=True) if cell and time is None]
    if unreadable or (start or 0.0) < 0 or (end is not None and end <= (start or 0.0)):
        return _(
            "'{start}' to '{end}' is no stretch of time in seconds; left without audio.",
            start=cells[0],
            end=cells[1],
        )
    return start, end


def _numbers(row: Row, key: str, table: TableSettings, issues: list[Issue]) -> Iterator[tuple[str, float]]:
    for column in table.features:
        cell = row[column].strip()
        number = to_intensity(cell)
        if number is not None:
            yield column, number
        elif cell:
            message = _("'{cell}' in '{name}' is no number; taken as missing.", cell=cell, name=column)
            issues.append(Issue("number_invalid", "problem", message, key))
