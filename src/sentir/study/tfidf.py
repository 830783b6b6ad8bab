"""Tf-idf of words, characters and the previous turn: fitted by scikit-learn, computed with NumPy alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.cleaning import clean_text
from sentir.corpus.utterances import Utterance, group_dialogues

_WORD = r"(?u)\b\w+\b|[!?]"
_WORD_LENGTHS, _CHARACTER_LENGTHS = (1, 2), (1, 4)
_MIN_UTTERANCES = 2  # of train that an n-gram occurs in
_SETTINGS: Mapping[str, dict[str, Any]] = {
    "word": {"ngram_range": _WORD_LENGTHS, "token_pattern": _WORD},
    "char": {"ngram_range": _CHARACTER_LENGTHS, "analyzer": "char_wb"},
    "previous": {"ngram_range": _WORD_LENGTHS, "token_pattern": _WORD},
}
PART_WEIGHTS = {"word": 1.0, "char": 1.0, "previous": 0.5}
"""Part → norm of its tf-idf vectors: words and characters of a text, words of the turn before it."""

Texts = Sequence[tuple[str, str]]
"""N texts, each with that of the turn before it; ``""`` if there is none."""


@dataclass(frozen=True, slots=True)
class SparseRows:
    """A sparse ``(N, V)`` matrix by rows, which multiplies dense ones.

    Attributes:
        values, columns: of all rows, one after another.
        starts: N + 1 offsets of the rows in them.
        width: V.
    """

    values: NDArray[np.float64]
    columns: NDArray[np.int64]
    starts: NDArray[np.int64]
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __matmul__(self, dense: NDArray[np.float64]) -> NDArray[np.float64]:
        product = np.zeros((len(self), dense.shape[1]))
        for row, (start, end) in enumerate(pairwise(self.starts)):
            product[row] = self.values[start:end] @ dense[self.columns[start:end]]
        return product

    def to_scipy(self) -> Any:
        """Return a SciPy matrix, which scikit-learn takes."""
        from scipy.sparse import csr_matrix

        return csr_matrix((self.values, self.columns, self.starts), shape=(len(self), self.width))


@dataclass(frozen=True, slots=True, eq=False)
class TfidfFeatures:
    """Fitted tf-idf features of texts.

    Attributes:
        cleaning: steps of text cleaning.
        vocabularies: part → its n-grams, in the order of the columns.
        idf: ``(V,)`` of all parts, one after another.
    """

    cleaning: tuple[str, ...]
    vocabularies: Mapping[str, tuple[str, ...]]
    idf: NDArray[np.float64]

    @classmethod
    def fit(cls, cleaning: Sequence[str], texts: Texts) -> TfidfFeatures:
        """Fit vocabularies and document frequencies on train; a part without any n-gram is left out.

        Raises:
            ValueError: if no word occurs in two utterances.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        vocabularies, idf = {}, []
        for part, settings in _SETTINGS.items():
            vectorizer = TfidfVectorizer(min_df=_MIN_UTTERANCES, **settings)
            try:
                vectorizer.fit([_text_of(part, pair) for pair in texts])
            except ValueError:  # an empty vocabulary
                if part == "word":
                    raise
                continue
            vocabularies[part] = tuple(map(str, vectorizer.get_feature_names_out()))
            idf.append(vectorizer.idf_)
        return cls(tuple(cleaning), vocabularies, np.concatenate(idf))

    def transform(self, texts: Texts) -> SparseRows:
        """Return ``(N, V)`` tf-idf, with sublinear term frequencies and the norms of `PART_WEIGHTS` (or 0)."""
        offsets = np.cumsum([0, *map(len, self.vocabularies.values())])
        index = {
            part: {ngram: start + n for n, ngram in enumerate(names)}
            for start, (part, names) in zip(offsets, self.vocabularies.items(), strict=False)
        }
        columns, values, starts = [], [], [0]
        for pair in texts:
            for part, own in index.items():
                counts = Counter(own[one] for one in _ANALYZERS[part](_text_of(part, pair).lower()) if one in own)
                found = np.fromiter(counts.keys(), np.int64, len(counts))
                row = (1 + np.log(np.fromiter(counts.values(), np.float64, len(counts)))) * self.idf[found]
                columns.append(found)
                values.append(PART_WEIGHTS[part] * row / (np.linalg.norm(row) or 1.0))
            starts.append(starts[-1] + sum(map(len, columns[-len(index) :])))
        empty: list[NDArray[Any]] = [np.zeros(0)]
        return SparseRows(
            np.concatenate(values or empty),
            np.concatenate(columns or empty).astype(np.int64),
            np.array(starts),
            int(offsets[-1]),
        )


def texts_in_dialogues(cleaning: Sequence[str], utterances: Sequence[Utterance]) -> dict[str, tuple[str, str]]:
    """Return id → the cleaned text of an utterance, and that of the turn before it in its dialogue."""
    pairs = {}
    for dialogue in group_dialogues(utterances):
        before = ""
        for u in dialogue.utterances:
            pairs[u.id] = (clean_text(u.text or "", cleaning), before)
            before = pairs[u.id][0]
    return pairs


def _text_of(part: str, pair: tuple[str, str]) -> str:
    return pair[1] if part == "previous" else pair[0]


def _word_ngrams(text: str) -> Iterator[str]:
    """Yield words and bigrams, as `sklearn.feature_extraction.text.CountVectorizer` does."""
    words = re.findall(_WORD, text)
    yield from words
    yield from map(" ".join, pairwise(words))


def _character_ngrams(text: str) -> Iterator[str]:
    """Yield the n-grams of characters within each word and the blanks around it (``char_wb``)."""
    low, high = _CHARACTER_LENGTHS
    for word in text.split():
        padded = f" {word} "
        for n in range(low, high + 1):
            yield from (padded[start : start + n] for start in range(max(1, len(padded) - n + 1)))
            if n >= len(padded):  # a short word is counted once
                break


_ANALYZERS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "word": _word_ngrams,
    "char": _character_ngrams,
    "previous": _word_ngrams,
}
