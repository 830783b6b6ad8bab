"""Texts without case, punctuation, spaces, symbols and encoding, and which of them are distinctive.

Short texts ("Okay.") and texts repeated often in a split (the sentences of an acted corpus) do not count as
duplicates. Near-duplicates: `sentir.corpus.near_duplicates`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

MIN_LENGTH = 16  # letters and digits of a distinctive text
MAX_REPEATS = 5  # in a split; what is more frequent is a phrase or part of a script
_FIRST_WIDE_CHARACTER = "\u2e80"  # CJK: from here on a character is closer to a word than to a letter
_NON_ALPHANUMERIC = re.compile(r"[\W_]+")


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
