"""The position of an utterance in its dialogue, and the numeric columns of the corpus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sentir.corpus.utterances import Utterance
from sentir.features import FeatureColumns, FeatureSet


def compute_dialogue_features(utterances: Sequence[Utterance]) -> FeatureColumns:
    """Compute the position of every utterance among the given ones of its dialogue.

    Returns:
        ``(N,)`` arrays: ``turn``, the index from 0; ``position``, the relative position from 0 (first, or alone)
        to 1 (last); ``same_speaker``, 1 if the previous utterance has the same speaker, 0 if another or if there
        is none; ``turns_since_speaker``, how many turns ago the speaker last spoke (1 = the previous turn,
        0 = never). The last two are NaN where a speaker is unknown.
    """
    columns = {
        name: np.full(len(utterances), np.nan)
        for name in ("turn", "position", "same_speaker", "turns_since_speaker")
    }
    for rows in _group_rows_by_dialogue(utterances):
        last_spoke: dict[str, int] = {}
        for turn, row in enumerate(rows):
            speaker = utterances[row].speaker
            previous_speaker = utterances[rows[turn - 1]].speaker if turn else ""
            columns["turn"][row] = turn
            columns["position"][row] = turn / max(1, len(rows) - 1)
            if speaker is None:
                continue
            columns["turns_since_speaker"][row] = turn - last_spoke.get(speaker, turn)
            if previous_speaker is not None:
                columns["same_speaker"][row] = bool(turn) and speaker == previous_speaker
            last_spoke[speaker] = turn
    return columns


def _group_rows_by_dialogue(utterances: Sequence[Utterance]) -> list[list[int]]:
    """Return the row numbers of each dialogue in the order of its turns."""
    groups: dict[str, list[int]] = {}
    for row in sorted(range(len(utterances)), key=lambda row: utterances[row].turn):
        groups.setdefault(utterances[row].dialogue or utterances[row].id, []).append(row)
    return list(groups.values())


def compute_tabular_features(utterances: Sequence[Utterance]) -> FeatureColumns:
    """Return `Utterance.numeric_features` as columns in alphabetical order, NaN where an utterance lacks one."""
    names = sorted({name for u in utterances for name in u.numeric_features})
    return {
        name: np.array([u.numeric_features.get(name, np.nan) for u in utterances], dtype=np.float64)
        for name in names
    }


DIALOGUE = FeatureSet(compute_dialogue_features)
TABULAR = FeatureSet(compute_tabular_features)
