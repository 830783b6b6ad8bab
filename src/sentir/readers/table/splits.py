"""Splits of a user table: by a split column, by the names of groups, or at random by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sentir.corpus import text_similarity
from sentir.corpus.invisible_characters import is_blank, normalize_name
from sentir.corpus.utterances import SPLITS, Issue
from sentir.errors import CorpusError
from sentir.files.cells import Row
from sentir.files.splits import MIN_FILL, find_seed, parse_split, smallest_fill, split_by_group
from sentir.i18n import _
from sentir.readers.table.files import TableFile
from sentir.recipe import TableSettings
from sentir.recipe.data import join_columns


def read_splits(path: Path, files: Sequence[TableFile], table: TableSettings, issues: list[Issue]) -> list[str]:
    """Return the split of every row of one or more files; a random split is an issue.

    Without a split column, dev and test are the groups named in ``splits``, or whole groups are assigned at
    random: by the ``group`` column, else by dialogue, else by speaker, else row by row (by id, else by clip, else
    by text, so that equal texts are in one split). The split of a group depends only on the seed and its name,
    see `sentir.files.splits.split_by_group`. If the split column has train and test but no dev, dev is split from
    train in this way.

    Raises:
        CorpusError: if a cell names no split, the groups cannot fill the splits, or a dialogue is in several
            groups.
    """
    rows = [row for file in files for row in file.rows]
    if table.split:
        splits = [split for file in files for split in _column_splits(file.path, file.rows, table)]
        return _add_dev_split(path, rows, splits, table, issues)
    if table.splits.dev:
        return _named_splits(path, rows, table)
    splits = _split_rows(path, rows, _split_fractions(table), table, issues)
    issues.append(_generated_split_issue(path, rows, splits, table))
    return splits


def find_next_seed(rows: Sequence[Row], table: TableSettings, first_seed: int) -> int | None:
    """Return the first seed from ``first_seed`` on with which the sizes of the splits fit their fractions.

    Args:
        rows: with names normalized by `sentir.readers.table.keys.normalize_names`.
        table: the recipe's section.
        first_seed: the seed to try first.

    Returns:
        The seed; ``None`` if no split is random, or no seed fills every split.
    """
    fractions = _split_fractions(table)
    if table.split:
        splits = [parse_split(row[table.split]) for row in rows]
        rows = [row for row, split in zip(rows, splits, strict=True) if split == "train"]
        has_no_dev = set(splits) == {"train", "test"}
        fractions = {split: fractions[split] for split in ("train", "dev")} if has_no_dev else {}
    if not fractions or table.splits.dev:
        return None
    return find_seed(_row_groups(rows, table), fractions, first_seed)


def _split_fractions(table: TableSettings) -> dict[str, float]:
    """Return split → fraction, without splits whose fraction is 0."""
    return {split: fraction for split, fraction in zip(SPLITS, table.fractions, strict=True) if fraction}


def _column_splits(path: Path, rows: Sequence[Row], table: TableSettings) -> list[str]:
    assert table.split is not None
    splits = [parse_split(row[table.split]) for row in rows]
    if None in splits:
        n = splits.index(None)
        raise CorpusError(
            _(
                "{path}: row {row} has '{value}' in '{name}', which is not train, dev (val, valid, validation) "
                "or test.",
                path=path,
                row=n + 1,
                value=rows[n][table.split],
                name=table.split,
            )
        )
    return [split for split in splits if split is not None]


def _add_dev_split(
    path: Path, rows: Sequence[Row], splits: list[str], table: TableSettings, issues: list[Issue]
) -> list[str]:
    """Split dev from train if the table has no dev and train has two groups or more."""
    train = [row for row, split in zip(rows, splits, strict=True) if split == "train"]
    column = _group_column(table)
    if set(splits) != {"train", "test"} or len(set(_row_groups(train, table))) < 2:
        return splits
    fractions = dict(zip(("train", "dev"), table.fractions[:2], strict=True))
    new_splits = iter(_split_rows(path, train, fractions, table, issues))
    splits = [next(new_splits) if split == "train" else split for split in splits]
    unit = _("group of '{column}'", column=column) if column else _("row")
    message = _(
        "No dev in '{name}': train was split at random by {unit} (seed {seed}) into {train} train and {dev} dev "
        "utterances; test is unchanged.",
        name=table.split,
        unit=unit,
        seed=table.seed,
        train=splits.count("train"),
        dev=splits.count("dev"),
    )
    issues.append(Issue("split_generated", "note" if column else "warning", message, path.name))
    return splits


def _named_splits(path: Path, rows: Sequence[Row], table: TableSettings) -> list[str]:
    column = str(join_columns(table.group))
    groups = [row[column] for row in rows]
    named = {"dev": table.splits.dev, "test": table.splits.test}
    split_of = {normalize_name(group): split for split, groups in named.items() for group in groups}
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


def _split_rows(
    path: Path, rows: Sequence[Row], fractions: dict[str, float], table: TableSettings, issues: list[Issue]
) -> list[str]:
    groups = _row_groups(rows, table)
    _require_whole_dialogues(path, rows, groups, table)
    splits = split_by_group(groups, fractions, table.seed)
    if smallest_fill(Counter(groups), fractions, table.seed) < MIN_FILL:
        issues.append(_uneven_split_issue(path, groups, fractions, table.seed))
    return splits


def _uneven_split_issue(path: Path, groups: Sequence[str], fractions: dict[str, float], seed: int) -> Issue:
    better = find_seed(groups, fractions)
    message = _("A split has less than half of its expected rows, as there are only {n} groups.",
                n=len(set(groups)))  # fmt: skip
    if better not in (None, seed):
        message += " " + _("It has more with 'data.table.seed = {seed}'.", seed=better)
    return Issue("split_small", "note", message, path.name)


def _generated_split_issue(path: Path, rows: Sequence[Row], splits: Sequence[str], table: TableSettings) -> Issue:
    column, counts = _group_column(table), Counter(splits)
    values = {
        "groups": len(set(_row_groups(rows, table))),
        "seed": table.seed,
        **{split: counts[split] for split in SPLITS},
    }
    if column:
        message = _(
            "No split column: {groups} groups of '{column}' were split at random (seed {seed}) into {train} "
            "train, {dev} dev and {test} test utterances; no group is in two splits.",
            column=column,
            **values,
        )
    else:
        message = _(
            "No split, group, dialogue or speaker column: rows were split at random (seed {seed}) into {train} "
            "train, {dev} dev and {test} test utterances; a speaker may be in several splits.",
            **values,
        )
    return Issue("split_generated", "note" if column else "warning", message, path.name)


def _group_column(table: TableSettings) -> str | None:
    """Return the column that splits are grouped by; ``None`` if every row is a group of its own."""
    return join_columns(table.group) or join_columns(table.dialogue) or join_columns(table.speaker)


def _row_groups(rows: Sequence[Row], table: TableSettings) -> list[str]:
    column, dialogue = _group_column(table), join_columns(table.dialogue)

    def group_of(row: Row) -> str:
        if column and row[column]:
            return f"group {row[column]}"
        if dialogue and row[dialogue]:
            return f"dialogue {row[dialogue]}"
        return f"id {row[table.id]}" if table.id else _content_key(row, table)

    return [group_of(row) for row in rows]


def _content_key(row: Row, table: TableSettings) -> str:
    """Return the key of a row without an id: its clip, else its text; never its labels or position."""
    if table.audio and not is_blank(row[table.audio]):
        times = (row[column].strip() for column in (table.start, table.end) if column)
        return "/".join(("clip", normalize_name(row[table.audio]), *times))
    if table.text and not is_blank(row[table.text]):
        return f"text {text_similarity.normalize_text(row[table.text]) or normalize_name(row[table.text])}"
    return f"row {[cell for column, cell in row.items() if column not in table.targets]}"


def _require_whole_dialogues(
    path: Path, rows: Sequence[Row], groups: Sequence[str], table: TableSettings
) -> None:
    column = join_columns(table.dialogue)
    if not column:
        return
    group_of: dict[str, str] = {}
    for row, group in zip(rows, groups, strict=True):
        cell = row[column]
        if cell and group_of.setdefault(cell, group) != group:
            raise CorpusError(
                _(
                    "{path}: the dialogue '{dialogue}' is in two groups of '{name}', so no split keeps both "
                    "whole; name a group column that does not divide dialogues.",
                    path=path,
                    dialogue=cell,
                    name=join_columns(table.group),
                )
            )
