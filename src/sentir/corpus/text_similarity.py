"""Which texts are the same, or nearly: whatever case, punctuation, spaces, symbols and encoding do to a copy.

Only what identifies a text counts as a copy: everybody says "Okay.", and an acted corpus says its ten sentences
in every split. What was measured stands in docs/decisions/audit.md.
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

MIN_LENGTH = 16  # letters and digits below which a text is anyone's
MAX_REPEATS = 5  # times from which on a split says it so often that it is a formula, or a script
_MIN_LENGTH_NEAR_DUPLICATE = 24  # letters and digits below which nearly the same is something else
_JACCARD_THRESHOLD = 0.6  # share of their letter trigrams that two texts have in common
_FIRST_WIDE_CHARACTER = "\u2e80"  # from here on a character is nearer to a word than to a letter
_NON_ALPHANUMERIC = re.compile(r"[\W_]+")
_CHUNK_ROWS = 256


def normalize_text(text: str | None) -> str:
    """Return the letters and digits of a text in one case and one encoding, without anything between them."""
    folded = unicodedata.normalize("NFKC", text or "").casefold()
    return _NON_ALPHANUMERIC.sub("", unicodedata.normalize("NFKC", folded))


def is_long_enough(normalized_text: str, min_length: int = MIN_LENGTH) -> bool:
    """Tell whether a text, as `plain` returns it, is long enough to be somebody's."""
    return (
        len(normalized_text) >= min_length
        or sum(1 + (c >= _FIRST_WIDE_CHARACTER) for c in normalized_text) >= min_length
    )


def select_distinctive_texts(normalized_texts: Iterable[str], min_length: int = MIN_LENGTH) -> frozenset[str]:
    """Return those of a split's texts, as `plain` returns them, that are long and rare enough to be copies."""
    return frozenset(
        one
        for one, n in Counter(normalized_texts).items()
        if n <= MAX_REPEATS and is_long_enough(one, min_length)
    )


def find_near_duplicates(
    texts: Sequence[str], others: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return for each text the place of the other that is most like it, and how many are nearly the same.

    The place is -1 where there is none.

    Two are nearly the same if they share six tenths of their letter trigrams (Jaccard, counted exactly).

    Args:
        texts, others: as `plain` returns them; those that are too short are like none.
    """
    found, counts = np.full(len(texts), -1, dtype=np.intp), np.zeros(len(texts), dtype=np.intp)
    mine, theirs = (
        [n for n, one in enumerate(of) if is_long_enough(one, _MIN_LENGTH_NEAR_DUPLICATE)]
        for of in (texts, others)
    )
    if not mine or not theirs:
        return found, counts
    matrix = _trigram_matrix([*(texts[n] for n in mine), *(others[n] for n in theirs)])
    places, targets, sizes = np.array(mine), np.array(theirs), np.diff(matrix.indptr).astype(np.float32)
    own, columns = matrix[: len(mine)], matrix[len(mine) :].T.tocsr()
    for start in range(0, len(mine), _CHUNK_ROWS):
        shares = (own[start : start + _CHUNK_ROWS] @ columns).toarray()
        here = slice(start, start + len(shares))
        shares /= sizes[here, None] + sizes[len(mine) :]  # grows as Jaccard's does
        counts[places[here]] = (shares >= _JACCARD_THRESHOLD / (1 + _JACCARD_THRESHOLD) - 1e-6).sum(axis=1)
        near = counts[places[here]] > 0
        found[places[here][near]] = targets[shares.argmax(axis=1)[near]]
    return found, counts


def _trigram_matrix(texts: Sequence[str]) -> csr_array:
    """Return which text has which run of three letters."""
    from scipy.sparse import csr_array

    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    runs = letters[:-2] << 42 | letters[1:-1] << 21 | letters[2:]
    owner = np.repeat(np.arange(len(texts)), [len(one) for one in texts])
    whole = owner[:-2] == owner[2:]
    kinds, place = np.unique(runs[whole], return_inverse=True)
    ones = np.ones(len(place), np.float32)
    matrix = csr_array((ones, (owner[:-2][whole], place)), shape=(len(texts), len(kinds)))
    matrix.data[:] = 1  # those that a text has several times were added up
    return matrix
