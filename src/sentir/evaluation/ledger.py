"""The only door to test labels, and the count of how often it was opened.

The ledger is a file of JSON lines in the user's state folder, one line per opening, keyed by the fingerprint of
the test split: the same rows under another name or folder share their count. A line is written before a label
is seen, with a sketch of the sentences, by which a changed copy is known again. It keeps an honest person honest;
it does not stop one who reads the files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentir import places
from sentir.corpus.sketches import hashes, shared, sketch
from sentir.corpus.types import SPLITS, Corpus, Labels
from sentir.errors import CorpusError, LockedTestError
from sentir.evaluation.results import Opening
from sentir.i18n import _, thousands
from sentir.progress import warn

ALIKE = 0.5  # share of sentences from which on two test splits count as one
_TEXTS = ("when", "corpus", "folds_of", "test_fingerprint", "reason")
_LISTS = ("models", "sketch")

Entry = Mapping[str, Any]


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
    before = opened(corpus)  # a ledger that cannot count opens nothing
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "corpus": corpus.name,
        "folds_of": corpus.folds_of,
        "test_fingerprint": corpus.test_fingerprint,
        "reason": reason.strip(),
        "models": list(models),
        "sketch": sketch(_sentences(corpus)),
    }
    _append([entry])
    warn(_("{corpus}: test is opened; openings so far: {n}", corpus=corpus.name, n=thousands(len(before) + 1)))
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
        sentences: its `sentir.corpus.sketches.hashes`, if openings of splits that say much the same count too.

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
    entries = _read()
    return LedgerFacts(entries[0]["when"] if entries else "", bool(os.environ.get("SENTIR_STATE_DIR")))


def last_openings() -> dict[str, Entry]:
    """Return fingerprint → the ledger's last line of every test split that was ever opened.

    Raises:
        LockedTestError: as `openings`.
    """
    return {entry["test_fingerprint"]: entry for entry in _read()}


def copy_openings(corpus: Corpus, path: Path) -> None:
    """Write the openings of a corpus' test split to ``path``, as the ledger has them.

    Raises:
        LockedTestError: as `openings`, or if the file cannot be written.
    """
    lines = b"".join(map(_line, _entries(corpus.test_fingerprint, _sentences(corpus))))
    try:
        path.write_bytes(lines)
    except OSError as error:
        raise _unusable(path, error.strerror) from error


def recall_openings(path: Path) -> None:
    """Write to the ledger what `copy_openings` wrote and it does not know: it was lost, or is another one.

    Raises:
        LockedTestError: as `open_test`; also if the copy is damaged.
    """
    known = _read()
    lost = [entry for entry in _read(path) if entry not in known]
    if lost:
        _append(lost)
        warn(_("Openings of test that the ledger did not know were found in {path} and are counted: {n}",
              path=path, n=len(lost)))  # fmt: skip


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


def _path() -> Path:
    return places.state_dir() / "ledger.jsonl"


def _sentences(corpus: Corpus) -> Set[str]:
    return hashes(u.text for u in corpus.test)


def _entries(test_fingerprint: str, sentences: Set[str]) -> list[Entry]:
    known = _read()
    of = {entry["test_fingerprint"]: entry["sketch"] for entry in known}
    alike = {test_fingerprint, *(key for key, one in of.items() if shared(one, sentences) >= ALIKE)}
    return [entry for entry in known if entry["test_fingerprint"] in alike]


def _line(entry: Entry) -> bytes:
    return json.dumps(entry, ensure_ascii=False).encode() + b"\n"


def _append(entries: Iterable[Entry]) -> None:
    path, lines = _path(), b"".join(map(_line, entries))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            whole = os.write(handle, lines) == len(lines)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise _unusable(path, error.strerror) from error
    if not whole:
        raise _unusable(path, _("the disk is full"))


def _read(copy: Path | None = None) -> list[Entry]:
    """Return the entries of the ledger, or of a copy, in the order of time."""
    path = copy or _path()
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(path, error.strerror) from error
    if lines[-1]:
        raise _damaged(path, len(lines))
    entries = [_parse(line, path, number) for number, line in enumerate(lines[:-1], start=1)]
    return sorted(entries, key=lambda entry: str(entry["when"]))


def _parse(line: bytes, path: Path, number: int) -> Entry:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise _damaged(path, number) from error
    if not isinstance(entry, dict):
        raise _damaged(path, number)
    entry.setdefault("sketch", [])  # openings that were counted before there were sketches
    entry.setdefault("folds_of", "")
    lists = [entry.get(key) for key in _LISTS]
    texts = [entry.get(key) for key in _TEXTS] + [one for row in lists if isinstance(row, list) for one in row]
    if not all(isinstance(row, list) for row in lists) or not all(isinstance(text, str) for text in texts):
        raise _damaged(path, number)
    return entry


def _unusable(path: Path, why: str | None) -> LockedTestError:
    return LockedTestError(
        _(
            "The test split stays locked: its ledger in the folder {folder} cannot be used ({why}); "
            "make the folder writable or set SENTIR_STATE_DIR.",
            folder=path.parent,
            why=why,
        )
    )


def _damaged(path: Path, number: int) -> LockedTestError:
    return LockedTestError(
        _(
            "The ledger {path} is damaged in line {number}; repair the line, so that openings stay counted.",
            path=path,
            number=number,
        )
    )
