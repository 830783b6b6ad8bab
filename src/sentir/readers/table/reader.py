"""Reader of a user table whose columns are named in the recipe; none is guessed.

Cells are text unless their setting needs numbers, so ids keep leading zeros and dashes. Rows are counted from 1,
without the header. Turns of a dialogue follow the order of the rows, or the ``turn`` column.
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
from sentir.readers.table.files import TableFile, read_table_files
from sentir.readers.table.keys import match_column_names, normalize_ids, normalize_names, read_turns
from sentir.readers.table.labels import read_intensities, read_label_names, read_target_values, read_votes
from sentir.readers.table.splits import find_next_seed, read_splits
from sentir.recipe import DataSettings, TableSettings
from sentir.recipe.data import join_columns, list_columns
from sentir.recipe.folds import FoldSettings


def read(root: Path, data: DataSettings) -> Corpus:
    """Read the table described by ``data.table``; the corpus is named after the file if the recipe gives no name.

    An utterance's id is its cell in the ``id`` column, or ``<file>/row<n>``; a dialogue's key is
    ``<file>/<cell>``; an utterance without a dialogue is a dialogue of its own. Splits are described in
    `sentir.readers.table.splits.read_splits`; with ``data.folds``, a table without splits is all train. Clips are
    attached if ``data.audio`` is set.

    Args:
        root: the table, or the folder that the file or files in ``data.table.file`` are relative to.
        data: the recipe's section; ``data.task`` names the task of the label column or columns.

    Raises:
        RecipeError: if the section is incomplete or uses a label as an input.
        CorpusError: if the file or a column is missing, or rows are inconsistent; it names file and row.
    """
    table = _require_settings(data)
    issues: list[Issue] = []
    files, table = _read_files(root, table, issues)
    data = data.model_copy(update={"table": table})
    rows = [row for file in files for row in file.rows]
    path, name = (files[0].path, files[0].name) if len(files) == 1 else (root, root.resolve().name)
    ids = [key for file in files for key in _ids(file, table)]
    read_labels = {"label": read_label_names, "labels": read_intensities, "votes": read_votes}
    kind = next((one for one in read_labels if getattr(table, one)), "")
    spaces, labelled = read_labels.get(kind, read_target_values)(path, rows, ids, data, issues)
    has_splits = data.folds is None or table.split or table.splits.dev
    splits = read_splits(path, files, table, issues) if has_splits else ["train"] * len(rows)
    clips = _clips(root, files, ids, table, issues) if data.audio else [None] * len(rows)
    speaker, group = join_columns(table.speaker), join_columns(table.group)
    dialogues = _dialogues(files, ids, join_columns(table.dialogue))
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
    sliced = (*table.slices, *_fold_columns(data.folds, rows))
    groups, slices = (_cells_by_id(rows, ids, columns) for columns in ((group,) if group else (), sliced))
    return Corpus.build(table.name or name, utterances, spaces, issues=issues, groups=groups, slices=slices)


def _normalize_cells(file: TableFile, table: TableSettings, issues: list[Issue]) -> None:
    """Normalize ids, names and numbers in the cells of one file."""
    _require_columns(file.path, file.rows, table)
    keys = list_columns(table.id, table.speaker, table.dialogue, table.group)
    targets = () if table.label else table.targets
    numbers = list_columns(targets, table.features, table.start, table.end, table.turn)
    normalize_ids(file.path.name, file.rows, keys, issues)
    normalize_names(file.path, file.rows, table, issues)
    normalize_decimal_marks(file.path, file.rows, numbers)


def find_table_seed(root: Path, data: DataSettings, first_seed: int) -> int | None:
    """Return the first seed from ``first_seed`` on with which the table's splits fit their fractions.

    Args:
        root, data: see `read`.
        first_seed: the seed to try first.

    Returns:
        The seed; ``None`` if no split is random, or no seed fills every split.

    Raises:
        RecipeError, CorpusError: see `read`.
    """
    files, table = _read_files(root, _require_settings(data), [])
    return find_next_seed([row for file in files for row in file.rows], table, first_seed)


def _read_files(root: Path, table: TableSettings, issues: list[Issue]) -> tuple[list[TableFile], TableSettings]:
    """Return the files with normalized cells, and the section with its split column set."""
    files, table = read_table_files(root, table, issues)
    for file in files:
        _normalize_cells(file, table, issues)
    return files, table


def _cells_by_id(rows: Sequence[Row], ids: Sequence[str], columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return column → utterance id → cell, without empty cells."""
    cells = list(zip(ids, rows, strict=True))
    return {column: {key: row[column] for key, row in cells if row[column]} for column in columns}


