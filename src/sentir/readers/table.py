"""Reader of one table of the user's own, its columns named in the recipe, none guessed.

Cells are text until a column says otherwise, so ids keep leading zeros and dashes. Rows are counted from 1, the
header not included. Order within a dialogue is the order of the rows.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sentir.corpus.types import Clip, Corpus, Issue, Utterance
from sentir.errors import CorpusError, RecipeError
from sentir.i18n import _
from sentir.readers.cells import Row, is_dataset, load_rows, to_number
from sentir.readers.splits import draw_splits, split_named
from sentir.readers.table_labels import read_intensities, read_names, read_numbers
from sentir.recipe import Data, Table


def read(root: Path, data: Data) -> Corpus:
    """Read the table that ``data.table`` describes as a corpus named after the file.

    An utterance's id is its cell in the ``id`` column, or ``<name>/row<n>``; a dialogue's key is
    ``<name>/<cell>``; an utterance without a dialogue is its own. Without a split column, dev and test are the
    groups that ``splits`` names, or whole groups are drawn into train, dev and test: by the ``group`` column,
    else by dialogue, else by speaker, else row by row. Clips are attached if ``data.sound`` is set.

    Args:
        root: the table, or the folder in which ``data.table.file`` lies.
        data: the recipe's section; ``data.task`` names the task of the label column or columns.

    Raises:
        RecipeError: if the section lacks what is needed or offers a label as a feature.
        CorpusError: if the file or a column is missing, or rows contradict one another; it names file and row.
    """
    table = _checked(data)
    path = _locate(root, table)
    rows = load_rows(path)
    _require_columns(path, rows, table)
    ids = _ids(path, rows, table)
    issues: list[Issue] = []
    read_labels = read_names if table.label else read_numbers if table.value else read_intensities
    space, labelled = read_labels(path, rows, ids, data, issues)
    splits = _splits(path, rows, table, issues)
    dialogues = [_dialogue(path, row, key, table) for row, key in zip(rows, ids, strict=True)]
    utterances = [
        Utterance(
            id=key,
            split=split,
            dialogue=dialogue,
            turn=turn,
            speaker=(row[table.speaker] or None) if table.speaker else None,
            text=(row[table.text] or None) if table.text else None,
            clip=_clip(path, row, key, table, issues) if data.sound else None,
            labels=labels,
            scores=scores,
            numbers=dict(_numbers(row, key, table, issues)),
        )
        for row, key, split, dialogue, turn, (labels, scores) in zip(
            rows, ids, splits, dialogues, _turns(dialogues), labelled, strict=True
        )
    ]
    column = table.group
    named = {key: row[column] for key, row in zip(ids, rows, strict=True) if row[column]} if column else {}
    groups = {column: named} if column else {}
    return Corpus.build(path.stem, utterances, [space], issues=issues, groups=groups)


def _checked(data: Data) -> Table:
    table = data.table
    if table is None:
        raise RecipeError(_("The reader 'table' needs the section 'data.table', which names the columns."))
    if (table.start or table.end) and not table.audio:
        raise RecipeError(_("'data.table.start' and 'data.table.end' cut audio; name its column in 'audio'."))
    if data.sound and not table.audio:
        raise RecipeError(_("'data.sound' looks for clips; name their column in 'data.table.audio'."))
    targets = {table.label, table.value, *table.labels}
    for name in table.features:
        if name in targets:
            raise RecipeError(
                _(
                    "'data.table.features' offers the label column '{name}' as an input; remove it there.",
                    name=name,
                )
            )
    return table


def _locate(root: Path, table: Table) -> Path:
    if root.is_file() or (table.file is None and is_dataset(root)):
        return root
    if table.file is None:
        raise RecipeError(
            _("{root} is a folder; name the table in it as 'data.table.file', or give the file.", root=root)
        )
    path = root / table.file
    if not path.exists():
        raise CorpusError(_("There is no table {path}; correct the root or 'data.table.file'.", path=path))
    return path


def media_root(path: Path) -> Path:
    """Return the folder that a table's clips are relative to."""
    return path if path.is_dir() else path.parent


def _require_columns(path: Path, rows: Sequence[Row], table: Table) -> None:
    single = (
        table.text,
        table.id,
        table.audio,
        table.start,
        table.end,
        table.speaker,
        table.dialogue,
        table.split,
        table.label,
        table.value,
        table.group,
    )
    for name in (*single, *table.labels, *table.features):
        if name is not None and name not in rows[0]:
            raise CorpusError(
                _(
                    "{path} has no column '{name}'; it has: {known}.",
                    path=path,
                    name=name,
                    known=", ".join(rows[0]),
                )
            )


def _ids(path: Path, rows: Sequence[Row], table: Table) -> list[str]:
    if table.id is None:
        return [f"{path.stem}/row{n}" for n in range(1, len(rows) + 1)]
    first: dict[str, int] = {}
    for n, row in enumerate(rows, start=1):
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
    return list(first)


def _dialogue(path: Path, row: Row, key: str, table: Table) -> str:
    cell = row[table.dialogue] if table.dialogue else ""
    return f"{path.stem}/{cell}" if cell else key


