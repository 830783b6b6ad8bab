"""The order of a dialogue's rows, where a column says it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sentir.corpus.utterances import Issue
from sentir.i18n import _, format_count


def number_turns(dialogues: Sequence[str], positions: Sequence[float]) -> tuple[list[int], list[str]]:
    """Number rows within their dialogues by their places; those of one place keep their order.

    Args:
        dialogues: of each of N rows.
        positions: what each row's dialogue is ordered by.

    Returns:
        The turn of each row, from 0, and the dialogues whose rows stand in another order.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for n, dialogue in enumerate(dialogues):
        rows[dialogue].append(n)
    turns = [0] * len(dialogues)
    moved = []
    for dialogue, own in rows.items():
        ordered = sorted(own, key=lambda n: positions[n])
        if ordered != own:
            moved.append(dialogue)
        for turn, n in enumerate(ordered):
            turns[n] = turn
    return turns, moved


def note_reordered_dialogues(reordered: Sequence[str], column: str, where: str) -> list[Issue]:
    """Return a note if the rows of dialogues stand in another order than their turns."""
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
