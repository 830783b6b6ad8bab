"""Test splits that are known, found where models learn: published ones, and what the ledger has seen opened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sentir.corpus.sketches import hashes, shared
from sentir.corpus.types import Corpus
from sentir.errors import LockedTestError
from sentir.evaluation.ledger import ALIKE, last_openings
from sentir.i18n import _

SOME = 0.1  # share of sentences worth telling; of MELD and CMU-MOSEI, train and dev share at most .01 with test


@dataclass(frozen=True, slots=True)
class KnownTest:
    """Sentences of a known test split in train or dev.

    Attributes:
        test: whose test split it is, such as ``MELD``.
        split: of the corpus at hand, ``train`` or ``dev``.
        share: of the sentences, those that are the same, of the side that shares more; an estimate.
        opened: when it was opened, by the ledger; ``""`` if it is known because it is published.
    """

    test: str
    split: str
    share: float
    opened: str = ""

    def sentence(self) -> str:
        """Say in the current language what was found, and what follows."""
        values = {"split": self.split, "test": self.test, "share": round(100 * self.share)}
        if not self.opened:
            return _("{split} holds the published test split of {test} ({share} % of the sentences): "
                     "a model that learns or is chosen on it cannot be tested there.", **values)  # fmt: skip
        return _("{split} holds the test split of '{test}' that was opened on {day} ({share} % of the "
                 "sentences): a model that learns or is chosen on it cannot be tested there.",
                 day=self.opened[:10], **values)  # fmt: skip


def known_tests(corpus: Corpus) -> tuple[KnownTest, ...]:
    """Return the known test splits of which train or dev holds a tenth or more; the corpus' own is not meant.

    A ledger that cannot be read locks test, and says so there; here it tells nothing.
    """
    said = {split: hashes(u.text for u in corpus.split(split)) for split in ("train", "dev", "test")}
    try:
        opened = last_openings()
    except LockedTestError:
        opened = {}
    known = [
        (one["corpus"], one["sketch"], one["when"])
        for key, one in opened.items()
        if key != corpus.test_fingerprint and shared(one["sketch"], said["test"]) < ALIKE
    ]
    found: list[KnownTest] = []
    for split in ("train", "dev"):
        published = _found(split, [(test, one, "") for test, one in _published().items()], said[split])
        found += published or _found(split, known, said[split])
    return tuple(found)


def _found(split: str, known: Sequence[tuple[str, Sequence[str], str]], sentences: Set[str]) -> list[KnownTest]:
    shares = [(test, shared(one, sentences), when) for test, one, when in known]
    return [KnownTest(test, split, share, when) for test, share, when in shares if share >= SOME]


@cache
def _published() -> Mapping[str, Sequence[str]]:
    """Return the sketches of the published test splits, by corpus."""
    text = files(__package__).joinpath("published_tests.json").read_text(encoding="utf-8")
    found: Mapping[str, Sequence[str]] = json.loads(text)
    return found
