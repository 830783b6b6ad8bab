"""What the words of an utterance look like on their own: length, marks, capitals, polarity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.utterances import Utterance

_COLUMNS = (
    "words",
    "characters",
    "exclamations",
    "questions",
    "uppercase_ratio",
    "polarity",
    "subjectivity",
)


def compute_lexical_features(utterances: Sequence[Utterance]) -> dict[str, NDArray[np.float64]]:
    """Measure the text as the corpus has it.

    Returns:
        ``(N,)`` arrays: ``words`` and ``characters``; ``exclamations`` and ``questions``, the marks counted;
        ``upper_share``, capitals among letters (0 without letters); ``polarity`` in [-1, 1] and ``subjectivity``
        in [0, 1] by TextBlob's lexicon, which knows English only. All NaN where there is no text.
    """
    values = np.array([_measure(u.text) for u in utterances], dtype=np.float64).reshape(-1, len(_COLUMNS))
    return {name: values[:, k] for k, name in enumerate(_COLUMNS)}


def _measure(text: str | None) -> tuple[float, ...]:
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
