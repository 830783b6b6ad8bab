"""The only door to test labels, and the count of how often it was opened.

The ledger is a file of JSON lines in the user's state folder, one line per opening, keyed by the fingerprint of
the test split: the same rows under another name or folder share their count. A line is written before a label
is seen. It keeps an honest person honest; it does not stop one who reads the files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentir import places
from sentir.corpus.types import SPLITS, Corpus, Labels
from sentir.errors import CorpusError, LockedTestError
from sentir.evaluation.results import Opening
from sentir.i18n import _

_TEXTS = ("when", "corpus", "test_fingerprint", "reason")


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
    openings(corpus.test_fingerprint)  # a ledger that cannot count opens nothing
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "corpus": corpus.name,
        "test_fingerprint": corpus.test_fingerprint,
        "reason": reason.strip(),
        "models": list(models),
    }
    _append(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
    labels, _scores = corpus.sealed._reveal()
    return labels


def openings(test_fingerprint: str) -> tuple[Opening, ...]:
    """Return all openings of one test split, oldest first, numbered from 1.

    Raises:
        LockedTestError: if the ledger cannot be read or a line is damaged; the message names file and line.
    """
    entries = [entry for entry in _read() if entry["test_fingerprint"] == test_fingerprint]
    return tuple(
        Opening(number=number, models=tuple(entry["models"]), **{key: entry[key] for key in _TEXTS})
        for number, entry in enumerate(entries, start=1)
    )


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


def _append(line: bytes) -> None:
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            whole = os.write(handle, line) == len(line)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise _unusable(path, error.strerror) from error
    if not whole:
        raise _unusable(path, _("the disk is full"))


def _read() -> list[dict[str, Any]]:
    path = _path()
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(path, error.strerror) from error
    if lines[-1]:
        raise _damaged(path, len(lines))
    return [_parse(line, path, number) for number, line in enumerate(lines[:-1], start=1)]


def _parse(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise _damaged(path, number) from error
    texts = [entry.get(key) for key in _TEXTS] if isinstance(entry, dict) else [None]
    models = entry.get("models") if isinstance(entry, dict) else None
    if not isinstance(models, list) or not all(isinstance(text, str) for text in [*texts, *models]):
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
