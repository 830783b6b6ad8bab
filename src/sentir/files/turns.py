"""Numbering the turns of dialogues by a column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sentir.corpus.utterances import Issue
from sentir.i18n import _, format_count


def number_turns(dialogues: Sequence[str], positions: Sequence[float]) -> tuple[list[int], list[str]]:
    """Number rows within their dialogues by position; ties keep the order of the rows.

    Args:
        dialogues: of each of N rows.
        positions: the sort key of each row within its dialogue.

    Returns:
        The turn of each row, from 0, and the dialogues whose rows are not in this order.
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
    return turns, reordered


def note_reordered_dialogues(reordered: Sequence[str], column: str, where: str) -> list[Issue]:
    """Return a note if dialogues have rows that are not in the order of their turns."""
    if not reordered:
        return []
    message = _(
        "Dialogues whose rows are not in the order of '{column}': {n}, the first is {dialogue}; their turns "
        "follow '{column}'.",
        column=column,
        n=format_count(len(reordered)),
        dialogue=reordered[0],
    )
    return [Issue("rows_reordered", "note", message, where)]
