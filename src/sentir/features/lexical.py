"""Lexical features of an utterance's text: length, punctuation, capitals, polarity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sentir.corpus.utterances import Utterance
from sentir.features import FeatureColumns, FeatureSet

_COLUMNS = (
    "words",
    "characters",
    "exclamations",
    "questions",
    "uppercase_ratio",
    "polarity",
    "subjectivity",
)


def compute_lexical_features(utterances: Sequence[Utterance]) -> FeatureColumns:
    """Compute the lexical features of the texts, before any cleaning.

    Returns:
        ``(N,)`` arrays: ``words`` and ``characters``; ``exclamations`` and ``questions``, the counts of these
        marks; ``uppercase_ratio``, the share of capitals among letters (0 without letters); ``polarity`` in
        [-1, 1] and ``subjectivity`` in [0, 1] by TextBlob's lexicon, which is English. All NaN without text.
    """
    values = np.array([_compute_row(u.text) for u in utterances], dtype=np.float64).reshape(-1, len(_COLUMNS))
    return {name: values[:, k] for k, name in enumerate(_COLUMNS)}


def _compute_row(text: str | None) -> tuple[float, ...]:
    from textblob.en import sentiment

    if text is None:
        return (np.nan,) * len(_COLUMNS)
    letters = sum(character.isalpha() for character in text)
    capitals = sum(character.isupper() for character in text)
    polarity, subjectivity = sentiment(text)
    return (
        len(text.split()),
        len(text),
        text.count("!"),
        text.count("?"),
        capitals / letters if letters else 0.0,
        polarity,
        subjectivity,
    )


LEXICAL = FeatureSet(compute_lexical_features, modality="text")
