"""The only door to test labels, and the count of how often it was opened.

The ledger is a file of JSON lines in the user's state folder, one line per opening, keyed by the fingerprint of
the test split: the same rows under another name or folder share their count. A line is written before a label
is seen, with a sketch of the sentences, by which a changed copy is known again. It keeps an honest person honest;
it does not stop one who reads the files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.minhash import estimate_overlap, hash_sentences, make_sketch
from sentir.corpus.utterances import SPLITS, Labels
from sentir.errors import CorpusError, LockedTestError
from sentir.evaluation.locked import ledger_file
from sentir.evaluation.locked.ledger_file import LedgerEntry
from sentir.evaluation.results import Opening
from sentir.i18n import _, format_count
from sentir.logs import logger

SAME_TEST_OVERLAP = 0.5  # share of sentences from which on two test splits count as one


@dataclass(frozen=True, slots=True)
class LedgerInfo:
    """Which ledger counted.

    Attributes:
        first_opening: UTC time of its first opening, ISO 8601; ``""`` if it has none.
        is_relocated: whether ``SENTIR_STATE_DIR`` says where it lies.
    """

    first_opening: str = ""
    is_relocated: bool = False


def open_test(corpus: Corpus, *, reason: str, models: Sequence[str] = ()) -> dict[str, Labels]:
    """Count an opening of the test split, then return its labels, id → task → label names.

    Args:
        reason: why it is opened, in words; every report shows it.
        models: names of the models that are about to be scored.

    Raises:
        LockedTestError: if the reason is empty or the ledger cannot be read or written; nothing is revealed.
        CorpusError: if the corpus has no test split.
    """
    if not reason.strip():
        raise LockedTestError(
            _("The test split of '{name}' stays locked: give a reason to open it.", name=corpus.name)
        )
    if not corpus.test:
        raise CorpusError(_("The corpus '{name}' has no test split to open.", name=corpus.name))
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "corpus": corpus.name,
        "folds_of": corpus.folds_of,
        "test_fingerprint": corpus.test_fingerprint,
        "reason": reason.strip(),
        "models": list(models),
        "sketch": make_sketch(_test_sentence_hashes(corpus)),
    }
    ledger_file.append_entries(lambda _known: [entry])  # a ledger that cannot count opens nothing
    logger.warning(
        _(
            "{corpus}: test is opened; openings so far: {n}",
            corpus=corpus.name,
            n=format_count(len(list_openings(corpus))),
        )
    )
    labels, _scores = corpus.sealed._reveal()
    return labels


def list_openings(corpus: Corpus) -> tuple[Opening, ...]:
    """Return all openings of a corpus' test split, and of others that share at least half of its sentences.

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
        sentence_hashes: its `sentir.corpus.minhash.hashes`, if openings of splits that say much the same count
            too.

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
    """Say which ledger counts here.

    Raises:
        LockedTestError: as `openings`.
    """
    entries = ledger_file.read_entries()
    return LedgerInfo(entries[0]["when"] if entries else "", bool(os.environ.get("SENTIR_STATE_DIR")))


def get_last_openings() -> dict[str, LedgerEntry]:
    """Return fingerprint → the ledger's last line of every test split that was ever opened.

    Raises:
        LockedTestError: as `openings`.
    """
    return {entry["test_fingerprint"]: entry for entry in ledger_file.read_entries()}


def export_openings(corpus: Corpus, path: Path) -> None:
    """Write the openings of a corpus' test split to ``path``, as the ledger has them.

    Raises:
        LockedTestError: as `openings`, or if the file cannot be written.
    """
    ledger_file.write_copy(path, _matching_entries(corpus.test_fingerprint, _test_sentence_hashes(corpus)))


def restore_openings(path: Path) -> None:
    """Write to the ledger what `copy_openings` wrote and it does not know: it was lost, or is another one.

    Raises:
        LockedTestError: as `open_test`; also if the copy is damaged.
    """
    copy = ledger_file.read_copy(path)
    _before, lost = ledger_file.append_entries(lambda known: [entry for entry in copy if entry not in known])
    if lost:
        logger.warning(_("Openings of test that the ledger did not know were found in {path} and are counted: {n}",
               path=path, n=lost))  # fmt: skip


def get_labels(corpus: Corpus, split: str) -> dict[str, Labels]:
    """Return the labels of train or dev, id → task → label names.

    Raises:
        LockedTestError: for the test split, whose labels come from `open_test`.
        CorpusError: if there is no such split.
    """
    if split == "test":
        raise LockedTestError(
            _("The test labels of '{name}' are locked; open them with ledger.open_test.", name=corpus.name)
        )
    if split not in SPLITS:
        raise CorpusError(_("There is no split '{split}'; use train or dev.", split=split))
    return {u.id: u.labels for u in corpus.split(split)}


def _test_sentence_hashes(corpus: Corpus) -> Set[str]:
    return hash_sentences(u.text for u in corpus.test)


def _matching_entries(test_fingerprint: str, sentence_hashes: Set[str]) -> list[LedgerEntry]:
    known = ledger_file.read_entries()
    of = {entry["test_fingerprint"]: entry["sketch"] for entry in known}
    alike = {
        test_fingerprint,
        *(key for key, one in of.items() if estimate_overlap(one, sentence_hashes) >= SAME_TEST_OVERLAP),
    }
    return [entry for entry in known if entry["test_fingerprint"] in alike]
