"""The MD5 checksum of its samples that the header of a FLAC file has (RFC 9639, section 8.2)."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.safe_files import MediaSource

_BITS = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "s16": 16, "s16p": 16, "s32": 24, "s32p": 24}
"""Subtype of libsndfile, or format of FFmpeg → bits of a sample; what the file says of them is compared."""
_START, _END = 18, 42  # of the part of the header with the bits per sample and the checksum, in a file


class FlacChecksum:
    """The checksum of the samples that are read, of a file read as a whole."""

    def __init__(self, subtype: str) -> None:
        self._bits = _BITS.get(subtype, 0)
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, block: NDArray[Any]) -> None:
        """Add the samples of a block, ``(N, channels)`` of -1 to 1."""
        if self._bits:
            numbers = np.rint(block * 2.0 ** (self._bits - 1)).astype("<i4")
            self._md5.update(numbers.view(np.uint8).reshape(-1, 4)[:, : self._bits // 8].tobytes())

    def differs_from(self, file: MediaSource) -> bool:
        """Return whether the samples of the file were others; false if it does not say."""
        file.seek(_START)
        header = file.read(_END - _START)
        bits, expected = ((header[2] & 1) << 4 | header[3] >> 4) + 1, header[8:]
        return bits == self._bits and any(expected) and expected != self._md5.digest()
