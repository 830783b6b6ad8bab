"""Numbering the turns of dialogues by a column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sentir.corpus.utterances import Issue
from sentir.i18n import _, format_count


def number_turns(
    dialogues: Sequence[str],
    positions: Sequence[float],
    column: str = "",
    where: str = "",
    issues: list[Issue] | None = None,
) -> list[int]:
    """Number rows within their dialogues by position, from 0; ties keep the order of the rows.

    Args:
        dialogues: of each of N rows.
        positions: the sort key of each row within its dialogue.
        column: that the positions are from.
        where: the file.
        issues: extended by a note if dialogues have rows that are not in this order.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for n, dialogue in enumerate(dialogues):
        rows[dialogue].append(n)
    turns = [0] * len(dialogues)
    reordered = []
    for dialogue, indices in rows.items():
        ordered = sorted(indices, key=lambda n: positions[n])
        if ordered != indices:
            reordered.append(dialogue)
        for turn, n in enumerate(ordered):
            turns[n] = turn
    if reordered and issues is not None:
        message = _(
            "Dialogues whose rows are not in the order of '{column}': {n}, the first is {dialogue}; their turns "
            "follow '{column}'.",
            column=column,
            n=format_count(len(reordered)),
            dialogue=reordered[0],
        )
        issues.append(Issue("rows_reordered", "note", message, where))
    return turns