def _fold_columns(folds: FoldSettings | None, rows: Sequence[Row]) -> list[str]:
    """Return the columns of the table that ``data.folds`` names."""
    return [name for name in (folds.column, folds.by) if name in rows[0]] if folds else []


def _require_settings(data: DataSettings) -> TableSettings:
    table = data.table
    if table is None:
        raise RecipeError(_("The reader 'table' needs the section 'data.table', which names the columns."))
    if (table.start or table.end) and not table.audio:
        raise RecipeError(
            _("'data.table.start' and 'data.table.end' are times in clips; set 'data.table.audio'.")
        )
    if data.audio and not table.audio:
        raise RecipeError(_("'data.audio' needs the column of clips; set 'data.table.audio'."))
    if table.audio_root and not table.audio:
        raise RecipeError(_("'data.table.audio_root' is the folder of clips; set 'data.table.audio'."))
    _reject_labels_as_inputs(table)
    return table


def _reject_labels_as_inputs(table: TableSettings) -> None:
    for setting in ("text", "speaker", "dialogue", "turn", "features", "group", "slices"):
        for name in list_columns(getattr(table, setting)):
            if name in table.targets:
                raise RecipeError(
                    _(
                        "'data.table.{setting}' uses the label column '{name}' as an input; remove it there.",
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
    settings = [
        "text",
        "id",
        "audio",
        "start",
        "end",
        "turn",
        "split",
        "speaker",
        "dialogue",
        "group",
        "targets",
        "features",
        "slices",
    ]
    named = list_columns(*(getattr(table, setting) for setting in settings))
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
                    "{path}: the rows {first} and {second} have the same id '{id}'; ids must be unique.",
                    path=path,
                    first=first[key],
                    second=n,
                    id=key,
                )
            )
    return [file.id_prefix + key for key in first]


def _dialogues(files: Sequence[TableFile], ids: Sequence[str], column: str | None) -> list[str]:
    """Return the dialogue of every row; a row without one is a dialogue of its own."""
    named = [(file.name, row[column] if column else "") for file in files for row in file.rows]
    return [f"{name}/{cell}" if cell else key for (name, cell), key in zip(named, ids, strict=True)]


def _clips(
    root: Path, files: Sequence[TableFile], ids: Sequence[str], table: TableSettings, issues: list[Issue]
) -> list[Clip | None]:
    clips: list[Clip | None] = []
    keys = iter(ids)
    for file in files:
        finder = ClipFinder(_clip_root(root, file.path, table))
        clips += [_clip(finder, row, next(keys), table, issues) for row in file.rows]
        issues += finder.issues(file.path.name)
    return clips


def _clip(finder: ClipFinder, row: Row, key: str, table: TableSettings, issues: list[Issue]) -> Clip | None:
    assert table.audio is not None
    if is_blank(row[table.audio]):
        message = _("No clip in '{name}'; kept without audio.", name=table.audio)
        issues.append(Issue("clip_not_named", "warning", message, key))
        return None
    times = parse_clip_times(*(row[column].strip() if column else "" for column in (table.start, table.end)))
    if isinstance(times, str):
        issues.append(Issue("clip_times_invalid", "problem", times, key))
        return None
    path, problem = finder.find(row[table.audio])
    if problem:
        issues.append(Issue("audio_file_missing", "problem", problem, key))
    return Clip(path, *times)


def parse_clip_times(*cells: str) -> tuple[float | None, float | None] | str:
    """Return start and end in seconds from two cells, ``None`` if empty, or an error message."""
    start, end = (parse_number(cell) for cell in cells)
    invalid = [cell for cell, time in zip(cells, (start, end), strict=True) if cell and time is None]
    if invalid or (start or 0.0) < 0 or (end is not None and end <= (start or 0.0)):
        return _(
            "'{start}' to '{end}' is not a time range in seconds; kept without audio.",
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
            message = _("'{cell}' in '{name}' is not a number; treated as missing.", cell=cell, name=column)
            issues.append(Issue("number_invalid", "problem", message, key))
