"""Sketches of what is said: enough to know the sentences of a split again elsewhere, too little to read them.

A sketch keeps the smallest hashes of the distinct sentences (Broder, "On the resemblance and containment of
documents", 1997), so it is a random sample of them, the same in every corpus. Case, spaces and punctuation do not
count, nor do sentences so short that anyone says them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

KEPT = 512
_SHORT = 16  # letters and digits below which a sentence is anyone's
_FEW = 10  # sentences below which nothing is told from them


def sketch(texts: Iterable[str | None]) -> tuple[str, ...]:
    """Return up to `KEPT` hashes of distinct sentences, in order; all of them if there are fewer."""
    return tuple(sorted(_hashes(texts))[:KEPT])


def shared(known: Sequence[str], texts: Iterable[str | None]) -> float:
    """Return which share of the sentences of one side are also the other's, of the side that shares more.

    Args:
        known: the sketch of one side.
        texts: all of the other side.

    Returns:
        From 0 to 1, an estimate where the sketch is a sample; 0 where there are too few sentences to tell.
    """
    kept, found = set(known), _hashes(texts)
    whole = len(kept) < KEPT
    alike = {one for one in found if whole or one <= max(known)}
    return max((len(kept & alike) / len(side) for side in (kept, alike) if len(side) >= _FEW), default=0.0)


def _hashes(texts: Iterable[str | None]) -> set[str]:
    plain = {"".join(filter(str.isalnum, (text or "").casefold())) for text in texts}
    return {hashlib.sha256(one.encode()).hexdigest()[:10] for one in plain if len(one) >= _SHORT}
