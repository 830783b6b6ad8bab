"""Texts that two splits share: duplicates, and common phrases.

Texts are compared before and after the recipe's cleaning, both without case, punctuation, symbols, spaces and
invisible characters (`sentir.corpus.text_similarity.normalize_text`). A duplicate is an equal or nearly equal
text that is too long and too rare for chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sentir.corpus.cleaning import clean_text
from sentir.corpus.corpus import Corpus
from sentir.corpus.near_duplicates import TrigramIndex
from sentir.corpus.text_similarity import normalize_text, select_distinctive_texts
from sentir.corpus.utterances import Utterance

SPLIT_PAIRS = (("dev", "train"), ("test", "train"), ("test", "dev"))
_TextForms = Mapping[str, tuple[str, ...]]  # utterance id → normalized texts; none if it has no letters


@dataclass(frozen=True, slots=True)
class TextOverlap:
    """The texts of a split that another split also has.

    Attributes:
        is_comparable: whether both splits have texts.
        identical: ids of the utterances whose text is in the other split, even if it is short or frequent.
        duplicates: id → id of the utterance in the other split whose text it duplicates, exactly or nearly.
    """

    split: str
    other: str
    is_comparable: bool
    identical: tuple[str, ...]
    duplicates: Mapping[str, str]

    @property
    def common(self) -> tuple[str, ...]:
        """The ids of identical texts that are no duplicates, because they are short or frequent."""
        return tuple(key for key in self.identical if key not in self.duplicates)


def find_text_overlaps(corpus: Corpus, cleaning: Sequence[str]) -> tuple[TextOverlap, ...]:
    """Compare the texts of each two splits.

    Args:
        corpus: any.
        cleaning: names of the cleaning steps of a model.
    """
    forms = {}
    for u in corpus:
        both = (u.text or "", clean_text(u.text or "", cleaning))
        forms[u.id] = tuple(form for form in dict.fromkeys(map(normalize_text, both)) if form)
    index = TrigramIndex(both[0] for both in forms.values() if both)
    return tuple(_compare_splits(corpus, split, other, forms, index) for split, other in SPLIT_PAIRS)


def _compare_splits(
    corpus: Corpus, split: str, other: str, forms: _TextForms, index: TrigramIndex
) -> TextOverlap:
    own, others = ([u for u in corpus.split(name) if forms[u.id]] for name in (split, other))
    first = {form: u.id for u in reversed(others) for form in forms[u.id]}
    rare, rare_in_other = (
        select_distinctive_texts(form for u in of for form in forms[u.id]) for of in (own, others)
    )
    distinctive = rare & rare_in_other
    shared = {u.id: both for u in own if (both := [form for form in forms[u.id] if form in first])}
    exact = {key: first[form] for key, both in shared.items() for form in both if form in distinctive}
    duplicates = exact | _find_near_duplicates(own, others, forms, exact, index)
    return TextOverlap(split, other, bool(own and others), tuple(shared), duplicates)


def _find_near_duplicates(
    own: Sequence[Utterance],
    others: Sequence[Utterance],
    forms: _TextForms,
    exact: Mapping[str, str],
    index: TrigramIndex,
) -> dict[str, str]:
    """Return id → id of near duplicates, of distinctive texts in both splits.

    A text with near duplicates in its own split is an instance of a pattern ("We move to Boston."), no duplicate.
    """
    own_ids, other_ids = ({forms[u.id][0]: u.id for u in reversed(texts)} for texts in (own, others))
    own_texts, other_texts = (
        sorted(select_distinctive_texts(forms[u.id][0] for u in of)) for of in (own, others)
    )
    candidates = [text for text in own_texts if own_ids[text] not in exact]
    nearest, _counts = index.find_near_duplicates(candidates, other_texts)
    pairs = [(text, other_texts[row]) for text, row in zip(candidates, nearest, strict=True) if row >= 0]
    if not pairs:
        return {}
    left, right = zip(*pairs, strict=True)
    counts = np.maximum(
        index.find_near_duplicates(left, own_texts)[1], index.find_near_duplicates(right, other_texts)[1]
    )
    unique = {text: other for (text, other), count in zip(pairs, counts, strict=True) if count == 1}  # itself
    return {u.id: other_ids[unique[text]] for u in own if (text := forms[u.id][0]) in unique}