def _turns(dialogues: Sequence[str]) -> Iterator[int]:
    so_far: Counter[str] = Counter()
    for key in dialogues:
        yield so_far[key]
        so_far[key] += 1


def _splits(path: Path, rows: Sequence[Row], table: Table, issues: list[Issue]) -> list[str]:
    if table.split:
        return _given_splits(path, rows, table)
    return _named_splits(path, rows, table) if table.splits.dev else _drawn_splits(path, rows, table, issues)


def _given_splits(path: Path, rows: Sequence[Row], table: Table) -> list[str]:
    assert table.split is not None
    splits = [split_named(row[table.split]) for row in rows]
    if None in splits:
        n = splits.index(None)
        raise CorpusError(
            _(
                "{path}: row {row} has '{value}' in '{name}', which is none of train, dev (val, valid, "
                "validation) and test.",
                path=path,
                row=n + 1,
                value=rows[n][table.split],
                name=table.split,
            )
        )
    return [split for split in splits if split is not None]


def _named_splits(path: Path, rows: Sequence[Row], table: Table) -> list[str]:
    assert table.group is not None
    groups = [row[table.group] for row in rows]
    split_of = dict.fromkeys(table.splits.dev, "dev") | dict.fromkeys(table.splits.test, "test")
    if unknown := sorted(split_of.keys() - set(groups)):
        raise CorpusError(
            _(
                "{path}: 'data.table.splits' names {unknown}, which no row has in '{name}'.",
                path=path,
                unknown=", ".join(unknown),
                name=table.group,
            )
        )
    if not set(groups) - split_of.keys():
        raise CorpusError(_("{path}: 'data.table.splits' leaves no group for train.", path=path))
    return [split_of.get(group, "train") for group in groups]


def _drawn_splits(path: Path, rows: Sequence[Row], table: Table, issues: list[Issue]) -> list[str]:
    column = table.group or table.dialogue or table.speaker
    groups = [_group(row, column, table) for row in rows]
    _require_whole_dialogues(path, rows, groups, table)
    splits = draw_splits(groups, table.fractions, table.seed)
    counts = Counter(splits)
    values = {
        "groups": len(set(groups)),
        "train": counts["train"],
        "dev": counts["dev"],
        "test": counts["test"],
        "seed": table.seed,
    }
    if column:
        message = _(
            "No split column: {groups} groups by '{column}' were drawn with seed {seed} into {train} train, "
            "{dev} dev and {test} test utterances; no group crosses.",
            column=column,
            **values,
        )
    else:
        message = _(
            "No split, group, dialogue or speaker column: single rows were drawn with seed {seed} into {train} "
            "train, {dev} dev and {test} test utterances; who speaks in one may speak in another.",
            **values,
        )
    issues.append(Issue("split_drawn", "note" if column else "warning", message, path.name))
    return splits


def _group(row: Row, column: str | None, table: Table) -> str:
    if column and row[column]:
        return f"group {row[column]}"
    if table.dialogue and row[table.dialogue]:
        return f"dialogue {row[table.dialogue]}"
    return f"id {row[table.id]}" if table.id else f"row {list(row.values())}"


def _require_whole_dialogues(path: Path, rows: Sequence[Row], groups: Sequence[str], table: Table) -> None:
    if not table.dialogue:
        return
    group_of: dict[str, str] = {}
    for row, group in zip(rows, groups, strict=True):
        cell = row[table.dialogue]
        if cell and group_of.setdefault(cell, group) != group:
            raise CorpusError(
                _(
                    "{path}: the dialogue '{dialogue}' lies in two groups of '{name}', so no split keeps both "
                    "whole; name a group column that does not cut dialogues.",
                    path=path,
                    dialogue=cell,
                    name=table.group,
                )
            )


def _clip(path: Path, row: Row, key: str, table: Table, issues: list[Issue]) -> Clip | None:
    if not table.audio or not row[table.audio]:
        return None
    cells = [row[column].strip() if column else "" for column in (table.start, table.end)]
    start, end = (to_number(cell) for cell in cells)
    unreadable = [cell for cell, time in zip(cells, (start, end), strict=True) if cell and time is None]
    if unreadable or (start or 0.0) < 0 or (end is not None and end <= (start or 0.0)):
        message = _(
            "'{start}' to '{end}' is no stretch of time in seconds; left without audio.",
            start=cells[0],
            end=cells[1],
        )
        issues.append(Issue("time_unusable", "problem", message, key))
        return None
    clip = Clip(media_root(path) / row[table.audio], start, end)
    if not os.path.isfile(clip.path):  # unlike Path.is_file, it takes a name of any length
        issues.append(Issue("audio_missing", "problem", _("There is no file {path}.", path=clip.path), key))
    return clip


def _numbers(row: Row, key: str, table: Table, issues: list[Issue]) -> Iterator[tuple[str, float]]:
    for column in table.features:
        cell = row[column].strip()
        number = to_number(cell)
        if number is not None:
            yield column, number
        elif cell:
            message = _("'{cell}' in '{name}' is no number; taken as missing.", cell=cell, name=column)
            issues.append(Issue("number_unreadable", "problem", message, key))
