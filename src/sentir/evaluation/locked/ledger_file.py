"""The file of the ledger: JSON lines, each appended completely under a lock, or not at all.

An incomplete line, left by a killed process or a crash, is moved to another file at the next access. It records
no opening, since labels are returned only once their line is on disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sentir import paths
from sentir.errors import LockedTestError
from sentir.file_locks import hold_lock
from sentir.i18n import _
from sentir.io import fsync, write_text
from sentir.logs import logger
from sentir.safe_text import json_dumps

_TEXT_FIELDS = ("when", "corpus", "folds_of", "test_fingerprint", "reason")
_LIST_FIELDS = ("models", "sketch")
_LOCK_TIMEOUT = 30.0  # seconds to wait for other processes, which take milliseconds

LedgerEntry = Mapping[str, Any]


def read_entries() -> list[LedgerEntry]:
    """Return the entries of the ledger in chronological order.

    Raises:
        LockedTestError: if it cannot be read or a line is damaged; the message names file and line.
    """
    path = _ledger_path()
    with _explain_os_errors(path):
        if not path.exists():
            return []
        if not os.access(path.parent, os.W_OK):  # read-only, so nothing can be repaired
            return _parse_entries(path, path.read_bytes().rpartition(b"\n")[0])
    with _locked_ledger(path):
        return _parse_entries(path, _read_and_repair(path))


def append_entries(select: Callable[[list[LedgerEntry]], Iterable[LedgerEntry]]) -> tuple[int, int]:
    """Append entries atomically, under a lock.

    Args:
        select: returns the entries to append, given the existing ones.

    Returns:
        The number of entries before, and of those appended.

    Raises:
        LockedTestError: as `read_entries`, or if they cannot be written; then none is.
    """
    path = _ledger_path()
    with _locked_ledger(path):
        known = _parse_entries(path, _read_and_repair(path)) if path.exists() else []
        lines = [_serialize_entry(entry) for entry in select(known)]
        _append_durably(path, b"".join(lines))
    return len(known), len(lines)


def write_copy(path: Path, entries: Iterable[LedgerEntry]) -> None:
    """Write entries to another file.

    Raises:
        LockedTestError: if it cannot be written.
    """
    with _explain_os_errors(path):
        write_text(path, b"".join(map(_serialize_entry, entries)).decode())


def read_copy(path: Path) -> list[LedgerEntry]:
    """Read a file of `write_copy`; a missing one has no entries.

    Raises:
        LockedTestError: if it cannot be read or is damaged.
    """
    with _explain_os_errors(path):
        return _parse_entries(path, path.read_bytes()) if path.exists() else []


def _ledger_path() -> Path:
    return paths.state_dir() / "ledger.jsonl"


@contextmanager
def _locked_ledger(path: Path) -> Iterator[None]:
    with _explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with hold_lock(path.with_suffix(".lock"), timeout=_LOCK_TIMEOUT) as acquired:
            if acquired is False:
                raise LockedTestError(
                    _("The test split stays locked: another process has been using its ledger {path} for {n:g} "
                      "seconds; end it, or try again.", path=path, n=_LOCK_TIMEOUT)
                )  # fmt: skip
            yield


def _serialize_entry(entry: LedgerEntry) -> bytes:
    return json_dumps(entry, indent=None).encode() + b"\n"


def _append_durably(path: Path, lines: bytes) -> None:
    """Append lines: when this returns all are on disk, when it raises none is."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    size, is_complete = os.fstat(handle).st_size, False
    try:
        remaining = memoryview(lines)
        while remaining:
            remaining = remaining[os.write(handle, remaining) :]
        os.fsync(handle)
        is_complete = True
    finally:
        if not is_complete:
            os.ftruncate(handle, size)
        os.close(handle)
    if not size:
        fsync(path.parent)


def _read_and_repair(path: Path) -> bytes:
    """Return the complete lines of the ledger, after moving an incomplete last one to another file."""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        aside = path.with_suffix(".torn")
        _append_durably(aside, content[end:] + b"\n")
        os.truncate(path, end)
        fsync(path)
        logger.info(
            _("The last line of {path} was incomplete, as after a killed process, and was moved to {aside}; no "
              "test label had been returned for it.", path=path, aside=aside)
        )  # fmt: skip
    return content[:end]


def _parse_entries(path: Path, content: bytes) -> list[LedgerEntry]:
    lines = content.removesuffix(b"\n").split(b"\n") if content else []
    entries = [_parse_entry(line, path, number) for number, line in enumerate(lines, start=1)]
    return sorted(entries, key=lambda entry: str(entry["when"]))


def _parse_entry(line: bytes, path: Path, line_number: int) -> LedgerEntry:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise _damaged_error(path, line_number) from error
    if not isinstance(entry, dict):
        raise _damaged_error(path, line_number)
    entry.setdefault("sketch", [])  # entries of versions without sketches
    entry.setdefault("folds_of", "")
    lists = [entry.get(key) for key in _LIST_FIELDS]
    texts = [entry.get(key) for key in _TEXT_FIELDS] + [
        one for row in lists if isinstance(row, list) for one in row
    ]
    if not all(isinstance(row, list) for row in lists) or not all(isinstance(text, str) for text in texts):
        raise _damaged_error(path, line_number)
    return entry


@contextmanager
def _explain_os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LockedTestError(
            _("The test split stays locked: its ledger {path} cannot be used ({why}); free disk space, make the "
              "folder writable, or set SENTIR_STATE_DIR.", path=path, why=error.strerror or error)
        ) from error  # fmt: skip


def _damaged_error(path: Path, line_number: int) -> LockedTestError:
    return LockedTestError(
        _("The ledger {path} is damaged in line {number}: restore the file from a backup, or repair the line in "
          "a text editor (each line is one JSON object).", path=path, number=line_number)
    )  # fmt: skip
