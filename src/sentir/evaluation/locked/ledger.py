"""The only functions that return test labels, and the ledger that counts their calls.

The ledger records every opening of a test split, that is, every evaluation on it: a file of JSON lines in the
user's state folder, keyed by the fingerprint of the test split, so that the same rows under another name or in
another folder share their count. A line is written before the labels are returned, with a sketch of the
sentences, by which modified copies are recognized. The ledger prevents accidents; it cannot stop someone from
reading the files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sentir.corpus.corpus import Corpus
from sentir.corpus.minhash import estimate_overlap, hash_sentences, make_sketch
from sentir.corpus.utterances import SPLITS, Labels
from sentir.errors import CorpusError, LockedTestError
from sentir.evaluation.locked import ledger_file
from sentir.evaluation.locked.ledger_file import LedgerEntry
from sentir.evaluation.results import Opening
from sentir.i18n import _, format_count
from sentir.logs import logger

SAME_TEST_OVERLAP = 0.5  # two test splits that share at least this share of sentences count as one


@dataclass(frozen=True, slots=True)
class LedgerInfo:
    """Facts about the ledger.

    Attributes:
        first_opening: UTC time of its first opening, ISO 8601; ``""`` if it has none.
        is_relocated: whether its folder is that of ``SENTIR_STATE_DIR``.
    """

    first_opening: str = ""
    is_relocated: bool = False


class Annotations(NamedTuple):
    """What is annotated in a split.

    Attributes:
        labels: id → task → label names.
        scores: id → label → share of the raters' votes, or intensity.
    """

    labels: dict[str, Labels]
    scores: dict[str, Mapping[str, float]]


def open_test(corpus: Corpus, *, reason: str, models: Sequence[str] = ()) -> dict[str, Labels]:
    """Record an opening of test and return its labels, id → task → label names; see `open_annotations`."""
    return open_annotations(corpus, reason=reason, models=models).labels


def open_annotations(corpus: Corpus, *, reason: str, models: Sequence[str] = ()) -> Annotations:
    """Record an opening of the test split in the ledger, then return its labels and scores.

    Args:
        corpus: of the test split.
        reason: why test is evaluated; shown in every report.
        models: names of the models to be scored.

    Raises:
        LockedTestError: if the reason is empty or the ledger cannot be read or written; no label is returned.
        CorpusError: if the corpus has no test split.
    """
    if not reason.strip():
        raise LockedTestError(
            _("The test split of '{name}' is locked: give a reason to evaluate on it.", name=corpus.name)
        )
    if not corpus.test:
        raise CorpusError(_("The corpus '{name}' has no test split.", name=corpus.name))
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "corpus": corpus.name,
        "folds_of": corpus.folds_of,
        "test_fingerprint": corpus.test_fingerprint,
        "reason": reason.strip(),
        "models": list(models),
        "sketch": make_sketch(_test_sentence_hashes(corpus)),
    }
    ledger_file.append_entries(lambda _known: [entry])  # raises, and so returns no label, if it fails
    logger.warning(
        _(
            "{corpus}: evaluating on test; evaluations so far: {n}",
            corpus=corpus.name,
            n=format_count(len(list_openings(corpus))),
        )
    )
    return Annotations(*corpus.sealed._reveal())


def list_openings(corpus: Corpus) -> tuple[Opening, ...]:
    """Return all openings of the test split, and of others that share at least half of its sentences.

    Raises:
        LockedTestError: if the ledger cannot be read or a line is damaged; the message names file and line.
    """
    return list_openings_by_fingerprint(corpus.test_fingerprint, sentence_hashes=_test_sentence_hashes(corpus))


def list_openings_by_fingerprint(
    test_fingerprint: str, *, sentence_hashes: Set[str] = frozenset()
) -> tuple[Opening, ...]:
    """Return all openings of one test split, oldest first, numbered from 1.

    Args:
        test_fingerprint: of the split.
        sentence_hashes: its `sentir.corpus.minhash.hash_sentences`, to include openings of similar splits.

    Raises:
        LockedTestError: if the ledger cannot be read or a line is damaged; the message names file and line.
    """
    return tuple(
        Opening(
            number, entry["when"], entry["corpus"], test_fingerprint, entry["reason"], tuple(entry["models"]),
            opened_fingerprint="" if entry["test_fingerprint"] == test_fingerprint else entry["test_fingerprint"],
        )
        for number, entry in enumerate(_matching_entries(test_fingerprint, sentence_hashes), start=1)
    )  # fmt: skip


def get_ledger_info() -> LedgerInfo:
    """Return facts about the ledger in use.

    Raises:
        LockedTestError: as `list_openings`.
    """
    entries = ledger_file.read_entries()
    return LedgerInfo(entries[0]["when"] if entries else "", bool(os.environ.get("SENTIR_STATE_DIR")))


def get_last_openings() -> dict[str, LedgerEntry]:
    """Return fingerprint → last entry of every test split in the ledger.

    Raises:
        LockedTestError: as `list_openings`.
    """
    return {entry["test_fingerprint"]: entry for entry in ledger_file.read_entries()}


def export_openings(corpus: Corpus, path: Path) -> None:
    """Copy the ledger's entries of a test split to ``path``.

    Raises:
        LockedTestError: as `list_openings`, or if the file cannot be written.
    """
    ledger_file.write_copy(path, _matching_entries(corpus.test_fingerprint, _test_sentence_hashes(corpus)))


def restore_openings(path: Path) -> None:
    """Add entries of `export_openings` that are missing from the ledger, as after it was lost or moved.

    Raises:
        LockedTestError: as `open_test`, and if the copy is damaged.
    """
    copy = ledger_file.read_copy(path)
    _before, missing = ledger_file.append_entries(lambda known: [entry for entry in copy if entry not in known])
    if missing:
        logger.warning(
            _("Evaluations on test that were missing from the ledger were restored from {path}: {n}",
              path=path, n=missing)
        )  # fmt: skip


def get_labels(corpus: Corpus, split: str) -> dict[str, Labels]:
    """Return the labels of train or dev, id → task → label names; see `get_annotations`."""
    return get_annotations(corpus, split).labels


def get_annotations(corpus: Corpus, split: str) -> Annotations:
    """Return the labels and scores of train or dev.

    Raises:
        LockedTestError: for the test split; see `open_annotations`.
        CorpusError: if there is no such split.
    """
    if split == "test":
        raise LockedTestError(
            _(
                "The test labels of '{name}' are locked; to evaluate on test, use sentir.evaluate with "
                "split='test' and a reason.",
                name=corpus.name,
            )
        )
    if split not in SPLITS:
        raise CorpusError(_("There is no split '{split}'; use train or dev.", split=split))
    rows = corpus.split(split)
    return Annotations({u.id: u.labels for u in rows}, {u.id: u.scores for u in rows})


def _test_sentence_hashes(corpus: Corpus) -> Set[str]:
    return hash_sentences(u.text for u in corpus.test)


def _matching_entries(test_fingerprint: str, sentence_hashes: Set[str]) -> list[LedgerEntry]:
    known = ledger_file.read_entries()
    sketches = {entry["test_fingerprint"]: entry["sketch"] for entry in known}
    same_test = {
        test_fingerprint,
        *(key for key, one in sketches.items() if estimate_overlap(one, sentence_hashes) >= SAME_TEST_OVERLAP),
    }
    return [entry for entry in known if entry["test_fingerprint"] in same_test]
