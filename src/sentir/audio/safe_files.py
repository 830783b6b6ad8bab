"""Media files on disk and in memory as the file objects that the decoders read."""

from __future__ import annotations

import mmap
import os
from io import BytesIO, FileIO


class SafeFile(FileIO):
    """A file whose impossible seeks return -1: libraries print the exceptions that damaged headers cause."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position; returns -1 if it is impossible."""
        try:
            return super().seek(offset, whence)
        except OSError:
            return -1

    @property
    def num_bytes(self) -> int:
        """Its size."""
        return os.fstat(self.fileno()).st_size

    @property
    def handle(self) -> int:
        """What libsndfile opens: the descriptor, which is faster than a file object."""
        return self.fileno()

    def contains(self, pattern: bytes, start: int) -> bool:
        """Return whether these bytes are anywhere from ``start`` on."""
        with mmap.mmap(self.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(pattern, start) >= 0


class MemoryFile(BytesIO):
    """The bytes of a media file, with the methods of a `SafeFile`."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position; returns -1 if it is impossible."""
        try:
            return super().seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1

    @property
    def num_bytes(self) -> int:
        """Its size."""
        return self.getbuffer().nbytes

    @property
    def handle(self) -> MemoryFile:
        """What libsndfile opens."""
        return self

    def contains(self, pattern: bytes, start: int) -> bool:
        """Return whether these bytes are anywhere from ``start`` on."""
        return self.getvalue().find(pattern, start) >= 0


MediaSource = SafeFile | MemoryFile
