"""Bottom-k sketches of the sentences of a split, to recognize it in other corpora without storing its text.

A sketch holds the smallest hashes of the distinct sentences (Broder, "On the resemblance and containment of
documents", 1997), a random sample that is the same in every corpus. Case, spaces and punctuation are ignored, and
sentences that are too short or too frequent to be distinctive are left out (`sentir.corpus.text_similarity`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set

from sentir.corpus.text_similarity import normalize_text, select_distinctive_texts

SKETCH_SIZE = 512
_MIN_SENTENCES = 10  # below which no share is estimated


def hash_sentences(texts: Iterable[str | None]) -> frozenset[str]:
    """Return the hashes of the sentences that are long and rare enough to be distinctive."""
    sentences = select_distinctive_texts(normalize_text(text) for text in texts)
    return frozenset(hashlib.sha256(one.encode("utf-8", "surrogatepass")).hexdigest()[:10] for one in sentences)


def make_sketch(hashes: Set[str]) -> list[str]:
    """Return the `SKETCH_SIZE` smallest of the hashes of `hash_sentences`, sorted."""
    return sorted(hashes)[:SKETCH_SIZE]


def estimate_overlap(sketch: Sequence[str], hashes: Set[str]) -> float:
    """Estimate the overlap coefficient of two sets of sentences: the shared part of the smaller set.

    Args:
        sketch: the sketch of one set.
        hashes: all hashes of the other.

    Returns:
        From 0 to 1, exact if the sketch holds all hashes; 0 if there are too few sentences.
    """
    sampled = set(sketch)
    comparable = {one for one in hashes if one <= sketch[-1]} if len(sketch) == SKETCH_SIZE else hashes
    sides = [side for side in (sampled, comparable) if len(side) >= _MIN_SENTENCES]
    return max((len(sampled & comparable) / len(side) for side in sides), default=0.0)


def estimate_containment(sketch: Sequence[str], hashes: Set[str]) -> float:
    """Estimate the share of a set of sentences that is contained in another.

    Args:
        sketch: the sketch of the set.
        hashes: all hashes of the other.

    Returns:
        From 0 to 1, exact if the sketch holds all hashes; 0 if there are too few sentences.
    """
    return len(hashes & set(sketch)) / len(sketch) if len(sketch) >= _MIN_SENTENCES else 0.0
