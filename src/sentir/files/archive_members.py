"""The files of an archive, in one pass; tar archives nested in it are flattened."""

from __future__ import annotations

import gzip
import io
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from tarfile import EOFHeaderError, HeaderError, ReadError  # type: ignore[attr-defined]
from typing import IO, Self, cast

from sentir.i18n import _

Member = tuple[PurePosixPath, int, IO[bytes]]  # name, size in bytes, content

_GZIP_MAGIC, _ZIP_MAGIC = b"\x1f\x8b", b"PK"
_TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar")
_BLOCK_SIZE = 10_240 * 100  # bytes read at once; a multiple of tar's record
_DRIVE_LETTER = re.compile(r"[A-Za-z]:")


class UnsafeMemberError(Exception):
    """An archive member is not a regular file below the archive's folder."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason


class _StrictTarInfo(tarfile.TarInfo):
    """Raises on a damaged header, which `tarfile` takes for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except EOFHeaderError:
            raise
        except HeaderError as error:
            raise ReadError(str(error)) from error


def iter_members(file: IO[bytes]) -> Iterator[Member]:
    """Yield the regular files of an archive in order; each content is readable until the next file is yielded.

    Args:
        file: the archive, at position 0: zip, tar or gzipped tar, whatever its name.

    Raises:
        UnsafeMemberError: for a link, a device, or a path outside the archive's folder.
        tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, ValueError: if it is damaged
            or truncated.
    """
    if _starts_with(file, _ZIP_MAGIC):
        return _zip_members(file)
    return _tar_members(file, PurePosixPath())


def total_size(file: IO[bytes], size: int) -> int:
    """Return the unpacked size in bytes: exact for zip, else the archive's own ``size`` as a lower bound."""
    if not _starts_with(file, _ZIP_MAGIC):
        return size
    with zipfile.ZipFile(file) as archive:
        total = sum(member.file_size for member in archive.infolist())
    file.seek(0)
    return total


def _starts_with(file: IO[bytes], magic: bytes) -> bool:
    return cast(io.BufferedReader, file).peek(len(magic)).startswith(magic)


def _zip_members(file: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            name = _safe_path(member.filename)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise UnsafeMemberError(member.filename, _("not a regular file"))
            if not member.is_dir():
                with archive.open(member) as content:
                    yield from _flatten_nested(name, member.file_size, content)


def _tar_members(file: IO[bytes], folder: PurePosixPath) -> Iterator[Member]:
    stream = cast(IO[bytes], gzip.GzipFile(fileobj=file)) if _starts_with(file, _GZIP_MAGIC) else file
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_BLOCK_SIZE, tarinfo=_StrictTarInfo) as archive:
        for member in archive:
            name = _safe_path(member.name)
            if member.isdir():
                continue
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                raise UnsafeMemberError(member.name, _("not a regular file"))
            yield from _flatten_nested(folder / name, member.size, content)
    while stream.read(_BLOCK_SIZE):  # to the end, so that gzip verifies its checksum
        pass


def _flatten_nested(name: PurePosixPath, size: int, content: IO[bytes]) -> Iterator[Member]:
    """Yield a file, or the files of a nested tar archive."""
    if not name.parts:
        raise UnsafeMemberError(str(name), _("not a regular file"))
    if name.name.lower().endswith(_TAR_SUFFIXES) and not name.name.startswith("._"):
        yield from _tar_members(content, name.parent)
    else:
        yield name, size, content


def _safe_path(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or _DRIVE_LETTER.match(name) or "\0" in name or "\\" in name:
        raise UnsafeMemberError(name, _("a path outside its folder"))
    return path
