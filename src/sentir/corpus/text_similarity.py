"""Duplicates and near-duplicates among texts, regardless of case, punctuation, spaces, symbols and encoding.

Short texts ("Okay.") and texts repeated often in a split (the sentences of an acted corpus) do not count as
duplicates. Measurements: docs/decisions/audit.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MIN_LENGTH = 16  # letters and digits of a distinctive text
MAX_REPEATS = 5  # in a split; what is more frequent is a phrase or part of a script
_MIN_LENGTH_NEAR_DUPLICATE = 24  # letters and digits; shorter similar texts are different texts
_JACCARD_THRESHOLD = 0.6  # Jaccard similarity of the character trigrams of near-duplicates
_FIRST_WIDE_CHARACTER = "\u2e80"  # CJK: from here on a character is closer to a word than to a letter
_NON_ALPHANUMERIC = re.compile(r"[\W_]+")
_CHUNK_ROWS = 256
_TOLERANCE = 1e-6  # of sums in float32
_MIN_SHARED = 8  # more prunes no more pairs


def casefold_text(text: str | None) -> str:
    """Return a text with case folded and white space collapsed; empty if there is none."""
    return " ".join((text or "").casefold().split())


def normalize_text(text: str | None) -> str:
    """Return only the letters and digits of a text, case-folded and in NFKC."""
    folded = unicodedata.normalize("NFKC", text or "").casefold()
    return _NON_ALPHANUMERIC.sub("", unicodedata.normalize("NFKC", folded))


def is_long_enough(normalized_text: str, min_length: int = MIN_LENGTH) -> bool:
    """Return whether a text from `normalize_text` is long enough to be distinctive."""
    if len(normalized_text) >= min_length:
        return True
    return sum(1 + (c >= _FIRST_WIDE_CHARACTER) for c in normalized_text) >= min_length


def select_distinctive_texts(normalized_texts: Iterable[str]) -> frozenset[str]:
    """Return the texts of a split, from `normalize_text`, that are long and rare enough to be distinctive."""
    counts = Counter(normalized_texts)
    return frozenset(one for one, n in counts.items() if n <= MAX_REPEATS and is_long_enough(one))


def find_near_duplicates(
    texts: Sequence[str], others: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the near-duplicates of texts among other texts, by the Jaccard similarity of character trigrams.

    Args:
        texts, others: from `normalize_text`; short ones have no near-duplicates.

    Returns:
        For each text the index of the most similar other text, -1 without near-duplicates, and their number.
    """
    nearest, counts = np.full(len(texts), -1, dtype=np.intp), np.zeros(len(texts), dtype=np.intp)
    rows, columns = (
        np.array([n for n, one in enumerate(side) if is_long_enough(one, _MIN_LENGTH_NEAR_DUPLICATE)], np.intp)
        for side in (texts, others)
    )
    if not len(rows) or not len(columns):
        return nearest, counts
    matrix = _trigram_matrix([*(texts[n] for n in rows), *(others[n] for n in columns)])
    sizes = np.diff(matrix.indptr).astype(np.float32)
    rarest, needed = _select_rarest(matrix, sizes)
    right, rarest, rarest_of_others = matrix[len(rows) :], rarest[: len(rows)], rarest[len(rows) :].T.tocsr()
    for start in range(0, len(rows), _CHUNK_ROWS):
        shared = (rarest[start : start + _CHUNK_ROWS] @ rarest_of_others).tocoo()
        own, other = start + shared.row, shared.col
        is_candidate = shared.data >= np.minimum(needed[own], needed[len(rows) + other])
        own, other = own[is_candidate], other[is_candidate]
        # a monotonic function of the Jaccard similarity
        shares = matrix[own].multiply(right[other]).sum(axis=1) / (sizes[own] + sizes[len(rows) + other])
        is_near = shares >= _JACCARD_THRESHOLD / (1 + _JACCARD_THRESHOLD) - _TOLERANCE
        own, other, shares = own[is_near], other[is_near], shares[is_near]
        counts[rows] += np.bincount(own, minlength=len(rows))
        best_last = np.lexsort((-other, shares, own))
        nearest[rows[own[best_last]]] = columns[other[best_last]]
    return nearest, counts


def _select_rarest(matrix: csr_array, sizes: NDArray[np.float32]) -> tuple[csr_array, NDArray[np.float32]]:
    """Return the rarest trigrams of each text, and how many of them it shares with each near-duplicate at least.

    A text of n trigrams shares t · n or more with a near-duplicate, t being the threshold, so k or more of any
    n - t · n + k of them. In one order of all trigrams, they are among the first ones of both texts: the prefix
    filter of Chaudhuri et al., "A primitive operator for similarity joins in data cleaning" (2006). So few pairs
    of texts have to be compared.
    """
    shared = np.ceil(sizes * (_JACCARD_THRESHOLD - _TOLERANCE))
    needed = np.minimum(shared, _MIN_SHARED)
    place = np.arange(len(matrix.indices)) - np.repeat(matrix.indptr[:-1], np.diff(matrix.indptr))
    rarest = matrix.copy()
    rarest.data[place >= np.repeat(sizes - shared + needed, np.diff(matrix.indptr))] = 0
    rarest.eliminate_zeros()
    return rarest, needed


def _trigram_matrix(texts: Sequence[str]) -> csr_array:
    """Return the binary matrix of texts by character trigrams, the rarest first."""
    from scipy.sparse import csr_array

    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    trigrams = letters[:-2] << 42 | letters[1:-1] << 21 | letters[2:]
    row = np.repeat(np.arange(len(texts)), [len(one) for one in texts])
    within_text = row[:-2] == row[2:]
    vocabulary, column = np.unique(trigrams[within_text], return_inverse=True)
    column = np.argsort(np.argsort(np.bincount(column), kind="stable"))[column]
    ones = np.ones(len(column), np.float32)
    matrix = csr_array((ones, (row[:-2][within_text], column)), shape=(len(texts), len(vocabulary)))
    matrix.data[:] = 1  # repeated trigrams were summed
    return matrix
