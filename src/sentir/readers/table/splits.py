"""Splits of a user's own table: the column that names them, groups by name, or whole groups drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sentir.corpus import text_similarity
from sentir.corpus.invisible_characters import is_blank, plain
from sentir.corpus.utterances import SPLITS, Issue
from sentir.errors import CorpusError
from sentir.files.cells import Row
from sentir.files.splits import ENOUGH, draw_splits, find_seed, least_share, split_named
from sentir.i18n import _
from sentir.readers.table.parts import Part
from sentir.recipe import Table
from sentir.recipe.data import joined


def read_splits(path: Path, parts: Sequence[Part], table: Table, issues: list[Issue]) -> list[str]:
    """Return the split of every row of one or more files; what was drawn is listed as an issue.

    Without a split column, dev and test are the groups that ``splits`` names, or whole groups are drawn: by the
    ``group`` column, else by dialogue, else by speaker, else row by row (by id, else by clip, else by text, so
    that the same text is in one split). What is drawn depends on the seed and the group alone, see
    `sentir.files.splits.draw_splits`. Where the split column names train and
    test but no dev, dev is drawn so from train.

    Raises:
        CorpusError: if a cell names no split, or the groups cannot fill the splits or cut a dialogue.
    """
    rows = [row for part in parts for row in part.rows]
    if table.split:
        given = [split for part in parts for split in _given_splits(part.path, part.rows, table)]
        return _with_dev(path, rows, given, table, issues)
    if table.splits.dev:
        return _named_splits(path, rows, table)
    splits = _draw(path, rows, _shares(table), table, issues)
    issues.append(_drawn(path, rows, splits, table))
    return splits


def next_seed(rows: Sequence[Row], table: Table, first: int) -> int | None:
    """Return the first seed from ``first`` on that draws splits near their shares.

    Args:
        rows: with names as `sentir.readers.table.keys.make_names` leaves them.
        table: the recipe's section.
        first: the seed that is tried first.

    Returns:
        The seed; ``None`` if nothing is drawn, or no seed fills every split.
    """
    shares = _shares(table)
    if table.split:
        named = [split_named(row[table.split]) for row in rows]
        rows = [row for row, split in zip(rows, named, strict=True) if split == "train"]
        shares = {split: shares[split] for split in ("train", "dev")} if set(named) == {"train", "test"} else {}
    if not shares or table.splits.dev:
        return None
    return find_seed([_group(row, _column(table), table) for row in rows], shares, first)


def _shares(table: Table) -> dict[str, float]:
    """Return split → share; without test if it gets none."""
    return {split: share for split, share in zip(SPLITS, table.fractions, strict=True) if share}


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


def _with_dev(path: Path, rows: Sequence[Row], splits: list[str], table: Table, issues: list[Issue]) -> list[str]:
    """Draw dev from train if the table has none of its own and train has groups enough."""
    train = [row for row, split in zip(rows, splits, strict=True) if split == "train"]
    column = _column(table)
    groups = len({_group(row, column, table) for row in train})
    if set(splits) != {"train", "test"} or groups < 2:
        return splits
    shares = dict(zip(("train", "dev"), table.fractions[:2], strict=True))
    drawn = iter(_draw(path, train, shares, table, issues))
    found = [next(drawn) if split == "train" else split for split in splits]
    by = _("groups by '{column}'", column=column) if column else _("single rows")
    message = _(
        "'{name}' names no dev: of train, {by} were drawn with seed {seed} into {train} train and {dev} dev "
        "utterances; test is as it was.",
        name=table.split,
        by=by,
        seed=table.seed,
        train=found.count("train"),
        dev=found.count("dev"),
    )
    issues.append(Issue("split_drawn", "note" if column else "warning", message, path.name))
    return found


def _named_splits(path: Path, rows: Sequence[Row], table: Table) -> list[str]:
    column = str(joined(table.group))
    groups = [row[column] for row in rows]
    named = {"dev": table.splits.dev, "test": table.splits.test}
    split_of = {plain(group): split for split, groups in named.items() for group in groups}
    if unknown := sorted(split_of.keys() - set(groups)):
        raise CorpusError(
            _(
                "{path}: 'data.table.splits' names {unknown}, which no row has in '{name}'.",
                path=path,
                unknown=", ".join(unknown),
                name=column,
            )
        )
    if not set(groups) - split_of.keys():
        raise CorpusError(_("{path}: 'data.table.splits' leaves no group for train.", path=path))
    return [split_of.get(group, "train") for group in groups]


def _draw(
    path: Path, rows: Sequence[Row], shares: dict[str, float], table: Table, issues: list[Issue]
) -> list[str]:
    groups = [_group(row, _column(table), table) for row in rows]
    _require_whole_dialogues(path, rows, groups, table)
    splits = draw_splits(groups, shares, table.seed)
    if least_share(Counter(groups), shares, table.seed) < ENOUGH:
        issues.append(_uneven(path, groups, shares, table.seed))
    return splits


def _uneven(path: Path, groups: Sequence[str], shares: dict[str, float], seed: int) -> Issue:
    better = find_seed(groups, shares)
    message = _("A split has less than half of the rows that its share would give it, for {n} groups are few.",
                n=len(set(groups)))  # fmt: skip
    if better not in (None, seed):
        message += " " + _("With 'data.table.seed = {seed}' it has more.", seed=better)
    return Issue("split_uneven", "note", message, path.name)


def _drawn(path: Path, rows: Sequence[Row], splits: Sequence[str], table: Table) -> Issue:
    column, counts = _column(table), Counter(splits)
    values = {
        "groups": len({_group(row, column, table) for row in rows}),
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
    return Issue("split_drawn", "note" if column else "warning", message, path.name)


def _column(table: Table) -> str | None:
    """Return the column of groups, ``None`` if every row is one."""
    return joined(table.group) or joined(table.dialogue) or joined(table.speaker)


def _group(row: Row, column: str | None, table: Table) -> str:
    if column and row[column]:
        return f"group {row[column]}"
    dialogue = joined(table.dialogue)
    if dialogue and row[dialogue]:
        return f"dialogue {row[dialogue]}"
    return f"id {row[table.id]}" if table.id else _content(row, table)


def _content(row: Row, table: Table) -> str:
    """Return what tells a row without an id apart: its clip, else its text; no label, no place."""
    if table.audio and not is_blank(row[table.audio]):
        times = (row[column].strip() for column in (table.start, table.end) if column)
        return "/".join(("clip", plain(row[table.audio]), *times))
    if table.text and not is_blank(row[table.text]):
        return f"text {text_similarity.plain(row[table.text]) or plain(row[table.text])}"
    labels = {table.label, table.value, *table.labels}
    return f"row {[cell for column, cell in row.items() if column not in labels]}"


def _require_whole_dialogues(path: Path, rows: Sequence[Row], groups: Sequence[str], table: Table) -> None:
    column = joined(table.dialogue)
    if not column:
        return
    group_of: dict[str, str] = {}
    for row, group in zip(rows, groups, strict=True):
        cell = row[column]
        if cell and group_of.setdefault(cell, group) != group:
            raise CorpusError(
                _(
                    "{path}: the dialogue '{dialogue}' lies in two groups of '{name}', so no split keeps both "
                    "whole; name a group column that does not cut dialogues.",
                    path=path,
                    dialogue=cell,
                    name=joined(table.group),
                )
            )
