"""Audio and video files at addresses such as ``s3://bucket/clip.wav``, read by fsspec where they are used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentir.errors import AudioError, CorpusError
from sentir.files.media_files import is_media_file
from sentir.files.tables import JSON_SUFFIXES, TABLE_SUFFIXES
from sentir.i18n import _
from sentir.optional_dependencies import require_extra


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file, or a folder of them, at an address; itself a reference that reads nothing.

    Attributes:
        url: with its scheme.
        size: in bytes, if it is known.
        version: changes with its content, if it is known.
    """

    url: str
    size: int = 0
    version: str = ""

    def __str__(self) -> str:
        return self.url

    def list_clips(self) -> Iterator[RemoteFile]:
        """Yield the audio and video files at this address and below it, sorted.

        Raises:
            CorpusError: if there are none, or the address cannot be read.
            MissingDependencyError: if fsspec, or its package for the scheme, is not installed.
        """
        if Path(self.url).suffix.lower() in TABLE_SUFFIXES | JSON_SUFFIXES:
            raise CorpusError(
                _("{path} is a table; copy it to a local file. Its clips may stay where they are.", path=self.url)
            )
        system, path = _open_system(self.url)
        try:
            found = system.find(path, detail=True)
        except OSError as error:
            raise CorpusError(_("{path} cannot be read: {why}.", path=self.url, why=error)) from error
        clips = {name: info for name, info in found.items() if is_media_file(name)}
        if not clips:
            raise CorpusError(_("{folder} contains no audio or video file.", folder=self.url))
        for name in sorted(clips):
            yield RemoteFile(system.unstrip_protocol(name), clips[name].get("size") or 0, system.ukey(name))

    def read(self) -> bytes:
        """Return its content.

        Raises:
            AudioError: if it cannot be read.
        """
        system, path = _open_system(self.url)
        try:
            return bytes(system.cat_file(path))
        except FileNotFoundError as error:
            raise AudioError("missing", _("There is no file {path}.", path=self.url)) from error
        except OSError as error:
            raise AudioError(
                "undecodable", _("{path} cannot be read: {why}.", path=self.url, why=error)
            ) from error


def is_remote(name: str) -> bool:
    """Return whether a name is an address with a scheme, other than that of a local file."""
    scheme, separator, _path = name.partition("://")
    return bool(separator) and scheme.isalnum() and scheme != "file"


def _open_system(url: str) -> tuple[Any, str]:
    require_extra("remote", _("Reading {url}", url=url))
    import fsspec

    try:
        return fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:  # ValueError: an unknown scheme
        raise CorpusError(_("{path} cannot be read: {why}.", path=url, why=error)) from error
