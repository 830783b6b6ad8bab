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

LONG = 16  # letters and digits below which a text is anyone's
OFTEN = 5  # times from which on a split says it so often that it is a formula, or a script
_NEARLY_LONG = 24  # letters and digits below which nearly the same is something else
_NEAR = 0.6  # share of their letter trigrams that two texts have in common
_WIDE = "\u2e80"  # from here on a character is nearer to a word than to a letter
_NO_LETTER = re.compile(r"[\W_]+")
_ROWS_AT_ONCE = 256


def plain(text: str | None) -> str:
    """Return the letters and digits of a text in one case and one encoding, without anything between them."""
    folded = unicodedata.normalize("NFKC", text or "").casefold()
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", folded))


def is_long(plain_text: str, least: int = LONG) -> bool:
    """Tell whether a text, as `plain` returns it, is long enough to be somebody's."""
    return len(plain_text) >= least or sum(1 + (c >= _WIDE) for c in plain_text) >= least


def telling(plain_texts: Iterable[str], least: int = LONG) -> frozenset[str]:
    """Return those of a split's texts, as `plain` returns them, that are long and rare enough to be copies."""
    return frozenset(one for one, n in Counter(plain_texts).items() if n <= OFTEN and is_long(one, least))


def nearest(texts: Sequence[str], others: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return for each text the place of the other that is most like it, and how many are nearly the same.

    The place is -1 where there is none.

    Two are nearly the same if they share six tenths of their letter trigrams (Jaccard, counted exactly).

    Args:
        texts, others: as `plain` returns them; those that are too short are like none.
    """
    found, counts = np.full(len(texts), -1, dtype=np.intp), np.zeros(len(texts), dtype=np.intp)
    mine, theirs = ([n for n, one in enumerate(of) if is_long(one, _NEARLY_LONG)] for of in (texts, others))
    if not mine or not theirs:
        return found, counts
    matrix = _trigrams([*(texts[n] for n in mine), *(others[n] for n in theirs)])
    places, targets, sizes = np.array(mine), np.array(theirs), np.diff(matrix.indptr).astype(np.float32)
    own, columns = matrix[: len(mine)], matrix[len(mine) :].T.tocsr()
    for start in range(0, len(mine), _ROWS_AT_ONCE):
        shares = (own[start : start + _ROWS_AT_ONCE] @ columns).toarray()
        here = slice(start, start + len(shares))
        shares /= sizes[here, None] + sizes[len(mine) :]  # grows as Jaccard's does
        counts[places[here]] = (shares >= _NEAR / (1 + _NEAR) - 1e-6).sum(axis=1)
        near = counts[places[here]] > 0
        found[places[here][near]] = targets[shares.argmax(axis=1)[near]]
    return found, counts


def _trigrams(texts: Sequence[str]) -> csr_array:
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
