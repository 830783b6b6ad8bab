"""What Sentir keeps in its caches, how large it is, and pruning it.

A cache is a folder of entries, each a file or a folder that can be removed by itself and is made again when it is
needed. Only downloads are not made again without asking, so they are pruned only by name.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sentir.cache_use import CacheInUseError, hold_for_pruning
from sentir.errors import SentirError, UnknownNameError
from sentir.i18n import _, gettext_noop
from sentir.io import explain_os_error
from sentir.paths import audio_dir, cache_dir

DOWNLOADS = "corpora"
"""The cache of downloaded corpora, pruned only by name."""
_PRUNED = ".pruned-"  # prefix of a folder that is being removed
_DAY = 86400


def _in_cache(name: str) -> Callable[[], Path]:
    return lambda: cache_dir() / name


@dataclass(frozen=True)
class _Kind:
    """A cache: its folder, and what is in it, to be translated."""

    find_folder: Callable[[], Path]
    description: str


_KINDS = {
    "audio": _Kind(audio_dir, gettext_noop("mel spectrograms and features of clips, decoded once")),
    "embeddings": _Kind(_in_cache("embeddings-2"), gettext_noop("embeddings of frozen encoders")),
    "clips": _Kind(_in_cache("clips"), gettext_noop("clips that were embedded in tables")),
    "unpacked": _Kind(_in_cache("unpacked"), gettext_noop("unpacked archives")),
    "weights": _Kind(_in_cache("weights"), gettext_noop("converted weights")),
    "demo": _Kind(_in_cache("demo"), gettext_noop("demo corpora")),
    DOWNLOADS: _Kind(_in_cache(DOWNLOADS), gettext_noop("downloaded corpora")),
}


@dataclass(frozen=True)
class CacheEntry:
    """What is made, and removed, as a whole.

    Attributes:
        paths: its files or its folder; the first one is what makes it complete, and is removed first.
        size: in bytes.
        last_used: when it was last read or written, in seconds since 1970, as far as the file system keeps it.
    """

    paths: tuple[Path, ...]
    size: int
    last_used: float


@dataclass(frozen=True)
class CacheInfo:
    """A cache.

    Attributes:
        name: as in ``sentir cache prune --only``.
        folder: of its entries.
        description: what is in it, in the current language.
        entries: least recently used first.
    """

    name: str
    folder: Path
    description: str
    entries: tuple[CacheEntry, ...]

    @property
    def size(self) -> int:
        """The size of its entries in bytes."""
        return _sum_sizes(self.entries)


def _sum_sizes(entries: Iterable[CacheEntry]) -> int:
    return sum(entry.size for entry in entries)


@dataclass(frozen=True)
class PrunedCache:
    """What was pruned of a cache, or why nothing was.

    Attributes:
        name: of the cache.
        removed: the entries that were removed, or would be.
        problem: why nothing was removed, as when the cache is in use.
    """

    name: str
    removed: tuple[CacheEntry, ...] = ()
    problem: str = ""

    @property
    def size(self) -> int:
        """The size in bytes of what was removed."""
        return _sum_sizes(self.removed)


def list_caches(only: Collection[str] = ()) -> list[CacheInfo]:
    """Return the caches with their entries.

    Args:
        only: names of caches; all if there are none.

    Raises:
        UnknownNameError: if there is no cache of a name.
    """
    for name in only:
        if name not in _KINDS:
            raise UnknownNameError(
                _("There is no cache '{name}'; there are: {names}.", name=name, names=", ".join(_KINDS))
            )
    return [
        CacheInfo(name, kind.find_folder(), _(kind.description), _list_entries(name, kind.find_folder()))
        for name, kind in _KINDS.items()
        if not only or name in only
    ]


def prune_caches(
    *,
    only: Collection[str] = (),
    older_than_days: float | None = None,
    max_bytes: float | None = None,
    dry_run: bool = False,
) -> list[PrunedCache]:
    """Remove what was not used for long, or the least recently used until the rest is small enough.

    Nothing is removed from a cache that another process is using, on this machine or another one.

    Args:
        only: names of caches; all but `DOWNLOADS` if there are none.
        older_than_days: remove entries that were not used for so many days.
        max_bytes: remove the least recently used entries until those of these caches have at most so many bytes.
        dry_run: remove nothing, and return what would be removed.

    Raises:
        UnknownNameError: if there is no cache of a name.
        SentirError: if neither an age nor a size is given.
    """
    if older_than_days is None and max_bytes is None:
        raise SentirError(
            _("Say what to prune: --older-than DAYS, --max-gb SIZE, or both; --max-gb 0 removes everything.")
        )
    caches = [cache for cache in list_caches(only) if only or cache.name != DOWNLOADS]
    chosen = _choose([entry for cache in caches for entry in cache.entries], older_than_days, max_bytes)
    return [
        _prune(cache, [entry for entry in cache.entries if entry.paths in chosen], dry_run) for cache in caches
    ]


def _choose(
    entries: Iterable[CacheEntry], older_than_days: float | None, max_bytes: float | None
) -> set[tuple[Path, ...]]:
    by_use = sorted(entries, key=lambda entry: entry.last_used)
    remaining, chosen = _sum_sizes(by_use), set()
    oldest = time.time() - _DAY * (older_than_days or 0.0)
    for entry in by_use:
        is_old = older_than_days is not None and entry.last_used < oldest
        if is_old or (max_bytes is not None and remaining > max_bytes):
            chosen.add(entry.paths)
            remaining -= entry.size
    return chosen


def _prune(cache: CacheInfo, entries: list[CacheEntry], dry_run: bool) -> PrunedCache:
    stale = list(cache.folder.glob(f"{_PRUNED}*"))  # left by a killed process
    if dry_run or not (entries or stale):
        return PrunedCache(cache.name, tuple(entries))
    try:
        with hold_for_pruning(cache.folder):
            for folder in stale:
                shutil.rmtree(folder)
            for entry in entries:
                _remove(entry)
    except CacheInUseError as error:
        return PrunedCache(cache.name, problem=str(error))
    except OSError as error:
        why = explain_os_error(error)
        problem = _("{folder} cannot be pruned: {why}.", folder=cache.folder, why=why)
        return PrunedCache(cache.name, problem=problem)
    return PrunedCache(cache.name, tuple(entries))


def _remove(entry: CacheEntry) -> None:
    """Remove an entry; a folder is renamed first, so that half of one is never taken for a whole."""
    for path in entry.paths:
        if path.is_dir():
            doomed = path.with_name(f"{_PRUNED}{uuid4().hex}")
            path.rename(doomed)
            shutil.rmtree(doomed)
        else:
            path.unlink(missing_ok=True)


def _list_entries(name: str, folder: Path) -> tuple[CacheEntry, ...]:
    if not folder.is_dir():
        return ()
    groups = (
        _group_audio(folder) if name == "audio" else ((path,) for path in folder.iterdir() if _is_entry(path))
    )
    return tuple(sorted(map(_measure, groups), key=lambda entry: entry.last_used))


def _is_entry(path: Path) -> bool:
    return not path.name.startswith(".")  # locks, drafts, and what is being removed


def _group_audio(folder: Path) -> Iterator[tuple[Path, ...]]:
    """Yield the two files of each part of an audio store, the manifest first: without it the other is nothing."""
    manifests = set(folder.glob("part-*.parquet"))
    for path in manifests:
        yield path, path.with_suffix(".npy")
    for path in folder.glob("part-*.npy"):
        if path.with_suffix(".parquet") not in manifests:  # of a killed process
            yield (path,)


def _measure(paths: tuple[Path, ...]) -> CacheEntry:
    size, last_used = 0, 0.0
    for path in paths:
        with suppress(FileNotFoundError):  # removed meanwhile
            for found in _stat_all(path):
                is_file = not stat.S_ISDIR(found.st_mode)
                size += found.st_size if is_file else 0
                last_used = max(last_used, found.st_mtime, found.st_atime if is_file else 0.0)
    return CacheEntry(paths, size, last_used)


def _stat_all(path: Path) -> Iterator[os.stat_result]:
    """Yield what is known of a file, or of a folder and all below it."""
    own = os.stat(path, follow_symlinks=False)
    yield own
    for inner in path.rglob("*") if stat.S_ISDIR(own.st_mode) else ():
        with suppress(FileNotFoundError):
            yield os.stat(inner, follow_symlinks=False)
