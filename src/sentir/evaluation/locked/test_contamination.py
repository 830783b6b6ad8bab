"""Test splits that are known, found where models learn: published ones, and what the ledger has seen opened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sentir.audit import Finding
from sentir.audit.grading import compute_grade
from sentir.corpus.corpus import Corpus
from sentir.corpus.minhash import estimate_containment, estimate_overlap, hash_sentences
from sentir.errors import LockedTestError
from sentir.evaluation.locked.ledger import SAME_TEST_OVERLAP, get_last_openings
from sentir.i18n import _, gettext_noop

MIN_OVERLAP = (
    0.1  # share of its sentences from which on a known test is worth telling; related corpora share as much
)
_SCORE_NOTES = {
    "train": gettext_noop("train holds a test split, so this model cannot be tested there"),
    "dev": gettext_noop("dev holds a test split, so what is chosen on dev is chosen on that test"),
}


@dataclass(frozen=True, slots=True)
class Contamination:
    """Sentences of a known test split in train or dev.

    Attributes:
        test: whose test split it is, such as ``MELD``.
        split: of the corpus at hand, ``train`` or ``dev``.
        overlap: of the sentences of the known test, those that stand there; an estimate.
        opened_at: when it was opened, by the ledger; ``""`` if it is known because it is published.
        has_official_split: whether the corpus at hand has another published test split, so that its splits are
            given.
    """

    test: str
    split: str
    overlap: float
    opened_at: str = ""
    has_official_split: bool = False

    @property
    def is_same_test(self) -> bool:
        """Whether it is that test split, rather than a related corpus that says some of the same sentences."""
        return self.overlap > SAME_TEST_OVERLAP and not self.has_official_split

    def sentence(self) -> str:
        """Say in the current language what was found, and what follows."""
        values = {"split": self.split, "test": self.test, "share": round(100 * self.overlap)}
        if not self.opened_at:
            return _("{split} holds {share} % of the sentences of the published test split of {test}: a model "
                     "that learns or is chosen on it cannot be tested there.", **values)  # fmt: skip
        return _("{split} holds {share} % of the sentences of the test split of '{test}' that was opened on "
                 "{day}: a model that learns or is chosen on it cannot be tested there; folds of one corpus are "
                 "declared by 'data.folds_of'.", day=self.opened_at[:10], **values)  # fmt: skip


def find_contamination(corpus: Corpus) -> tuple[Contamination, ...]:
    """Return the known test splits of which train or dev holds a tenth or more; the corpus' own is not meant.

    Nor are those of other folds of it. A ledger that cannot be read locks test, and says so there; here it tells
    nothing.
    """
    said = {split: hash_sentences(u.text for u in corpus.split(split)) for split in ("train", "dev", "test")}
    published = _published_test_sketches()
    own = {test for test, one in published.items() if estimate_containment(one, said["test"]) > SAME_TEST_OVERLAP}
    known = [*((test, one, "") for test, one in published.items()), *_opened_test_sketches(corpus, said["test"])]
    return tuple(
        Contamination(test, split, share, when, has_official_split=bool(own - {test}))
        for split in ("train", "dev")
        for test, one, when in known
        if (share := estimate_containment(one, said[split])) >= MIN_OVERLAP
    )


def _opened_test_sketches(corpus: Corpus, own_hashes: Set[str]) -> list[tuple[str, Sequence[str], str]]:
    """Return corpus, sketch and day of opened test splits that are neither this corpus' own nor published."""
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
    """Return what the scores of a split must be read with, in English, the names of known tests after a colon.

    A test split that dev holds concerns the scores of dev; one that train holds, those of test.
    """
    concerned = {"dev": "dev", "test": "train"}.get(split)
    return tuple(
        f"{_SCORE_NOTES[one.split]}: {one.test}"
        for one in find_contamination(corpus)
        if one.is_same_test and one.split == concerned
    )


def contamination_findings(contaminations: Iterable[Contamination]) -> list[Finding]:
    """Tell an audit of test splits that train or dev holds; corpora that hold but a part are related."""
    return [
        Finding(
            f"known_test_in_{one.split}",
            "note",
            one.sentence(),
            1,
            (),
            compute_grade("test_contamination", one.overlap if one.is_same_test else 0.0),
        )
        for one in contaminations
    ]


@cache
def _published_test_sketches() -> Mapping[str, Sequence[str]]:
    """Return the sketches of the published test splits, by corpus."""
    text = files(__package__).joinpath("published_tests.json").read_text(encoding="utf-8")
    found: Mapping[str, Sequence[str]] = json.loads(text)
    return found
