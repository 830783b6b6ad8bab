"""Downloaded archives (``.tar.gz``, ``.tgz``, ``.tar``, ``.zip``), unpacked once and safely.

Members are streamed, also those of nested tar archives, so nothing is written twice. Only regular files below the
target are written. The target appears when it is complete; an interrupted run is resumed by the next.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sentir.cache_use import register_use
from sentir.errors import CorpusError
from sentir.files.archive_members import UnpackingLimits, UnsafeMemberError, iter_members, total_size
from sentir.files.folders import find_by_level
from sentir.i18n import _, format_bytes
from sentir.io import fsync, sync_all_disks
from sentir.logs import logger
from sentir.paths import cache_dir
from sentir.progress import progress_bar

_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
_CHUNK_SIZE = 2**20  # bytes copied at once
_MB = 10**6
_DAMAGED_ARCHIVE_ERRORS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    ValueError,  # malformed numbers and names in a header
    IndexError,  # a truncated extra field
    struct.error,
    NotImplementedError,  # zip methods that Python does not support
    RuntimeError,  # an encrypted zip
)


def is_archive(name: str) -> bool:
    """Return whether a file name is that of an archive that `unpack` reads."""
    return name.lower().endswith(_SUFFIXES)


def find_archives(root: Path) -> list[Path]:
    """Return the archives at or below ``root``, nearest first, then by name; or ``root`` itself if it is one."""
    if root.is_file():
        return [root] if is_archive(root.name) else []
    return [path for level in find_by_level(root, is_archive) for path in level]


def ensure_unpacked(archive: Path, *, only: Collection[str] = ()) -> Path:
    """Unpack an archive unless it is unpacked already, log its size, and return the folder.

    The folder is ``<name>.unpacked`` next to the archive, or one in the cache if that is not writable or only
    some files are needed.

    Args:
        archive: see `unpack`.
        only: names of files; if given, only these are unpacked.

    Raises:
        CorpusError: see `unpack`.
    """
    sibling = archive.with_name(_stem(archive.name) + ".unpacked")
    cached = cache_dir() / "unpacked" / _cache_key(archive, only)
    register_use(cached.parent)
    for folder in (sibling, cached) if not only else (cached,):
        if folder.is_dir():
            return folder
    target = sibling if not only and os.access(archive.parent, os.W_OK) else cached
    size = format_bytes(archive.stat().st_size)
    if only:
        logger.info(_("Extracting the tables of {archive} ({size}), once.", archive=archive, size=size))
    else:
        logger.info(
            _("Unpacking {archive} ({size}) into {folder}, once.", archive=archive, size=size, folder=target)
        )
    unpack(archive, target, only=only)
    register_use(cached.parent)
    return target


def unpack(archive: Path, target: Path, *, only: Collection[str] = ()) -> list[Path]:
    """Unpack an archive into a folder that appears when it is complete; an existing folder is left unchanged.

    Nested tar archives are unpacked in place. An interrupted run is resumed; a damaged archive leaves nothing.

    Args:
        archive: a ``.tar.gz``, ``.tgz``, ``.tar`` or ``.zip`` file; its format is detected from its content.
        target: the folder; its parents are created.
        only: names of files; if given, the others are skipped, and reading stops when all are found.

    Returns:
        The files, sorted by path.

    Raises:
        CorpusError: if the archive is damaged, has a member that is not a regular file below its folder, or is
            beyond `UnpackingLimits`, the disk is too full, or the folder cannot be written.
    """
    if not target.is_dir():
        draft = target.with_name(f".{target.name}.{_cache_key(archive, only)}.part")
        for stale in {*target.parent.glob(f".{target.name}.*.part")} - {draft}:  # of other archives of this name
            shutil.rmtree(stale, ignore_errors=True)
        with _translated_errors(archive, target, draft):
            draft.mkdir(parents=True, exist_ok=True)
            _extract_members(draft, archive, set(only))
            _move_into_place(draft, target)
    return sorted(path for path in target.rglob("*") if path.is_file())


def _extract_members(draft: Path, archive: Path, only: set[str]) -> None:
    missing, size = set(only), archive.stat().st_size
    with archive.open("rb") as file, progress_bar(_("Unpacking (MB)"), -(-size // _MB)) as advance:
        if not only:
            unpacked = sum(path.stat().st_size for path in draft.rglob("*") if path.is_file())
            _require_disk_space(draft, total_size(file, size) - unpacked)
        done, limits = 0, UnpackingLimits(size)
        for name, length, content in iter_members(file):
            limits.add(str(name), length)
            if only and name.name not in missing:
                continue
            _write(draft / name, length, content)
            advance(file.tell() // _MB - done)
            done = file.tell() // _MB
            missing.discard(name.name)
            if only and not missing:
                break


def _write(path: Path, size: int, content: IO[bytes]) -> None:
    """Write a file atomically, unless an earlier run wrote it with this size."""
    if path.is_file() and path.stat().st_size == size:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _require_disk_space(path.parent, size)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as out:
        shutil.copyfileobj(content, out, _CHUNK_SIZE)
        if out.tell() != size:
            raise EOFError
    os.replace(part, path)


def _move_into_place(draft: Path, target: Path) -> None:
    try:
        sync_all_disks()  # faster than file by file; a lost file can be unpacked again
        os.replace(draft, target)
        fsync(target.parent)
    except OSError:
        if not target.is_dir():  # else another process was faster, with the same content
            raise
        shutil.rmtree(draft, ignore_errors=True)


def _require_disk_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise CorpusError(
            _(
                "{folder} needs {size} more on its disk, which has {free} free; free some space and run again: "
                "files unpacked so far are kept.",
                folder=folder.parent,
                size=format_bytes(size),
                free=format_bytes(free),
            )
        )


@contextmanager
def _translated_errors(archive: Path, target: Path, draft: Path) -> Iterator[None]:
    """Turn errors into a `CorpusError`; nothing of an unsafe or damaged archive is kept."""
    try:
        yield
    except UnsafeMemberError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise CorpusError(
            _(
                "{archive} was not unpacked, because it contains '{name}', which is {reason}; unpack it yourself "
                "if you trust it.",
                archive=archive,
                name=error.name,
                reason=error.reason,
            )
        ) from error
    except _DAMAGED_ARCHIVE_ERRORS as error:
        shutil.rmtree(draft, ignore_errors=True)
        why = _("it is truncated") if isinstance(error, EOFError) else error
        raise CorpusError(
            _("{archive} is damaged or incomplete ({why}); download it again.", archive=archive, why=why)
        ) from error
    except OSError as error:
        raise CorpusError(
            _(
                "{archive} cannot be unpacked into {folder}: {why}.",
                archive=archive,
                folder=target,
                why=error.strerror,
            )
        ) from error


def _stem(name: str) -> str:
    return next(name[: -len(suffix)] for suffix in (*_SUFFIXES, "") if name.lower().endswith(suffix))


def _cache_key(archive: Path, only: Collection[str]) -> str:
    """Return a hash of this version of the file and of the files to unpack from it."""
    try:
        stat = archive.stat()
    except OSError as error:
        raise CorpusError(_("{file} cannot be read: {reason}.", file=archive, reason=error.strerror)) from error
    key = (str(archive.resolve()), stat.st_size, stat.st_mtime_ns, sorted(only))
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]
