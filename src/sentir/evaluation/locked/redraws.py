"""Tests of one's own table that were discarded and drawn anew: each is recorded, and every report counts them.

The record is a file of JSON lines beside the ledger. A redraw belongs to a corpus with the same rows, or with at
least half of its sentences, however they are split, and to one whose test it drew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentir import paths
from sentir.corpus.corpus import Corpus
from sentir.corpus.fingerprints import rows_fingerprint
from sentir.corpus.minhash import hashes, shared, sketch
from sentir.errors import LockedTestError
from sentir.evaluation.locked.ledger import ALIKE, openings
from sentir.evaluation.results import Redraw
from sentir.i18n import _
from sentir.io import replacing

_TEXTS = ("when", "corpus", "reason", "rows", "discarded", "drawn")
Entry = Mapping[str, Any]


def record_redraw(before: Corpus, after: Corpus, *, seeds: tuple[int, int], reason: str) -> None:
    """Record that the test split of a corpus was discarded and another one drawn.

    Args:
        before, after: the corpus with the one and with the other.
        seeds: of the two draws.
        reason: why, in words; every report shows it.

    Raises:
        LockedTestError: if the reason is empty, or the record cannot be read or written.
    """
    if not reason.strip():
        raise LockedTestError(_('A test split is not discarded without a reason; say why with --reason "…".'))
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "corpus": before.name,
        "reason": reason.strip(),
        "seeds": list(seeds),
        "rows": rows_fingerprint(before.utterances),
        "sketch": sketch(hashes(u.text for u in before)),
        "discarded": before.test_fingerprint,
        "drawn": after.test_fingerprint,
    }
    _write([*_read(), entry])


def redraws(corpus: Corpus) -> tuple[Redraw, ...]:
    """Return the redraws that led to a corpus' test split, oldest first.

    Raises:
        LockedTestError: if the record or the ledger cannot be read; the message names file and line.
    """
    rows, said = rows_fingerprint(corpus.utterances), hashes(u.text for u in corpus)
    drawn, found = {corpus.test_fingerprint}, []
    for entry in reversed(_read()):
        if entry["rows"] == rows or entry["drawn"] in drawn or shared(entry["sketch"], said) >= ALIKE:
            drawn.add(entry["discarded"])
            found.append(entry)
    return tuple(_redraw(corpus, entry) for entry in reversed(found))


def _redraw(corpus: Corpus, entry: Entry) -> Redraw:
    first, second = entry["seeds"]
    opened = len(openings(entry["discarded"]))
    return Redraw(entry["when"], corpus.name, entry["reason"], (first, second), entry["discarded"], opened)


def _path() -> Path:
    return paths.state_dir() / "redraws.jsonl"


def _write(entries: Iterable[Entry]) -> None:
    path = _path()
    text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unusable(path, error) from error


def _read() -> list[Entry]:
    path = _path()
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise _unusable(path, error) from error
    return [_parse(line, path, number) for number, line in enumerate(lines, start=1)]


def _parse(line: bytes, path: Path, number: int) -> Entry:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise _damaged(path, number) from error
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in _TEXTS):
        raise _damaged(path, number)
    seeds, kept = entry.get("seeds"), entry.get("sketch")
    if not isinstance(seeds, list) or len(seeds) != 2 or not isinstance(kept, list):
        raise _damaged(path, number)
    return entry


def _unusable(path: Path, error: OSError) -> LockedTestError:
    return LockedTestError(
        _("The record of redrawn tests {path} cannot be used ({why}); make its folder writable or set "
          "SENTIR_STATE_DIR.", path=path, why=error.strerror or error)
    )  # fmt: skip


def _damaged(path: Path, number: int) -> LockedTestError:
    return LockedTestError(
        _("The record of redrawn tests {path} is damaged in line {number}; repair the line, so that they stay "
          "counted.", path=path, number=number)
    )  # fmt: skip
