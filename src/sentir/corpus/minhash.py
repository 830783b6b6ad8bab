"""Sketches of what is said: enough to know the sentences of a split again elsewhere, too little to read them.

A sketch keeps the smallest hashes of the distinct sentences (Broder, "On the resemblance and containment of
documents", 1997), so it is a random sample of them, the same in every corpus. Case, spaces and punctuation do not
count, nor do sentences so short or so frequent that they are nobody's (`sentir.corpus.text_similarity`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set

from sentir.corpus.text_similarity import normalize_text, select_distinctive_texts

SKETCH_SIZE = 512
_MIN_SENTENCES = 10  # sentences below which nothing is told from them


def hash_sentences(texts: Iterable[str | None]) -> frozenset[str]:
    """Return a hash of each sentence that is long and rare enough to be somebody's."""
    said = select_distinctive_texts(normalize_text(text) for text in texts)
    return frozenset(hashlib.sha256(one.encode("utf-8", "surrogatepass")).hexdigest()[:10] for one in said)


def make_sketch(sentences: Set[str]) -> list[str]:
    """Return up to `KEPT` of `hashes`, in order; all of them if there are fewer."""
    return sorted(sentences)[:SKETCH_SIZE]


def estimate_overlap(sketch: Sequence[str], sentences: Set[str]) -> float:
    """Return which share of the sentences of one side are also the other's, of the side that shares more.

    Args:
        sketch: the sketch of one side.
        sentences: all `hashes` of the other side.

    Returns:
        From 0 to 1, an estimate where the sketch is a sample; 0 where there are too few sentences to tell.
    """
    kept = set(sketch)
    alike = {one for one in sentences if one <= sketch[-1]} if len(sketch) == SKETCH_SIZE else sentences
    return max(
        (len(kept & alike) / len(side) for side in (kept, alike) if len(side) >= _MIN_SENTENCES), default=0.0
    )


def estimate_containment(sketch: Sequence[str], sentences: Set[str]) -> float:
    """Return which share of the known sentences stand among these, from 0 to 1.

    Args:
        sketch: their sketch.
        sentences: all `hashes` of what may hold them.

    Returns:
        An estimate where the sketch is a sample; 0 where there are too few sentences to tell.
    """
    return len(sentences & set(sketch)) / len(sketch) if len(sketch) >= _MIN_SENTENCES else 0.0
