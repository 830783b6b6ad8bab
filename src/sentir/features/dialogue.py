"""Where an utterance stands in its conversation, and the numbers that come with the corpus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.utterances import Utterance

FeatureColumns = dict[str, NDArray[np.float64]]


def compute_dialogue_features(utterances: Sequence[Utterance]) -> FeatureColumns:
    """Measure the position of every utterance among those of its dialogue that are given.

    Returns:
        ``(N,)`` arrays: ``turn``, the position from 0; ``position``, the share of the dialogue that lies before
        (0 first, 1 last, 0 alone); ``same_speaker``, 1 where the previous utterance has the same speaker, 0 where
        another or where there is none; ``since_speaker``, how many turns ago the speaker last spoke (1 = the turn
        before, 0 = not before). The last two are NaN where a speaker they need is unknown.
    """
    columns = {
        name: np.full(len(utterances), np.nan)
        for name in ("turn", "position", "same_speaker", "turns_since_speaker")
    }
    for rows in _group_rows_by_dialogue(utterances):
        last_spoke: dict[str, int] = {}
        for place, row in enumerate(rows):
            speaker = utterances[row].speaker
            before = utterances[rows[place - 1]].speaker if place else ""
            columns["turn"][row] = place
            columns["position"][row] = place / max(1, len(rows) - 1)
            if speaker is None:
                continue
            columns["turns_since_speaker"][row] = place - last_spoke.get(speaker, place)
            if before is not None:
                columns["same_speaker"][row] = bool(place) and speaker == before
            last_spoke[speaker] = place
    return columns


def _group_rows_by_dialogue(utterances: Sequence[Utterance]) -> list[list[int]]:
    """Group row numbers by dialogue, each in the order of its turns."""
    groups: dict[str, list[int]] = {}
    for row in sorted(range(len(utterances)), key=lambda row: utterances[row].turn):
        groups.setdefault(utterances[row].dialogue or utterances[row].id, []).append(row)
    return list(groups.values())


def compute_tabular_features(utterances: Sequence[Utterance]) -> FeatureColumns:
    """Return every number of `Utterance.numbers`, columns in alphabetical order, NaN where one has none."""
    names = sorted({name for u in utterances for name in u.numeric_features})
    return {
        name: np.array([u.numeric_features.get(name, np.nan) for u in utterances], dtype=np.float64)
        for name in names
    }
