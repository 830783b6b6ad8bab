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
from sentir.corpus.minhash import hashes, shared, sketch
from sentir.corpus.utterances import SPLITS, Labels
from sentir.errors import CorpusError, LockedTestError
from sentir.evaluation.locked import ledger_file
from sentir.evaluation.locked.ledger_file import Entry
from sentir.evaluation.results import Opening
from sentir.i18n import _, thousands
from sentir.progress import warn

ALIKE = 0.5  # share of sentences from which on two test splits count as one


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """Which ledger counted.

    Attributes:
        since: UTC time of its first opening, ISO 8601; ``""`` if it has none.
        moved: whether ``SENTIR_STATE_DIR`` says where it lies.
    """

    since: str = ""
    moved: bool = False


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
        "sketch": sketch(_sentences(corpus)),
    }
    ledger_file.add(lambda _known: [entry])  # a ledger that cannot count opens nothing
    warn(
        _("{corpus}: test is opened; openings so far: {n}", corpus=corpus.name, n=thousands(len(opened(corpus))))
    )
    labels, _scores = corpus.sealed._reveal()
    return labels


def opened(corpus: Corpus) -> tuple[Opening, ...]:
    """Return all openings of a corpus' test split, and of others that share at least half of its sentences.

    Raises:
        LockedTestError: if the ledger cannot be read or a line is damaged; the message names file and line.
    """
    return openings(corpus.test_fingerprint, sentences=_sentences(corpus))


def openings(test_fingerprint: str, *, sentences: Set[str] = frozenset()) -> tuple[Opening, ...]:
    """Return all openings of one test split, oldest first, numbered from 1.

    Args:
        test_fingerprint: of the split.
        sentences: its `sentir.corpus.minhash.hashes`, if openings of splits that say much the same count too.

    Raises:
        LockedTestError: if the ledger cannot be read or a line is damaged; the message names file and line.
    """
    return tuple(
        Opening(
            number, entry["when"], entry["corpus"], test_fingerprint, entry["reason"], tuple(entry["models"]),
            seen_as="" if entry["test_fingerprint"] == test_fingerprint else entry["test_fingerprint"],
        )
        for number, entry in enumerate(_entries(test_fingerprint, sentences), start=1)
    )  # fmt: skip


def ledger_facts() -> LedgerFacts:
    """Say which ledger counts here.

    Raises:
        LockedTestError: as `openings`.
    """
    entries = ledger_file.read()
    return LedgerFacts(entries[0]["when"] if entries else "", bool(os.environ.get("SENTIR_STATE_DIR")))


def last_openings() -> dict[str, Entry]:
    """Return fingerprint → the ledger's last line of every test split that was ever opened.

    Raises:
        LockedTestError: as `openings`.
    """
    return {entry["test_fingerprint"]: entry for entry in ledger_file.read()}


def copy_openings(corpus: Corpus, path: Path) -> None:
    """Write the openings of a corpus' test split to ``path``, as the ledger has them.

    Raises:
        LockedTestError: as `openings`, or if the file cannot be written.
    """
    ledger_file.write_copy(path, _entries(corpus.test_fingerprint, _sentences(corpus)))


def recall_openings(path: Path) -> None:
    """Write to the ledger what `copy_openings` wrote and it does not know: it was lost, or is another one.

    Raises:
        LockedTestError: as `open_test`; also if the copy is damaged.
    """
    copy = ledger_file.read_copy(path)
    _before, lost = ledger_file.add(lambda known: [entry for entry in copy if entry not in known])
    if lost:
        warn(_("Openings of test that the ledger did not know were found in {path} and are counted: {n}",
               path=path, n=lost))  # fmt: skip


def labels_of(corpus: Corpus, split: str) -> dict[str, Labels]:
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


def _sentences(corpus: Corpus) -> Set[str]:
    return hashes(u.text for u in corpus.test)


def _entries(test_fingerprint: str, sentences: Set[str]) -> list[Entry]:
    known = ledger_file.read()
    of = {entry["test_fingerprint"]: entry["sketch"] for entry in known}
    alike = {test_fingerprint, *(key for key, one in of.items() if shared(one, sentences) >= ALIKE)}
    return [entry for entry in known if entry["test_fingerprint"] in alike]
