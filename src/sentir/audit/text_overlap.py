"""Texts of one split that another one has too: copies, and what anybody says.

Texts are compared as a model is given them, after the recipe's cleaning, and as the corpus has them, both
without case, punctuation, symbols, spaces and invisible characters (`sentir.corpus.text_similarity.plain`). A
copy is a text long and rare enough to be told apart, or one that is nearly the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sentir.corpus.cleaning import clean_text
from sentir.corpus.corpus import Corpus
from sentir.corpus.text_similarity import find_near_duplicates, normalize_text, select_distinctive_texts
from sentir.corpus.utterances import Utterance

SPLIT_PAIRS = (("dev", "train"), ("test", "train"), ("test", "dev"))
_TextForms = Mapping[
    str, tuple[str, ...]
]  # utterance id → what its text is compared by, none if it has no letter


@dataclass(frozen=True, slots=True)
class TextOverlap:
    """What the texts of a split have in common with those of another one.

    Attributes:
        is_comparable: whether both have texts.
        identical: ids of the utterances whose text the other has too, however short and frequent.
        duplicates: id → id of the other's utterance that it is a copy of, or nearly.
    """

    split: str
    other: str
    is_comparable: bool
    identical: tuple[str, ...]
    duplicates: Mapping[str, str]

    @property
    def common(self) -> tuple[str, ...]:
        """The ids of those that are the same and no copies: their texts are short or frequent."""
        return tuple(key for key in self.identical if key not in self.duplicates)


def find_text_overlaps(corpus: Corpus, cleaning: Sequence[str]) -> tuple[TextOverlap, ...]:
    """Compare the texts of every two splits.

    Args:
        corpus: any.
        cleaning: names of the steps that a model's texts go through.
    """
    forms = {u.id: _comparison_forms(u.text or "", clean_text(u.text or "", cleaning)) for u in corpus}
    return tuple(_compare_splits(corpus, split, other, forms) for split, other in SPLIT_PAIRS)


def _comparison_forms(text: str, cleaned: str) -> tuple[str, ...]:
    return tuple(form for form in dict.fromkeys((normalize_text(text), normalize_text(cleaned))) if form)


def _compare_splits(corpus: Corpus, split: str, other: str, forms: _TextForms) -> TextOverlap:
    mine, theirs = ([u for u in corpus.split(name) if forms[u.id]] for name in (split, other))
    first = {form: u.id for u in reversed(theirs) for form in forms[u.id]}
    marks = select_distinctive_texts(_collect_forms(mine, forms)) & select_distinctive_texts(
        _collect_forms(theirs, forms)
    )
    same = {u.id: found for u in mine if (found := [form for form in forms[u.id] if form in first])}
    exact = {key: first[form] for key, found in same.items() for form in found if form in marks}
    copies = exact | _find_near_duplicates(mine, theirs, forms, exact)
    return TextOverlap(split, other, bool(mine and theirs), tuple(same), copies)


def _collect_forms(utterances: Iterable[Utterance], forms: _TextForms) -> list[str]:
    return [form for u in utterances for form in forms[u.id]]


def _find_near_duplicates(
    mine: Sequence[Utterance], theirs: Sequence[Utterance], forms: _TextForms, exact: Mapping[str, str]
) -> dict[str, str]:
    """Return those that are nearly the same as one of the others, both rare.

    A text that has near ones in its own split is one of a kind of sentences ("We move to Boston."), no copy.
    """
    first, second = ({form: u.id for u in reversed(of) if (form := forms[u.id][0])} for of in (mine, theirs))
    own, other = (sorted(select_distinctive_texts(forms[u.id][0] for u in of)) for of in (mine, theirs))
    texts = [form for form in own if first[form] not in exact]
    found, _n = find_near_duplicates(texts, other)
    pairs = [(one, other[place]) for one, place in zip(texts, found, strict=True) if place >= 0]
    if not pairs:
        return {}
    left, right = zip(*pairs, strict=True)
    kin = np.maximum(find_near_duplicates(left, own)[1], find_near_duplicates(right, other)[1])
    alone = {one: both for (one, both), n in zip(pairs, kin, strict=True) if n == 1}  # itself
    return {u.id: second[alone[form]] for u in mine if (form := forms[u.id][0]) in alone}
