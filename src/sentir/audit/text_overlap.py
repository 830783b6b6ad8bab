"""Texts of one split that another one has too: copies, and what anybody says.

Texts are compared as a model is given them, after the recipe's cleaning, and as the corpus has them, both
without case, punctuation, symbols, spaces and invisible characters (`sentir.corpus.text_similarity.plain`). A
copy is a text long and rare enough to be told apart, or one that is nearly the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sentir.corpus.cleaning import clean
from sentir.corpus.corpus import Corpus
from sentir.corpus.text_similarity import nearest, plain, telling
from sentir.corpus.utterances import Utterance

PAIRS = (("dev", "train"), ("test", "train"), ("test", "dev"))
_Forms = Mapping[str, tuple[str, ...]]  # utterance id → what its text is compared by, none if it has no letter


@dataclass(frozen=True, slots=True)
class SharedTexts:
    """What the texts of a split have in common with those of another one.

    Attributes:
        known: whether both have texts.
        same: ids of the utterances whose text the other has too, however short and frequent.
        copies: id → id of the other's utterance that it is a copy of, or nearly.
    """

    split: str
    other: str
    known: bool
    same: tuple[str, ...]
    copies: Mapping[str, str]

    @property
    def common(self) -> tuple[str, ...]:
        """The ids of those that are the same and no copies: their texts are short or frequent."""
        return tuple(key for key in self.same if key not in self.copies)


def shared_texts(corpus: Corpus, cleaning: Sequence[str]) -> tuple[SharedTexts, ...]:
    """Compare the texts of every two splits.

    Args:
        corpus: any.
        cleaning: names of the steps that a model's texts go through.
    """
    forms = {u.id: _forms(u.text or "", clean(u.text or "", cleaning)) for u in corpus}
    return tuple(_shared(corpus, split, other, forms) for split, other in PAIRS)


def _forms(text: str, given: str) -> tuple[str, ...]:
    return tuple(form for form in dict.fromkeys((plain(text), plain(given))) if form)


def _shared(corpus: Corpus, split: str, other: str, forms: _Forms) -> SharedTexts:
    mine, theirs = ([u for u in corpus.split(name) if forms[u.id]] for name in (split, other))
    first = {form: u.id for u in reversed(theirs) for form in forms[u.id]}
    marks = telling(_all(mine, forms)) & telling(_all(theirs, forms))
    same = {u.id: found for u in mine if (found := [form for form in forms[u.id] if form in first])}
    exact = {key: first[form] for key, found in same.items() for form in found if form in marks}
    copies = exact | _near(mine, theirs, forms, exact)
    return SharedTexts(split, other, bool(mine and theirs), tuple(same), copies)


def _all(utterances: Iterable[Utterance], forms: _Forms) -> list[str]:
    return [form for u in utterances for form in forms[u.id]]


def _near(
    mine: Sequence[Utterance], theirs: Sequence[Utterance], forms: _Forms, exact: Mapping[str, str]
) -> dict[str, str]:
    """Return those that are nearly the same as one of the others, both rare.

    A text that has near ones in its own split is one of a kind of sentences ("We move to Boston."), no copy.
    """
    first, second = ({form: u.id for u in reversed(of) if (form := forms[u.id][0])} for of in (mine, theirs))
    own, other = (sorted(telling(forms[u.id][0] for u in of)) for of in (mine, theirs))
    texts = [form for form in own if first[form] not in exact]
    found, _n = nearest(texts, other)
    pairs = [(one, other[place]) for one, place in zip(texts, found, strict=True) if place >= 0]
    if not pairs:
        return {}
    left, right = zip(*pairs, strict=True)
    kin = np.maximum(nearest(left, own)[1], nearest(right, other)[1])
    alone = {one: both for (one, both), n in zip(pairs, kin, strict=True) if n == 1}  # itself
    return {u.id: second[alone[form]] for u in mine if (form := forms[u.id][0]) in alone}
