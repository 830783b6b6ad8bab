"""Redraws: random test splits of a table that were discarded and replaced; every report counts them.

They are recorded in a file of JSON lines next to the ledger. A redraw belongs to a corpus with the same rows or
at least half of the sentences, however they are split, and to the corpus whose test split it produced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentir import paths
from sentir.corpus.corpus import Corpus
from sentir.corpus.fingerprints import compute_content_fingerprint
from sentir.corpus.minhash import estimate_overlap, hash_sentences, make_sketch
from sentir.errors import LockedTestError
from sentir.evaluation.locked.ledger import SAME_TEST_OVERLAP, list_openings_by_fingerprint
from sentir.evaluation.results import Redraw
from sentir.file_locks import hold_lock
from sentir.i18n import _
from sentir.io import atomic_write
from sentir.safe_text import json_dumps

_TEXT_FIELDS = ("when", "corpus", "reason", "rows", "discarded", "drawn")
RedrawEntry = Mapping[str, Any]


def record_redraw(before: Corpus, after: Corpus, *, seeds: tuple[int, int], reason: str) -> None:
    """Record that the test split of a corpus was discarded and replaced by another random one.

    Args:
        before, after: the corpus with the old and with the new split.
        seeds: of the two splits.
        reason: why, not empty; shown in every report.

    Raises:
        LockedTestError: if the record cannot be read or written.
    """
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "corpus": before.name,
        "reason": reason.strip(),
        "seeds": list(seeds),
        "rows": compute_content_fingerprint(before.utterances),
        "sketch": make_sketch(hash_sentences(u.text for u in before)),
        "discarded": before.test_fingerprint,
        "drawn": after.test_fingerprint,
    }
    _add_entry(entry)


def list_redraws(corpus: Corpus) -> tuple[Redraw, ...]:
    """Return the redraws that led to the test split of a corpus, oldest first.

    Raises:
        LockedTestError: if the record or the ledger cannot be read; the message names file and line.
    """
    rows, hashes = compute_content_fingerprint(corpus.utterances), hash_sentences(u.text for u in corpus)
    fingerprints, entries = {corpus.test_fingerprint}, []
    for entry in reversed(_read_entries()):
        if (
            entry["rows"] == rows
            or entry["drawn"] in fingerprints
            or estimate_overlap(entry["sketch"], hashes) >= SAME_TEST_OVERLAP
        ):
            fingerprints.add(entry["discarded"])
            entries.append(entry)
    return tuple(_make_redraw(corpus, entry) for entry in reversed(entries))


def _make_redraw(corpus: Corpus, entry: RedrawEntry) -> Redraw:
    before, after = entry["seeds"]
    openings = len(list_openings_by_fingerprint(entry["discarded"]))
    return Redraw(entry["when"], corpus.name, entry["reason"], (before, after), entry["discarded"], openings)


def _redraws_path() -> Path:
    return paths.state_dir() / "redraws.jsonl"


def _add_entry(entry: RedrawEntry) -> None:
    path = _redraws_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with hold_lock(path.with_suffix(".lock"), timeout=-1), atomic_write(path) as draft:
            text = "".join(json_dumps(one, indent=None) + "\n" for one in [*_read_entries(), entry])
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unusable_error(path, error) from error


def _read_entries() -> list[RedrawEntry]:
    path = _redraws_path()
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise _unusable_error(path, error) from error
    return [_parse_entry(line, path, number) for number, line in enumerate(lines, start=1)]


def _parse_entry(line: bytes, path: Path, line_number: int) -> RedrawEntry:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise _damaged_error(path, line_number) from error
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in _TEXT_FIELDS):
        raise _damaged_error(path, line_number)
    seeds, sketch = entry.get("seeds"), entry.get("sketch")
    if not isinstance(seeds, list) or len(seeds) != 2 or not isinstance(sketch, list):
        raise _damaged_error(path, line_number)
    return entry


def _unusable_error(path: Path, error: OSError) -> LockedTestError:
    return LockedTestError(
        _("The record of redraws {path} cannot be used ({why}); make its folder writable or set "
          "SENTIR_STATE_DIR.", path=path, why=error.strerror or error)
    )  # fmt: skip


def _damaged_error(path: Path, line_number: int) -> LockedTestError:
    return LockedTestError(
        _("The record of redraws {path} is damaged in line {number}: repair the line in a text editor (each line "
          "is one JSON object).", path=path, number=line_number)
    )  # fmt: skip
