"""Columns that may say who speaks or what belongs together though nothing says so: offered, never taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, groupby
from typing import Any

from sentir.corpus.invisible_characters import plain
from sentir.files.splits import split_named
from sentir.i18n import _
from sentir.table_inspection.columns import Column
from sentir.table_inspection.roles import Roles

_FEWEST = 3  # groups; fewer cannot fill train, dev and test
_MOST_COLUMNS = 8  # of which several together are tried
_TOGETHER = 3  # columns, at most, that are one dialogue
_ROWS_OF_ONE = 2.0  # mean number of rows of a group
_FILLED = 0.9


def offer_groups(columns: Sequence[Column], roles: Roles, useless: Callable[[Column], bool]) -> dict[str, Any]:
    """Return the settings that a person may take in, each with a question among ``roles.unsure``.

    A dialogue is offered where rows of the same value, or of the same values of several columns, stand together;
    a speaker where the same few words come back again and again.

    Args:
        columns: of the table.
        roles: as decided.
        useless: says of a column that it cannot be either.
    """
    free = [c for c in roles.free(columns) if c.filled >= _FILLED * len(c.cells) and not useless(c)]
    offers: dict[str, Any] = {}
    if not roles.column("dialogue") and (found := _dialogue(free, roles)):
        names = [c.name for c in found]
        offers["dialogue"] = names if len(names) > 1 else names[0]
        roles.unsure["dialogue"] = _(
            "do rows with the same {columns} belong to one dialogue? They stand together. Then take this in.",
            columns=" + ".join(f"'{name}'" for name in names),
        )
        free = [c for c in free if c not in found]
    if not roles.column("speaker") and (voices := [c for c in free if _may_speak(c)]):
        column = min(voices, key=lambda c: len(c.values))
        offers["speaker"] = column.name
        roles.unsure["speaker"] = _(
            "does '{column}' say who speaks ({n} values that come back)? Then take this in.",
            column=column.name,
            n=len(column.values),
        )
    return offers


def _may_speak(column: Column) -> bool:
    return not column.numeric and _is_group(column.values.total(), len(column.values)) and column.mean_words < 4


def _is_group(rows: int, groups: int) -> bool:
    return _FEWEST <= groups <= rows / _ROWS_OF_ONE


def _dialogue(free: Sequence[Column], roles: Roles) -> tuple[Column, ...]:
    """Return the columns whose cells together change least often among those that cut rows finest."""
    may = [c for c in free if all(value.isalnum() or not c.numeric for value in c.values)][:_MOST_COLUMNS]
    tried = (several for k in range(1, _TOGETHER + 1) for several in combinations(may, k))
    best: tuple[Column, ...] = ()
    most = 0
    for several in tried:
        keys = [tuple(map(plain, cells)) for cells in zip(*(c.cells for c in several), strict=True)]
        groups = len(set(keys))
        if (
            groups > most
            and _is_group(len(keys), groups)
            and _stand_together(keys)
            and _in_one_split(keys, roles)
        ):
            best, most = several, groups
    return best


def _stand_together(keys: Sequence[tuple[str, ...]]) -> bool:
    return sum(1 for _run in groupby(keys)) == len(set(keys))


def _in_one_split(keys: Sequence[tuple[str, ...]], roles: Roles) -> bool:
    split = roles.column("split")
    if split is None:
        return True
    named = {(key, split_named(cell)) for key, cell in zip(keys, split.cells, strict=True)}
    return len(named) == len(set(keys))
