"""Downloading a file: interrupted downloads are resumed, the result is verified, errors are one sentence.

The partial file is ``<name>.part`` beside the target, which appears when size and SHA-256 are verified.
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

from sentir.download.sources import PublishedFile
from sentir.errors import DownloadError
from sentir.i18n import _, format_bytes
from sentir.io import sync_and_rename
from sentir.logs import logger
from sentir.progress import progress_bar

RETRY_DELAYS = (1.0, 3.0, 10.0)  # seconds before each retry, if nothing was received
READ_TIMEOUT = 30.0  # seconds without a byte until a connection counts as lost
_CHUNK_BYTES = 2**18
_MB = 10**6
_RETRY_STATUS_CODES = frozenset({408, 429, 500, 502, 503, 504})  # temporary errors


class _RetryableError(Exception):
    """The connection was lost or the server is busy; the partial file is kept. Its text is the reason."""


def partial_path(target: Path) -> Path:
    """Return the partial file of ``target``, until it is complete."""
    return target.with_name(f"{target.name}.part")


def partial_size(target: Path) -> int:
    """Return the size in bytes of the partial file of a download."""
    return _file_size(partial_path(target))


def download_file(remote: PublishedFile, target: Path) -> Path:
    """Download a file, or the rest of it; an existing target of the right size is left unchanged.

    Lost connections are resumed, after the pauses of `RETRY_DELAYS` as long as nothing is received.

    Raises:
        DownloadError: if the server cannot be reached, denies access, or has another file than the published one,
            or the disk is full; the partial file is kept for the next run unless it is wrong.
    """
    part = partial_path(target)
    if target.is_file() and target.stat().st_size == remote.size:
        return target
    with _translate_disk_errors(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        if partial_size(target) > remote.size:
            part.unlink()
        _download_with_retries(remote, part)
        _check_sha256(remote, part)
        sync_and_rename(part, target)
    return target


def _download_with_retries(remote: PublishedFile, partial: Path) -> None:
    failures = 0
    with progress_bar(_("{file} (MB)", file=Path(remote.url).name), remote.size // _MB) as advance:
        update = _make_progress_updater(advance)
        update(_file_size(partial))
        while (before := _file_size(partial)) < remote.size:
            try:
                _resume(remote, partial, update)
            except _RetryableError as error:
                failures = 0 if _file_size(partial) > before else failures + 1
                if failures > len(RETRY_DELAYS):
                    raise _interrupted_error(remote, partial, error) from error
                time.sleep(RETRY_DELAYS[max(0, failures - 1)])


def _make_progress_updater(advance: Callable[[int], None]) -> Callable[[int], None]:
    """Return a function that moves a progress bar of megabytes to the bytes on disk, backward too."""
    shown = 0

    def update(size: int) -> None:
        nonlocal shown
        advance(size // _MB - shown)
        shown = size // _MB

    return update


def _resume(remote: PublishedFile, partial: Path, update: Callable[[int], None]) -> None:
    """Request the missing bytes and append them, until the connection ends."""
    size = _file_size(partial)
    with _open(remote, size) as response:
        mode = "ab"
        if size and response.status != 206:
            logger.info(_("{server} cannot resume downloads; starting again.", server=_host_name(remote)))
            mode = "wb"
        _check_size(remote, response)
        with partial.open(mode) as file:
            for chunk in _iter_chunks(response):
                file.write(chunk)
                update(file.tell())
                if file.tell() > remote.size:
                    break
    if _file_size(partial) > remote.size:
        partial.unlink()
        raise _wrong_file_error(remote, None)
    if _file_size(partial) < remote.size:
        raise _RetryableError(_("the connection was closed early"))


def _open(remote: PublishedFile, offset: int) -> HTTPResponse:
    headers = {"User-Agent": "sentir", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        return urlopen(Request(remote.url, headers=headers), timeout=READ_TIMEOUT)
    except HTTPError as error:
        with error:
            if error.code in _RETRY_STATUS_CODES:
                raise _RetryableError(_("status {code}", code=error.code)) from error
            raise _http_error(remote, error) from error
    except (URLError, OSError, HTTPException) as error:
        raise _RetryableError(_describe_error(error)) from error


def _iter_chunks(response: HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read1(_CHUNK_BYTES)
        except (OSError, HTTPException) as error:
            raise _RetryableError(_describe_error(error)) from error
        if not chunk:
            return
        yield chunk


def _check_size(remote: PublishedFile, response: HTTPResponse) -> None:
    """Check that the server's file has the published size, if the server sends it."""
    if response.status == 206:
        size = (response.headers.get("Content-Range") or "").rpartition("/")[2]
    else:
        size = response.headers.get("Content-Length") or ""
    if size.isdecimal() and int(size) != remote.size:
        raise _wrong_file_error(remote, int(size))


def _check_sha256(remote: PublishedFile, partial: Path) -> None:
    digest = hashlib.sha256()
    with partial.open("rb") as file, progress_bar(_("Verifying (MB)"), remote.size // _MB) as advance:
        update = _make_progress_updater(advance)
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            update(file.tell())
    if digest.hexdigest() != remote.sha256:
        partial.unlink()
        raise DownloadError(
            _(
                "The file from {url} is not the published one (its SHA-256 is {sha256}…); it was deleted. Try "
                "again, or another source with --source.",
                url=remote.url,
                sha256=digest.hexdigest()[:16],
            )
        )


@contextmanager
def _translate_disk_errors(partial: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadError(
                _(
                    "The disk of {folder} is full; free some space and run the same command again to resume.",
                    folder=partial.parent,
                )
            ) from error
        raise DownloadError(
            _("{path} cannot be written: {why}.", path=partial, why=error.strerror or error)
        ) from error


def _interrupted_error(remote: PublishedFile, partial: Path, error: _RetryableError) -> DownloadError:
    size = _file_size(partial)
    if not size:
        return DownloadError(
            _(
                "{server} cannot be reached ({why}); check the network and try again, or another source with "
                "--source.",
                server=_host_name(remote),
                why=error,
            )
        )
    return DownloadError(
        _(
            "The download from {server} stopped at {size} of {total} ({why}); run the same command again to "
            "resume.",
            server=_host_name(remote),
            size=format_bytes(size),
            total=format_bytes(remote.size),
            why=error,
        )
    )


def _http_error(remote: PublishedFile, error: HTTPError) -> DownloadError:
    if error.code in (404, 410):
        message = _(
            "{url} no longer exists ({code}); try another source with --source.",
            url=remote.url,
            code=error.code,
        )
    elif error.code == 416:
        return _wrong_file_error(remote, None)
    else:
        message = _(
            "{server} denies the download ({code} {reason}); try again later, or another source with --source.",
            server=_host_name(remote),
            code=error.code,
            reason=error.reason,
        )
    return DownloadError(message)


def _wrong_file_error(remote: PublishedFile, size: int | None) -> DownloadError:
    return DownloadError(
        _(
            "{url} is not the published file, which has {expected} bytes{found}; try another source with "
            "--source.",
            url=remote.url,
            expected=remote.size,
            found="" if size is None else _(" (it has {size})", size=size),
        )
    )


def _describe_error(error: Exception) -> str:
    """Return why a connection failed, in words."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return _("no response for {n:g} seconds", n=READ_TIMEOUT)
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__


def _host_name(remote: PublishedFile) -> str:
    return urlsplit(remote.url).netloc


def _file_size(path: Path) -> int:
    return os.path.getsize(path) if path.exists() else 0
