"""The contract test of feature sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sentir.corpus.utterances import Utterance
from sentir.features import FEATURE_SETS, FeatureColumns
from sentir.testing.tiny_text import SENTENCES

_TOLERANCE = 1e-9


def check_feature_set(name: str, utterances: Sequence[Utterance] = ()) -> None:
    """Check the guarantees of every feature set.

    It returns columns of one number per utterance, at least one of them finite, and leaves the utterances as they
    are; it gets utterances without labels; other dialogues and the order of the utterances change nothing; one
    that is declared to be computed from text does not depend on audio, nor one from audio on text.

    Args:
        name: a registered feature set.
        utterances: to compute it for, in whole dialogues; by default ten short texts in three dialogues. Give
            some with clips for a feature set of audio.

    Raises:
        AssertionError: naming the guarantee that does not hold.
    """
    rows = [u.blind() for u in utterances] or _make_utterances()
    columns = _compute(name, rows)
    assert any(np.isfinite(column).any() for column in columns.values()), "no number is finite"
    _check_dialogues(name, rows, columns)
    _check_modality(name, rows, columns)
    assert list(_compute(name, rows)) == list(columns), "its columns or their order change from call to call"


def _make_utterances() -> list[Utterance]:
    """Return texts of two speakers with a numeric column, and probabilities of another model."""
    return [
        Utterance(
            id=f"check/train/dia{n // 4}/utt{n % 4}",
            split="train",
            dialogue=f"check/train/dia{n // 4}",
            turn=n % 4,
            speaker=("Ana", "Ben")[n % 2],
            text=text,
            numeric_features={"seconds": 1.0 + n},
            stacked_probabilities={"emotion.joy": n / 10, "emotion.neutral": 1 - n / 10},
        )
        for n, text in enumerate(SENTENCES)
    ]


def _compute(name: str, rows: Sequence[Utterance]) -> FeatureColumns:
    before = list(rows)
    columns: FeatureColumns = FEATURE_SETS.get(name).compute(rows)
    assert list(rows) == before, "it changes the utterances"
    assert columns, "it has no columns"
    for column, values in columns.items():
        assert isinstance(column, str) and column, f"the name {column!r} of a column is not a string"
        shape = np.shape(values)
        assert shape == (len(rows),), f"the column {column} has shape {shape}, not {(len(rows),)}"
        assert np.issubdtype(np.asarray(values).dtype, np.number), f"the column {column} does not hold numbers"
        assert not np.isinf(values).any(), f"the column {column} has an infinite value; use NaN where unknown"
    return columns


def _check_dialogues(name: str, rows: Sequence[Utterance], columns: FeatureColumns) -> None:
    dialogue = rows[0].dialogue
    own = [n for n, u in enumerate(rows) if u.dialogue == dialogue] if dialogue else [0]
    alone = _compute(name, [rows[n] for n in own])
    _require_equal(alone, columns, own, "other dialogues change the column {}")
    order = np.random.default_rng(0).permutation(len(rows)).tolist()
    _require_equal(_compute(name, [rows[n] for n in order]), columns, order, "the order changes the column {}")


def _check_modality(name: str, rows: Sequence[Utterance], columns: FeatureColumns) -> None:
    everything = list(range(len(rows)))
    modality = FEATURE_SETS.get(name).modality
    assert modality in (None, "text", "audio"), f"its modality is {modality!r}, not 'text', 'audio' or None"
    if modality == "text":
        silent = [replace(u, clip=None, audio=None) for u in rows]
        _require_equal(
            _compute(name, silent), columns, everything, "it is of text, but audio changes the column {}"
        )
    if modality == "audio":
        mute = [replace(u, text=None) for u in rows]
        _require_equal(
            _compute(name, mute), columns, everything, "it is of audio, but text changes the column {}"
        )


def _require_equal(some: FeatureColumns, columns: FeatureColumns, rows: Sequence[int], message: str) -> None:
    assert some.keys() == columns.keys(), "its columns depend on the utterances"
    for column, values in columns.items():
        equal = np.allclose(some[column], np.asarray(values)[list(rows)], atol=_TOLERANCE, equal_nan=True)
        assert equal, message.format(column)
