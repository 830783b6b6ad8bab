"""What files hold: SHA-256 by path, remembered as long as size and time of change stay the same."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from sentir.audio.store_parts import write_atomically
from sentir.errors import AudioError
from sentir.i18n import _
from sentir.progress import progress_bar

_CACHE_FILE = "sources.json"
_NUM_THREADS = 4
_MAX_BATCH_FILES = 32  # files that a thread takes at a time
FileHash = tuple[int, int, str]  # size, time of change in ns, SHA-256


def hash_files(paths: Iterable[Path], folder: Path | None = None) -> dict[Path, str | AudioError]:
    """Return the SHA-256 of each file, or why it cannot be read.

    Args:
        paths: the files.
        folder: the store that remembers them, or ``None`` to leave no trace. A store that cannot be written
            forgets, which costs time and nothing else.
    """
    paths = list(paths)
    known = _load_cache(folder) if folder else {}
    found: dict[Path, FileHash | AudioError] = {}
    size = max(1, min(_MAX_BATCH_FILES, len(paths) // _NUM_THREADS))
    batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    with ThreadPoolExecutor(_NUM_THREADS) as pool, progress_bar(_("Looking for files"), len(paths)) as advance:
        for stamps in pool.map(lambda batch: {path: _hash_file(path, known) for path in batch}, batches):
            found |= stamps
            advance(len(stamps))
    new = {os.path.abspath(path): s for path, s in found.items() if not isinstance(s, AudioError)}
    if folder and not new.items() <= known.items():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            memory = json.dumps(_load_cache(folder) | new).encode()
            write_atomically(folder / _CACHE_FILE, lambda file: file.write(memory))
    return {path: s if isinstance(s, AudioError) else s[2] for path, s in found.items()}


def _load_cache(folder: Path) -> dict[str, FileHash]:
    """Return what is remembered; a damaged memory is none."""
    try:
        memory = json.loads((folder / _CACHE_FILE).read_bytes())
        return {path: (size, changed, digest) for path, (size, changed, digest) in memory.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _hash_file(path: Path, cached: dict[str, FileHash]) -> FileHash | AudioError:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a folder, or a pipe, which would be waited for
            return missing_file_error(path)
        seen = cached.get(os.path.abspath(path))
        if seen and seen[:2] == (found.st_size, found.st_mtime_ns):
            return seen
        with path.open("rb") as file:
            return found.st_size, found.st_mtime_ns, hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no file's name can hold a null
        return missing_file_error(path)
    except OSError as error:
        return AudioError("undecodable", _("{path} cannot be read: {why}.", path=path, why=error.strerror))


def missing_file_error(path: Path) -> AudioError:
    """Return the reason of a file that is not there."""
    return AudioError("missing", _("There is no file {path}.", path=path))
