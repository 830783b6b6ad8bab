"""Clips embedded in a table's cells, as in Parquet and in data sets of Hugging Face's ``datasets``.

Such a cell is text, the clip's name, and can read its bytes. They are extracted to a file only when needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from sentir.cache_use import register_use
from sentir.errors import CorpusError
from sentir.files.media_files import is_media_file
from sentir.i18n import _
from sentir.io import atomic_write
from sentir.paths import cache_dir

# Offset, magic bytes, suffix.
_MAGIC_BYTES = (
    (0, b"RIFF", ".wav"),
    (0, b"fLaC", ".flac"),
    (0, b"OggS", ".ogg"),
    (0, b"ID3", ".mp3"),
    (0, b"\xff\xfb", ".mp3"),
    (0, b"\xff\xf3", ".mp3"),
    (4, b"ftyp", ".mp4"),
    (0, b"\x1aE\xdf\xa3", ".webm"),
    (0, b"FORM", ".aiff"),
    (0, b"#!AMR", ".amr"),
)


class EmbeddedClip(str):
    """The cell of an embedded clip: its name.

    Attributes:
        read_content: reads its bytes.
    """

    __slots__ = ("read_content",)
    read_content: Callable[[], bytes]

    def __new__(cls, name: str, read_content: Callable[[], bytes]) -> EmbeddedClip:
        """Make a cell of a name and a function that reads the bytes."""
        cell = super().__new__(cls, name)
        cell.read_content = read_content
        return cell


def detect_media_suffix(content: bytes) -> str:
    """Return the suffix of the audio or video format that a file's magic bytes show, ``""`` if none."""
    return next((suffix for offset, magic, suffix in _MAGIC_BYTES if content.startswith(magic, offset)), "")


def extract_clip(cell: EmbeddedClip) -> Path:
    """Write an embedded clip to the cache, once, named after a hash of its bytes, and return the file.

    Raises:
        CorpusError: if the cache cannot be written.
    """
    content = cell.read_content()
    suffix = Path(cell).suffix.lower() if is_media_file(cell) else detect_media_suffix(content)
    path = cache_dir() / "clips" / f"{hashlib.sha256(content).hexdigest()[:32]}{suffix}"
    register_use(path.parent)
    try:
        if not path.is_file() or path.stat().st_size != len(content):
            path.parent.mkdir(parents=True, exist_ok=True)
            register_use(path.parent)
            with atomic_write(path) as draft:
                draft.write_bytes(content)
    except OSError as error:
        raise CorpusError(
            _(
                "Clips stored inside the table cannot be written to {folder} ({why}); free some space there, or "
                "set another folder in SENTIR_CACHE_DIR.",
                folder=path.parent,
                why=error.strerror,
            )
        ) from error
    return path
