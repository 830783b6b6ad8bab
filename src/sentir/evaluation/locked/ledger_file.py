"""The file of the ledger: JSON lines, each written whole under a lock, or taken back.

What a killed process, or a machine that failed, leaves of a line is kept aside when the file is opened next: it
counted no opening, since labels are revealed only once their line is on the disk.
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

_TEXT_FIELDS = ("when", "corpus", "folds_of", "test_fingerprint", "reason")
_LIST_FIELDS = ("models", "sketch")
_LOCK_TIMEOUT = 30.0  # seconds to wait for other processes, each of which needs milliseconds

LedgerEntry = Mapping[str, Any]


def read_entries() -> list[LedgerEntry]:
    """Return the entries of the ledger in the order of time.

    Raises:
        LockedTestError: if it cannot be read or a line is damaged; the message names file and line.
    """
    path = _ledger_path()
    with _explain_os_errors(path):
        if not path.exists():
            return []
        if not os.access(path.parent, os.W_OK):  # nobody writes, and nothing can be mended
            return _parse_entries(path, path.read_bytes().rpartition(b"\n")[0])
    with _locked_ledger(path):
        return _parse_entries(path, _read_and_repair(path))


def append_entries(select: Callable[[list[LedgerEntry]], Iterable[LedgerEntry]]) -> tuple[int, int]:
    """Add the entries that are chosen in view of those there are; no other process adds any meanwhile.

    Returns:
        How many entries there were, and how many were added.

    Raises:
        LockedTestError: as `read`, or if they cannot be written; then none of them is.
    """
    path = _ledger_path()
    with _locked_ledger(path):
        known = _parse_entries(path, _read_and_repair(path)) if path.exists() else []
        lines = [_serialize_entry(entry) for entry in select(known)]
        _append_durably(path, b"".join(lines))
    return len(known), len(lines)


def write_copy(path: Path, entries: Iterable[LedgerEntry]) -> None:
    """Write entries to a file of their own.

    Raises:
        LockedTestError: if it cannot be written.
    """
    with _explain_os_errors(path):
        write_text(path, b"".join(map(_serialize_entry, entries)).decode())


def read_copy(path: Path) -> list[LedgerEntry]:
    """Return what `write_copy` wrote; nothing if it is not there.

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
        with hold_lock(path.with_suffix(".lock"), timeout=_LOCK_TIMEOUT) as held:
            if held is False:
                raise LockedTestError(
                    _("The test split stays locked: another process has held its ledger {path} for {n:g} "
                      "seconds; end it, or try again.", path=path, n=_LOCK_TIMEOUT)
                )  # fmt: skip
            yield


def _serialize_entry(entry: LedgerEntry) -> bytes:
    return json.dumps(entry, ensure_ascii=False).encode() + b"\n"


def _append_durably(path: Path, lines: bytes) -> None:
    """Append lines, all of them on the disk when this returns, or none."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    before, whole = os.fstat(handle).st_size, False
    try:
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
        whole = True
    finally:
        if not whole:
            os.ftruncate(handle, before)
        os.close(handle)
    if not before:
        fsync(path.parent)


def _read_and_repair(path: Path) -> bytes:
    """Return the whole lines of the ledger, once what is left of one that was not written whole lies aside."""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        aside = path.with_suffix(".torn")
        _append_durably(aside, content[end:] + b"\n")
        os.truncate(path, end)
        fsync(path)
        logger.info(_("The last line of {path} had not been written whole, as when a process is killed; what there is of "
              "it lies in {aside}. No label of test was shown for it.", path=path, aside=aside))  # fmt: skip
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
    entry.setdefault("sketch", [])  # openings that were counted before there were sketches
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
            _("The test split stays locked: its ledger {path} cannot be used ({why}); make room there and the "
              "folder writable, or set SENTIR_STATE_DIR.", path=path, why=error.strerror or error)
        ) from error  # fmt: skip


def _damaged_error(path: Path, line_number: int) -> LockedTestError:
    return LockedTestError(
        _("The ledger {path} is damaged in line {number}, and openings must stay counted: bring the file "
          "back from a backup, or mend that line in a text editor, where each line is one JSON object.",
          path=path, number=line_number)
    )  # fmt: skip
