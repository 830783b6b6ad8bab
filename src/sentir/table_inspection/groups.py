"""Columns that may say who speaks or what belongs together though nothing says so: offered, never taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, groupby
from typing import Any

from sentir.corpus.invisible_characters import normalize_name
from sentir.files.splits import parse_split
from sentir.i18n import _
from sentir.table_inspection.columns import Column
from sentir.table_inspection.roles import ColumnRoles

_MIN_GROUPS = 3  # groups; fewer cannot fill train, dev and test
_MAX_COLUMNS = 8  # of which several together are tried
_MAX_JOINED_COLUMNS = 3  # columns, at most, that are one dialogue
_MIN_ROWS_PER_GROUP = 2.0  # mean number of rows of a group
_MIN_FILLED_SHARE = 0.9


def suggest_groups(
    columns: Sequence[Column], roles: ColumnRoles, is_excluded: Callable[[Column], bool]
) -> dict[str, Any]:
    """Return the settings that a person may take in, each with a question among ``roles.unsure``.

    A dialogue is offered where rows of the same value, or of the same values of several columns, stand together;
    a speaker where the same few words come back again and again.

    Args:
        columns: of the table.
        roles: as decided.
        is_excluded: says of a column that it cannot be either.
    """
    free = [
        c
        for c in roles.unassigned(columns)
        if c.num_filled >= _MIN_FILLED_SHARE * len(c.cells) and not is_excluded(c)
    ]
    offers: dict[str, Any] = {}
    if not roles.column("dialogue") and (found := _find_dialogue_columns(free, roles)):
        names = [c.name for c in found]
        offers["dialogue"] = names if len(names) > 1 else names[0]
        roles.questions["dialogue"] = _(
            "do rows with the same {columns} belong to one dialogue? They stand together. Then take this in.",
            columns=" + ".join(f"'{name}'" for name in names),
        )
        free = [c for c in free if c not in found]
    if not roles.column("speaker") and (voices := [c for c in free if _may_be_speaker(c)]):
        column = min(voices, key=lambda c: len(c.value_counts))
        offers["speaker"] = column.name
        roles.questions["speaker"] = _(
            "does '{column}' say who speaks ({n} values that come back)? Then take this in.",
            column=column.name,
            n=len(column.value_counts),
        )
    return offers


def _may_be_speaker(column: Column) -> bool:
    return (
        not column.is_numeric
        and _is_group_count(column.value_counts.total(), len(column.value_counts))
        and column.mean_words < 4
    )


def _is_group_count(rows: int, groups: int) -> bool:
    return _MIN_GROUPS <= groups <= rows / _MIN_ROWS_PER_GROUP


def _find_dialogue_columns(candidates: Sequence[Column], roles: ColumnRoles) -> tuple[Column, ...]:
    """Return the columns whose cells together change least often among those that cut rows finest."""
    may = [c for c in candidates if all(value.isalnum() or not c.is_numeric for value in c.value_counts)][
        :_MAX_COLUMNS
    ]
    tried = (several for k in range(1, _MAX_JOINED_COLUMNS + 1) for several in combinations(may, k))
    best: tuple[Column, ...] = ()
    most = 0
    for several in tried:
        keys = [tuple(map(normalize_name, cells)) for cells in zip(*(c.cells for c in several), strict=True)]
        groups = len(set(keys))
        if (
            groups > most
            and _is_group_count(len(keys), groups)
            and _are_contiguous(keys)
            and _are_in_one_split(keys, roles)
        ):
            best, most = several, groups
    return best


def _are_contiguous(keys: Sequence[tuple[str, ...]]) -> bool:
    return sum(1 for _run in groupby(keys)) == len(set(keys))


def _are_in_one_split(keys: Sequence[tuple[str, ...]], roles: ColumnRoles) -> bool:
    split = roles.column("split")
    if split is None:
        return True
    named = {(key, parse_split(cell)) for key, cell in zip(keys, split.cells, strict=True)}
    return len(named) == len(set(keys))
