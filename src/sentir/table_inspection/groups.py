"""Columns that may be the speaker or the dialogue without being named so: suggested, never used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, groupby
from typing import Any

from sentir.corpus.invisible_characters import normalize_name
from sentir.files.splits import parse_split
from sentir.i18n import _
from sentir.table_inspection.columns import Column
from sentir.table_inspection.roles import ColumnRoles

_MIN_GROUPS = 3  # one each for train, dev and test
_MAX_COLUMNS = 8  # columns tried in combination
_MAX_JOINED_COLUMNS = 3  # columns that together identify a dialogue
_MIN_ROWS_PER_GROUP = 2.0  # mean number of rows of a group
_MIN_FILLED_SHARE = 0.9


def suggest_groups(
    columns: Sequence[Column], roles: ColumnRoles, is_excluded: Callable[[Column], bool]
) -> dict[str, Any]:
    """Return settings for the user to decide on, each with a question in ``roles.questions``.

    A dialogue is suggested if rows with the same values in one column or several are adjacent; a speaker if a few
    short values recur.

    Args:
        columns: of the table.
        roles: as assigned so far.
        is_excluded: returns whether a column can be neither.
    """
    candidates = [
        c
        for c in roles.unassigned(columns)
        if c.num_filled >= _MIN_FILLED_SHARE * len(c.cells) and not is_excluded(c)
    ]
    suggestions: dict[str, Any] = {}
    if not roles.column("dialogue") and (dialogue := _find_dialogue_columns(candidates, roles)):
        names = [c.name for c in dialogue]
        suggestions["dialogue"] = names if len(names) > 1 else names[0]
        roles.questions["dialogue"] = _(
            "are adjacent rows with the same {columns} one dialogue? Then uncomment this line.",
            columns=" + ".join(f"'{name}'" for name in names),
        )
        candidates = [c for c in candidates if c not in dialogue]
    if not roles.column("speaker") and (speakers := [c for c in candidates if _may_be_speaker(c)]):
        column = min(speakers, key=lambda c: len(c.value_counts))
        suggestions["speaker"] = column.name
        roles.questions["speaker"] = _(
            "is '{column}' the speaker ({n} recurring values)? Then uncomment this line.",
            column=column.name,
            n=len(column.value_counts),
        )
    return suggestions


def _may_be_speaker(column: Column) -> bool:
    return (
        not column.is_numeric
        and _is_group_count(column.value_counts.total(), len(column.value_counts))
        and column.mean_words < 4
    )


def _is_group_count(rows: int, groups: int) -> bool:
    return _MIN_GROUPS <= groups <= rows / _MIN_ROWS_PER_GROUP


def _find_dialogue_columns(candidates: Sequence[Column], roles: ColumnRoles) -> tuple[Column, ...]:
    """Return the columns whose joined values give the most groups of adjacent rows within one split."""
    candidates = [c for c in candidates if all(value.isalnum() or not c.is_numeric for value in c.value_counts)]
    best: tuple[Column, ...] = ()
    most = 0
    for k in range(1, _MAX_JOINED_COLUMNS + 1):
        for columns in combinations(candidates[:_MAX_COLUMNS], k):
            keys = [tuple(map(normalize_name, cells)) for cells in zip(*(c.cells for c in columns), strict=True)]
            groups = len(set(keys))
            if (
                groups > most
                and _is_group_count(len(keys), groups)
                and _are_contiguous(keys)
                and _are_in_one_split(keys, roles)
            ):
                best, most = columns, groups
    return best


def _are_contiguous(keys: Sequence[tuple[str, ...]]) -> bool:
    return sum(1 for _run in groupby(keys)) == len(set(keys))


def _are_in_one_split(keys: Sequence[tuple[str, ...]], roles: ColumnRoles) -> bool:
    split = roles.column("split")
    if split is None:
        return True
    pairs = {(key, parse_split(cell)) for key, cell in zip(keys, split.cells, strict=True)}
    return len(pairs) == len(set(keys))
