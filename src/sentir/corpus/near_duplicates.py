"""Near-duplicates among texts: those that share most of their character trigrams.

The join is exact. Pairs of texts are compared only if they share trigrams that are among the rarest of both: the
prefix filter of Chaudhuri et al., "A primitive operator for similarity joins in data cleaning" (2006), with the
sizes of both texts as in Xiao et al., "Efficient similarity joins for near duplicate detection" (2008).
Measurements: docs/decisions/audit.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.text_similarity import is_long_enough

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_MIN_LENGTH = 24  # letters and digits; shorter similar texts are different texts
_THRESHOLD = 0.6  # Jaccard similarity of the character trigrams of near-duplicates
_OVERLAP = _THRESHOLD / (1 + _THRESHOLD)  # of two texts: shared trigrams by the sum of both numbers of trigrams
_MIN_SHARED = 4  # rarest trigrams: fewer leave more pairs to compare, more cost more to count
_BAND_RATIO = 1.15  # of the numbers of trigrams of texts that are compared at once
_CHUNK_TEXTS = 16_384
_CHUNK_PAIRS = 2_000_000
_TOLERANCE = 1e-6

_Found = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]
"""Texts, the most similar other text of each, their similarity, and the number of near-duplicates."""


class TrigramIndex:
    """The character trigrams of texts from `sentir.corpus.text_similarity.normalize_text`.

    Args:
        texts: all that will be compared; short ones have no near-duplicates.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        long = [text for text in dict.fromkeys(texts) if is_long_enough(text, _MIN_LENGTH)]
        self._row = {text: n for n, text in enumerate(long)}
        self._matrix = _trigram_matrix(long)

    def find_near_duplicates(
        self, texts: Sequence[str], others: Sequence[str]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Find the near-duplicates of texts among other texts, by the Jaccard similarity of character trigrams.

        Returns:
            For each text the index of the most similar other text, -1 without near-duplicates, and their number.
        """
        nearest, counts = np.full(len(texts), -1, dtype=np.intp), np.zeros(len(texts), dtype=np.intp)
        rows, columns = (
            np.array([n for n, one in enumerate(side) if one in self._row], np.intp) for side in (texts, others)
        )
        left, right = (
            self._matrix[np.array([self._row[side[n]] for n in of], np.intp)]
            for side, of in ((texts, rows), (others, columns))
        )
        found = list(_join(left, right))
        if found:
            own, other, similarity, number = map(np.concatenate, zip(*found, strict=True))
            best_last = np.lexsort((-other, similarity, own))
            nearest[rows[own[best_last]]] = columns[other[best_last]]
            np.add.at(counts, rows[own], number)
        return nearest, counts


@dataclass(frozen=True, slots=True)
class _Band:
    """Texts with similar numbers of trigrams: their rows in a matrix, this part of it, and these numbers.

    The numbers of trigrams are ascending.
    """

    rows: NDArray[np.intp]
    matrix: csr_array
    sizes: NDArray[np.intp]


def _join(left: csr_array, right: csr_array) -> Iterator[_Found]:
    """Yield the near-duplicates of the rows of a matrix among those of another, by bands of similar sizes."""
    others = _split_by_size(right)
    for own in _split_by_size(left):
        for other in others:
            if min(own.sizes[-1], other.sizes[-1]) >= _THRESHOLD * max(own.sizes[0], other.sizes[0]):
                yield from _join_bands(own, other)


def _split_by_size(matrix: csr_array) -> list[_Band]:
    sizes = np.diff(matrix.indptr)
    order = np.argsort(sizes, kind="stable")
    matrix, sizes = matrix[order], sizes[order]
    edges = np.flatnonzero(np.diff(np.floor(np.log(sizes) / np.log(_BAND_RATIO)), prepend=-1, append=-1))
    return [_Band(order[a:b], matrix[a:b], sizes[a:b]) for a, b in pairwise(edges)]


def _join_bands(own: _Band, other: _Band) -> Iterator[_Found]:
    """Yield the near-duplicates of texts among others."""
    needed = min(_MIN_SHARED, int(_count_shared(own.sizes[0], other.sizes[0])))
    rarest = _select_rarest(own, other.sizes[0], needed)
    other_rarest = _select_rarest(other, own.sizes[0], needed)
    pairs = rarest @ np.bincount(other_rarest.indices, minlength=other.matrix.shape[1])
    edges = np.flatnonzero(np.diff(np.cumsum(pairs) // _CHUNK_PAIRS, prepend=-1, append=np.inf))
    by_trigram = other_rarest.T.tocsr()
    for start, end in pairwise(edges):
        shared = rarest[start:end] @ by_trigram
        candidates = np.flatnonzero(shared.data >= needed)
        row = start + np.searchsorted(shared.indptr, candidates, side="right") - 1
        column = shared.indices[candidates]
        common = own.matrix[row].multiply(other.matrix[column]).sum(axis=1)
        share = common / (own.sizes[row] + other.sizes[column])  # a monotonic function of the Jaccard similarity
        if (is_near := share >= _OVERLAP - _TOLERANCE).any():
            yield _summarize(own.rows[row[is_near]], other.rows[column[is_near]], share[is_near])


def _count_shared(size: NDArray[np.intp], least: np.intp) -> NDArray[np.intp]:
    """Return how many trigrams a text shares at least with a near-duplicate of ``least`` trigrams or more."""
    return np.ceil(_OVERLAP * (size + np.maximum(least, _THRESHOLD * size)) - _TOLERANCE).astype(np.intp)


def _select_rarest(band: _Band, least: np.intp, needed: int) -> csr_array:
    """Return the rarest trigrams of each text, of which it shares ``needed`` or more with each near-duplicate.

    A text of n trigrams shares m or more with a near-duplicate, so k or more of any n - m + k of them; in one
    order of all trigrams, k or more are among the first n - m + k of both texts.

    Args:
        band: the texts.
        least: the number of trigrams of the shortest of the texts that these are compared with.
        needed: k.
    """
    start = np.repeat(band.matrix.indptr[:-1], band.sizes)
    length = np.repeat(band.sizes - _count_shared(band.sizes, least) + needed, band.sizes)
    rarest = band.matrix.copy()
    rarest.data[np.arange(rarest.nnz) - start >= length] = 0
    rarest.eliminate_zeros()
    return rarest


def _summarize(own: NDArray[np.intp], other: NDArray[np.intp], similarity: NDArray[np.float64]) -> _Found:
    """Reduce pairs to one of each text: templates have too many to keep them all."""
    order = np.lexsort((-other, similarity, own))
    texts, number = np.unique(own, return_counts=True)
    best = order[np.cumsum(number) - 1]
    return texts, other[best], similarity[best], number


def _trigram_matrix(texts: Sequence[str]) -> csr_array:
    """Return the binary matrix of texts by character trigrams, the rarest first."""
    from scipy.sparse import csr_array, vstack

    if not texts:
        return csr_array((0, 0), dtype=np.float32)
    chunks = [texts[start : start + _CHUNK_TEXTS] for start in range(0, len(texts), _CHUNK_TEXTS)]
    kinds, numbers = zip(*(np.unique(_list_trigrams(one)[1], return_counts=True) for one in chunks), strict=True)
    vocabulary, kind = np.unique(np.concatenate(kinds), return_inverse=True)
    frequencies = np.bincount(kind, np.concatenate(numbers))
    column_of = np.argsort(np.argsort(frequencies, kind="stable"))
    parts = []
    for chunk in chunks:
        row, trigrams = _list_trigrams(chunk)
        column = column_of[np.searchsorted(vocabulary, trigrams)]
        ones, shape = np.ones(len(column), np.float32), (len(chunk), len(vocabulary))
        parts.append(csr_array((ones, (row, column)), shape))  # sums repeated trigrams
        parts[-1].data[:] = 1
    return vstack(parts, "csr")


def _list_trigrams(texts: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
    """Return the index of the text of each character trigram, and the trigram as a number."""
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    text = np.repeat(np.arange(len(texts)), [len(one) for one in texts])
    is_within = text[:-2] == text[2:]
    trigrams = letters[:-2] << 42 | letters[1:-1] << 21 | letters[2:]
    return text[:-2][is_within], trigrams[is_within]
