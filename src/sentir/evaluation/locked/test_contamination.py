"""Test splits that are known, found where models learn: published ones, and what the ledger has seen opened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sentir.audit import Finding
from sentir.audit.grading import grade_of
from sentir.corpus.corpus import Corpus
from sentir.corpus.minhash import hashes, held, shared
from sentir.errors import LockedTestError
from sentir.evaluation.locked.ledger import ALIKE, last_openings
from sentir.i18n import _, mark

SOME = 0.1  # share of its sentences from which on a known test is worth telling; related corpora share as much
_NOTES = {
    "train": mark("train holds a test split, so this model cannot be tested there"),
    "dev": mark("dev holds a test split, so what is chosen on dev is chosen on that test"),
}


@dataclass(frozen=True, slots=True)
class KnownTest:
    """Sentences of a known test split in train or dev.

    Attributes:
        test: whose test split it is, such as ``MELD``.
        split: of the corpus at hand, ``train`` or ``dev``.
        share: of the sentences of the known test, those that stand there; an estimate.
        opened: when it was opened, by the ledger; ``""`` if it is known because it is published.
        official: whether the corpus at hand has another published test split, so that its splits are given.
    """

    test: str
    split: str
    share: float
    opened: str = ""
    official: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is that test split, rather than a related corpus that says some of the same sentences."""
        return self.share > ALIKE and not self.official

    def sentence(self) -> str:
        """Say in the current language what was found, and what follows."""
        values = {"split": self.split, "test": self.test, "share": round(100 * self.share)}
        if not self.opened:
            return _("{split} holds {share} % of the sentences of the published test split of {test}: a model "
                     "that learns or is chosen on it cannot be tested there.", **values)  # fmt: skip
        return _("{split} holds {share} % of the sentences of the test split of '{test}' that was opened on "
                 "{day}: a model that learns or is chosen on it cannot be tested there; folds of one corpus are "
                 "declared by 'data.folds_of'.", day=self.opened[:10], **values)  # fmt: skip


def known_tests(corpus: Corpus) -> tuple[KnownTest, ...]:
    """Return the known test splits of which train or dev holds a tenth or more; the corpus' own is not meant.

    Nor are those of other folds of it. A ledger that cannot be read locks test, and says so there; here it tells
    nothing.
    """
    said = {split: hashes(u.text for u in corpus.split(split)) for split in ("train", "dev", "test")}
    published = _published()
    own = {test for test, one in published.items() if held(one, said["test"]) > ALIKE}
    known = [*((test, one, "") for test, one in published.items()), *_opened(corpus, said["test"])]
    return tuple(
        KnownTest(test, split, share, when, official=bool(own - {test}))
        for split in ("train", "dev")
        for test, one, when in known
        if (share := held(one, said[split])) >= SOME
    )


def _opened(corpus: Corpus, own: Set[str]) -> list[tuple[str, Sequence[str], str]]:
    """Return corpus, sketch and day of opened test splits that are neither this corpus' own nor published."""
    try:
        entries = last_openings()
    except LockedTestError:
        return []
    return [
        (one["corpus"], one["sketch"], one["when"])
        for key, one in entries.items()
        if key != corpus.test_fingerprint
        and shared(one["sketch"], own) < ALIKE
        and not any(held(one["sketch"], set(sketch)) > ALIKE for sketch in _published().values())
        and not (corpus.folds_of and one["folds_of"] == corpus.folds_of)
    ]


def known_notes(corpus: Corpus, split: str) -> tuple[str, ...]:
    """Return what the scores of a split must be read with, in English, the names of known tests after a colon.

    A test split that dev holds concerns the scores of dev; one that train holds, those of test.
    """
    concerned = {"dev": "dev", "test": "train"}.get(split)
    return tuple(
        f"{_NOTES[one.split]}: {one.test}" for one in known_tests(corpus) if one.whole and one.split == concerned
    )


def known_findings(known: Iterable[KnownTest]) -> list[Finding]:
    """Tell an audit of test splits that train or dev holds; corpora that hold but a part are related."""
    return [
        Finding(
            f"known_test_in_{one.split}",
            "note",
            one.sentence(),
            1,
            (),
            grade_of("known_test", one.share if one.whole else 0.0),
        )
        for one in known
    ]


@cache
def _published() -> Mapping[str, Sequence[str]]:
    """Return the sketches of the published test splits, by corpus."""
    text = files(__package__).joinpath("published_tests.json").read_text(encoding="utf-8")
    found: Mapping[str, Sequence[str]] = json.loads(text)
    return found
