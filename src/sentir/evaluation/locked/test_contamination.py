"""Test contamination: sentences of published test splits, and of those in the ledger, in train or dev."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sentir.audit.results import Finding, graded_finding
from sentir.corpus.corpus import Corpus
from sentir.corpus.minhash import estimate_containment, estimate_overlap, hash_sentences
from sentir.errors import LockedTestError
from sentir.evaluation.locked.ledger import SAME_TEST_OVERLAP, get_last_openings
from sentir.i18n import _, gettext_noop

MIN_OVERLAP = 0.1  # smallest share of sentences that is reported; related corpora share as much
_SCORE_NOTES = {
    "train": gettext_noop("train contains a test split, on which this model cannot be evaluated"),
    "dev": gettext_noop("dev contains a test split, so models selected on dev are selected on that test split"),
}


@dataclass(frozen=True, slots=True)
class Contamination:
    """Sentences of a known test split in train or dev of a corpus.

    Attributes:
        test: name of the corpus with the known test split, such as ``MELD``.
        split: that contains them, ``train`` or ``dev``.
        overlap: estimated share of the sentences of the known test split that are in ``split``.
        opened_at: when the ledger recorded an evaluation on it; ``""`` for a published one.
        has_official_split: whether the corpus has a published test split of its own.
    """

    test: str
    split: str
    overlap: float
    opened_at: str = ""
    has_official_split: bool = False

    @property
    def is_same_test(self) -> bool:
        """Whether it is that test split, rather than a related corpus that shares some sentences."""
        return self.overlap > SAME_TEST_OVERLAP and not self.has_official_split

    def sentence(self) -> str:
        """Describe the contamination and its consequence in the current language."""
        values = {"split": self.split, "test": self.test, "share": round(100 * self.overlap)}
        if not self.opened_at:
            return _(
                "{split} contains {share}% of the sentences of the published test split of {test}: a model "
                "trained or selected on it cannot be evaluated on that test split.",
                **values,
            )
        return _(
            "{split} contains {share}% of the sentences of the test split of '{test}', evaluated on {day}: a "
            "model trained or selected on it cannot be evaluated on that test split. Declare folds of one corpus "
            "by 'data.folds_of'.",
            day=self.opened_at[:10],
            **values,
        )


def find_contamination(corpus: Corpus) -> tuple[Contamination, ...]:
    """Return the known test splits of which train or dev contains a tenth or more of the sentences.

    The corpus' own test split and those of other folds of it are left out. An unreadable ledger counts as empty
    here; it is an error of `sentir.evaluation.locked.ledger.open_annotations`.
    """
    hashes = {split: hash_sentences(u.text for u in corpus.split(split)) for split in ("train", "dev", "test")}
    published = _published_test_sketches()
    own = {
        test for test, one in published.items() if estimate_containment(one, hashes["test"]) > SAME_TEST_OVERLAP
    }
    known = [
        *((test, one, "") for test, one in published.items()),
        *_opened_test_sketches(corpus, hashes["test"]),
    ]
    return tuple(
        Contamination(test, split, overlap, opened_at, has_official_split=bool(own - {test}))
        for split in ("train", "dev")
        for test, one, opened_at in known
        if (overlap := estimate_containment(one, hashes[split])) >= MIN_OVERLAP
    )


def _opened_test_sketches(corpus: Corpus, own_hashes: Set[str]) -> list[tuple[str, Sequence[str], str]]:
    """Return corpus, sketch and time of test splits in the ledger that are neither this corpus' nor published."""
    try:
        entries = get_last_openings()
    except LockedTestError:
        return []
    return [
        (one["corpus"], one["sketch"], one["when"])
        for key, one in entries.items()
        if key != corpus.test_fingerprint
        and estimate_overlap(one["sketch"], own_hashes) < SAME_TEST_OVERLAP
        and not any(
            estimate_containment(one["sketch"], set(sketch)) > SAME_TEST_OVERLAP
            for sketch in _published_test_sketches().values()
        )
        and not (corpus.folds_of and one["folds_of"] == corpus.folds_of)
    ]


def contamination_notes(corpus: Corpus, split: str) -> tuple[str, ...]:
    """Return notes on the scores of a split, in English, with the names of known test splits after a colon.

    A test split within dev affects the scores on dev; one within train, those on test.
    """
    affecting = {"dev": "dev", "test": "train"}.get(split)
    return tuple(
        f"{_SCORE_NOTES[one.split]}: {one.test}"
        for one in find_contamination(corpus)
        if one.is_same_test and one.split == affecting
    )


def contamination_findings(contaminations: Iterable[Contamination]) -> list[Finding]:
    """Return audit findings on contamination; a corpus that shares only some sentences is merely related."""
    return [
        graded_finding(
            f"test_contamination_in_{one.split}",
            "note",
            one.sentence(),
            1,
            one.overlap if one.is_same_test else 0.0,
            graded_as="test_contamination",
        )
        for one in contaminations
    ]


@cache
def _published_test_sketches() -> Mapping[str, Sequence[str]]:
    """Return the sketches of the published test splits, by corpus."""
    text = files(__package__).joinpath("published_tests.json").read_text(encoding="utf-8")
    sketches: Mapping[str, Sequence[str]] = json.loads(text)
    return sketches
