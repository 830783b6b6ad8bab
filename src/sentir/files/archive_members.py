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

MAX_MEMBERS, MAX_RATIO, MAX_BYTES = 500_000, 100, 500 * 10**9
FREE_BYTES = 100 * 10**6
_MAX_HEADER_BYTES = 2**20  # of a long name or an extended header, which `tarfile` reads into memory
_MAX_TRAILING_BYTES = 2**24  # after the end of a tar
_HEADER_TYPES = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip


class UnsafeMemberError(Exception):
    """An archive member is not a regular file below the archive's folder."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason


class UnpackingLimits:
    """The limits within which an archive is unpacked: members, bytes, and bytes for each of its own.

    Args:
        size: of the archive in bytes.
        free_bytes: that an archive of any size may become.
    """

    def __init__(self, size: int, free_bytes: int = FREE_BYTES) -> None:
        self._max_ratio_bytes = max(free_bytes, MAX_RATIO * size)
        self._num_members = self._num_bytes = 0

    def add(self, name: str, size: int) -> None:
        """Count a member, before it is unpacked.

        Raises:
            UnsafeMemberError: if it is beyond the limits.
        """
        self._num_members += 1
        self._num_bytes += size
        if self._num_members > MAX_MEMBERS:
            raise UnsafeMemberError(name, _("beyond the limit of {n} files", n=MAX_MEMBERS))
        if self._num_bytes > self._max_ratio_bytes:
            raise UnsafeMemberError(name, _("beyond {n} times the size of the archive", n=MAX_RATIO))
        if self._num_bytes > MAX_BYTES:
            raise UnsafeMemberError(name, _("beyond the limit of {n} GB", n=MAX_BYTES // 10**9))


class _StrictTarInfo(tarfile.TarInfo):
    """Raises on a damaged header, which `tarfile` takes for the end of the archive, and on an excessive one."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _HEADER_TYPES and member.size > _MAX_HEADER_BYTES:
            raise ReadError(_("a header of {n} bytes", n=member.size))
        return member

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
    """Return the unpacked size in bytes: exact for zip, else the archive's own ``size`` as a lower bound.

    Raises:
        UnsafeMemberError: if a zip is beyond the limits of `UnpackingLimits`.
    """
    if not _starts_with(file, _ZIP_MAGIC):
        return size
    with zipfile.ZipFile(file) as archive:
        check_unpacked_size(archive, size)
        total = sum(member.file_size for member in archive.infolist())
    file.seek(0)
    return total


def check_unpacked_size(archive: zipfile.ZipFile, size: int, free_bytes: int = FREE_BYTES) -> None:
    """Check a zip of ``size`` bytes before anything of it is unpacked.

    Raises:
        UnsafeMemberError: if it is beyond the limits of `UnpackingLimits`.
    """
    limits = UnpackingLimits(size, free_bytes)
    for member in archive.infolist():
        limits.add(member.filename, member.file_size)


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
    trailing = 0
    while block := stream.read(_BLOCK_SIZE):  # to the end, so that gzip verifies its checksum
        trailing += len(block)
        if trailing > _MAX_TRAILING_BYTES:
            raise ReadError(_("it goes on after its end"))


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
