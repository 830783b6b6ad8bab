"""One file from a web server: resumed where it was interrupted, checked at the end, and every failure a sentence.

What has arrived lies in ``<name>.part`` beside the target, which appears when its size and SHA-256 are right.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from sentir.download.sources import Archive
from sentir.errors import DownloadError
from sentir.i18n import _, localized
from sentir.io import put
from sentir.progress import say, task

PAUSES = (1.0, 3.0, 10.0)  # seconds before each further try that brought nothing
SILENCE = 30.0  # seconds without a byte, after which a connection counts as broken
_CHUNK = 2**18
_MB = 10**6
_LATER = frozenset({408, 429, 500, 502, 503, 504})  # answers that may be others in a moment


class _InterruptedError(Exception):
    """The connection broke or the server is busy; what came so far is kept. Its text says why."""


def part_of(target: Path) -> Path:
    """Return the file in which what has arrived of ``target`` lies until it is whole."""
    return target.with_name(f"{target.name}.part")


def arrived(target: Path) -> int:
    """Return how many bytes of an unfinished download lie on disk."""
    part = part_of(target)
    return part.stat().st_size if part.is_file() else 0


def fetch(archive: Archive, target: Path) -> Path:
    """Download a file, or the rest of it; a target that is there with the right size is left as it is.

    A connection that breaks is taken up again, up to `PAUSES` times in a row without a byte.

    Raises:
        DownloadError: if the server cannot be reached, refuses, or has another file than the one published, or
            the disk is full; what has arrived stays for the next run unless it is wrong.
    """
    part = part_of(target)
    if target.is_file() and target.stat().st_size == archive.size:
        return target
    with _writing(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        if arrived(target) > archive.size:
            part.unlink()
        _receive(archive, part)
        _check(archive, part)
        put(part, target)
    return target


def _receive(archive: Archive, part: Path) -> None:
    failures = 0
    with task(_("{file} (MB)", file=Path(archive.url).name), archive.size // _MB) as advance:
        count = _counter(advance)
        count(_size(part))
        while (before := _size(part)) < archive.size:
            try:
                _continue(archive, part, count)
            except _InterruptedError as why:
                failures = 0 if _size(part) > before else failures + 1
                if failures > len(PAUSES):
                    raise _stopped(archive, part, why) from why
                time.sleep(PAUSES[max(0, failures - 1)])


def _counter(advance: Callable[[int], None]) -> Callable[[int], None]:
    """Return a function that takes the bytes on disk and moves a bar of megabytes there, backward too."""
    shown = 0

    def count(size: int) -> None:
        nonlocal shown
        advance(size // _MB - shown)
        shown = size // _MB

    return count


def _continue(archive: Archive, part: Path, count: Callable[[int], None]) -> None:
    """Ask for what is missing and append it, until the connection ends."""
    have = _size(part)
    with _open(archive, have) as answer:
        mode = "ab"
        if have and answer.status != 206:
            say(_("{server} does not resume downloads; it begins again.", server=_server(archive)))
            mode = "wb"
        _require_size(archive, answer)
        with part.open(mode) as file:
            for chunk in _chunks(answer):
                file.write(chunk)
                count(file.tell())
                if file.tell() > archive.size:
                    break
    if _size(part) > archive.size:
        part.unlink()
        raise _another(archive, None)
    if _size(part) < archive.size:
        raise _InterruptedError(_("the connection ended early"))


def _open(archive: Archive, have: int) -> HTTPResponse:
    headers = {"User-Agent": "sentir", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        return urlopen(Request(archive.url, headers=headers), timeout=SILENCE)
    except HTTPError as error:
        with error:
            if error.code in _LATER:
                raise _InterruptedError(_("it answers {code}", code=error.code)) from error
            raise _refused(archive, error) from error
    except (URLError, OSError, HTTPException) as error:
        raise _InterruptedError(_reason(error)) from error


def _chunks(answer: HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            chunk = answer.read1(_CHUNK)
        except (OSError, HTTPException) as error:
            raise _InterruptedError(_reason(error)) from error
        if not chunk:
            return
        yield chunk


def _require_size(archive: Archive, answer: HTTPResponse) -> None:
    """Check that the server's file is as long as the one published; a server may not say."""
    if answer.status == 206:
        said = (answer.headers.get("Content-Range") or "").rpartition("/")[2]
    else:
        said = answer.headers.get("Content-Length") or ""
    if said.isdecimal() and int(said) != archive.size:
        raise _another(archive, int(said))


def _check(archive: Archive, part: Path) -> None:
    digest = hashlib.sha256()
    with part.open("rb") as file, task(_("Checking (MB)"), archive.size // _MB) as advance:
        count = _counter(advance)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            count(file.tell())
    if digest.hexdigest() != archive.sha256:
        part.unlink()
        raise DownloadError(
            _(
                "What {url} sent is not the file that was published (its SHA-256 is {sha256}…); it was deleted. "
                "Try again, or another source with --from.",
                url=archive.url,
                sha256=digest.hexdigest()[:16],
            )
        )


@contextmanager
def _writing(part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadError(
                _(
                    "The disk of {folder} is full; make room and run the same command again, it goes on from "
                    "there.",
                    folder=part.parent,
                )
            ) from error
        raise DownloadError(
            _("{path} cannot be written: {why}.", path=part, why=error.strerror or error)
        ) from error


def _stopped(archive: Archive, part: Path, why: _InterruptedError) -> DownloadError:
    have = _size(part)
    if not have:
        return DownloadError(
            _(
                "{server} cannot be reached ({why}); check the network and try again, or another source with "
                "--from.",
                server=_server(archive),
                why=why,
            )
        )
    return DownloadError(
        _(
            "The download from {server} stopped after {have} of {size} ({why}); run the same command again, it "
            "goes on from there.",
            server=_server(archive),
            have=bytes_text(have),
            size=bytes_text(archive.size),
            why=why,
        )
    )


def _refused(archive: Archive, error: HTTPError) -> DownloadError:
    if error.code in (404, 410):
        message = _(
            "{url} is no longer there ({code}); try another source with --from.", url=archive.url, code=error.code
        )
    elif error.code == 416:
        return _another(archive, None)
    else:
        message = _(
            "{server} refuses the download ({code} {reason}); try later, or another source with --from.",
            server=_server(archive),
            code=error.code,
            reason=error.reason,
        )
    return DownloadError(message)


def _another(archive: Archive, size: int | None) -> DownloadError:
    return DownloadError(
        _(
            "{url} is not the file that was published, which has {expected} bytes{found}; try another source "
            "with --from.",
            url=archive.url,
            expected=archive.size,
            found="" if size is None else _(" (it has {size})", size=size),
        )
    )


def _reason(error: Exception) -> str:
    """Say in words why a connection failed."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return _("no answer for {n:g} seconds", n=SILENCE)
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__


def _server(archive: Archive) -> str:
    return urlsplit(archive.url).netloc


def _size(path: Path) -> int:
    return os.path.getsize(path) if path.exists() else 0


def bytes_text(size: int) -> str:
    """Write a number of bytes as people do: ``10.9 GB``."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            return localized(f"{size / scale:.1f} {unit}")
    return f"{size} B"
