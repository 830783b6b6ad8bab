"""From the roles of a table's columns to the section ``data.table`` of a recipe, and suggestions for it.

Columns that may be the speaker or the dialogue without being named so are suggested, never used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, groupby
from typing import Any

from sentir.corpus.invisible_characters import normalize_name
from sentir.files.label_cells import is_known_label
from sentir.files.splits import parse_split
from sentir.i18n import _
from sentir.table_inspection.columns import Column
from sentir.table_inspection.roles import ColumnRoles

MAX_UNKNOWN = 30  # unknown names listed for the user
_MIN_GROUPS = 3  # one each for train, dev and test
_MAX_COLUMNS = 8  # columns tried in combination
_MAX_JOINED_COLUMNS = 3  # columns that together identify a dialogue
_MIN_ROWS_PER_GROUP = 2.0  # mean number of rows of a group
_MIN_FILLED_SHARE = 0.9


def make_table_settings(roles: ColumnRoles) -> dict[str, Any]:
    """Return the section ``data.table``, without the file; questions on labels are added to ``roles``."""
    order = ("text", "audio", "start", "end", "id", "speaker", "dialogue", "turn", "split", "label", "labels")
    settings: dict[str, Any] = {}
    for role in order:
        if role == "labels" and role in roles.columns:
            settings["labels"] = [column.name for column in roles.columns["labels"]]
            settings["threshold"] = 0.0
        elif column := roles.column(role):
            settings[role] = column.name
    if label := roles.column("label"):
        _add_label_settings(label, roles, settings)
    return settings


def _add_label_settings(label: Column, roles: ColumnRoles, settings: dict[str, Any]) -> None:
    """Add the separator of labels, and the unknown label names for the user to map; they map to themselves."""
    separator = label.label_separator
    if separator:
        settings["label_separator"] = separator
        roles.questions["label_separator"] = _("some cells contain it: do they have several labels?")
    words = label.label_counts(separator)
    unknown = [word for word, _n in words.most_common() if not is_known_label(word, roles.task)]
    if len(unknown) > MAX_UNKNOWN:
        settings["normalize"] = False
        roles.questions["normalize"] = _(
            "most names are unknown, so all are kept unchanged: is this the label column?"
        )
    elif unknown:
        settings["names"] = {word: word for word in unknown}
        roles.questions["names"] = _(
            'which labels are {words}? Write a label on the right, or "" for no label; unchanged, each is a '
            "class of its own.",
            words=", ".join(f"{word} ({words[word]})" for word in unknown),
        )


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
    short = [c for c in candidates if not c.is_numeric and c.mean_words < 4]
    speakers = [c for c in short if _is_group_count(c.value_counts.total(), len(c.value_counts))]
    if speakers and not roles.column("speaker"):
        column = min(speakers, key=lambda c: len(c.value_counts))
        suggestions["speaker"] = column.name
        roles.questions["speaker"] = _(
            "is '{column}' the speaker ({n} recurring values)? Then uncomment this line.",
            column=column.name,
            n=len(column.value_counts),
        )
    return suggestions


def _is_group_count(rows: int, groups: int) -> bool:
    return _MIN_GROUPS <= groups <= rows / _MIN_ROWS_PER_GROUP


def _find_dialogue_columns(candidates: Sequence[Column], roles: ColumnRoles) -> tuple[Column, ...]:
    """Return the columns whose joined values give the most groups of adjacent rows within one split."""
    candidates = [c for c in candidates if all(value.isalnum() or not c.is_numeric for value in c.value_counts)]
    best: tuple[Column, ...] = ()
    most, split = 0, roles.column("split")
    for k in range(1, _MAX_JOINED_COLUMNS + 1):
        for columns in combinations(candidates[:_MAX_COLUMNS], k):
            keys = [tuple(map(normalize_name, cells)) for cells in zip(*(c.cells for c in columns), strict=True)]
            groups = len(set(keys))
            if (
                groups > most
                and _is_group_count(len(keys), groups)
                and groups == sum(1 for _run in groupby(keys))  # adjacent
                and (split is None or groups == len({*zip(keys, map(parse_split, split.cells), strict=True)}))
            ):
                best, most = columns, groups
    return best
