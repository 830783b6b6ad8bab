"""SHA-256 hashes of files, cached as long as size and modification time stay the same."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path

from sentir.errors import AudioError
from sentir.i18n import _
from sentir.io import write_text
from sentir.progress import progress_bar

_CACHE_FILE = "sources.json"
_NUM_THREADS = 4
_MAX_BATCH_FILES = 32  # per thread at a time
FileHash = tuple[int, int, str]  # size, modification time in ns, SHA-256


def hash_files(paths: Iterable[Path], folder: Path | None = None) -> dict[Path, str | AudioError]:
    """Return the SHA-256 of each file, or the error why it cannot be read.

    Args:
        paths: the files.
        folder: the store that caches them, or ``None`` for no cache. If it cannot be written, files are hashed
            again next time.
    """
    paths = list(paths)
    cached = _load_cache(folder) if folder else {}
    hashes: dict[Path, FileHash | AudioError] = {}
    size = max(1, min(_MAX_BATCH_FILES, len(paths) // _NUM_THREADS))
    batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    with ThreadPoolExecutor(_NUM_THREADS) as pool, progress_bar(_("Hashing files"), len(paths)) as advance:
        contexts = [copy_context() for _batch in batches]  # the language of messages
        for batch_hashes in pool.map(
            lambda context, batch: context.run(_hash_batch, batch, cached), contexts, batches
        ):
            hashes |= batch_hashes
            advance(len(batch_hashes))
    valid = {os.path.abspath(path): entry for path, entry in hashes.items() if not isinstance(entry, AudioError)}
    if folder and not valid.items() <= cached.items():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            write_text(folder / _CACHE_FILE, json.dumps(_load_cache(folder) | valid))
    return {path: entry if isinstance(entry, AudioError) else entry[2] for path, entry in hashes.items()}


def _load_cache(folder: Path) -> dict[str, FileHash]:
    """Return the cached hashes; none if the cache is damaged."""
    try:
        cache = json.loads((folder / _CACHE_FILE).read_bytes())
        return {path: (size, modified, digest) for path, (size, modified, digest) in cache.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _hash_batch(paths: Iterable[Path], cached: dict[str, FileHash]) -> dict[Path, FileHash | AudioError]:
    return {path: _hash_file(path, cached) for path in paths}


def _hash_file(path: Path, cached: dict[str, FileHash]) -> FileHash | AudioError:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a folder, or a pipe, which would block
            return missing_file_error(path)
        entry = cached.get(os.path.abspath(path))
        if entry and entry[:2] == (status.st_size, status.st_mtime_ns):
            return entry
        with path.open("rb") as file:
            return status.st_size, status.st_mtime_ns, hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a name with a null character
        return missing_file_error(path)
    except OSError as error:
        return AudioError("undecodable", _("{path} cannot be read: {why}.", path=path, why=error.strerror))


def missing_file_error(path: Path) -> AudioError:
    """Return the error of a file that does not exist."""
    return AudioError("missing", _("There is no file {path}.", path=path))
