"""What a file says of its own size, and the links of an Ogg: to tell a whole file from one that is cut off."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import FileIO
from typing import Literal

_UNKNOWN_SIZE = 0x7FFFF000  # sizes of 32 bits from here on are what programs write that do not know it
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_BEGIN_OF_STREAM, _END_OF_STREAM = 2, 4  # flags of an Ogg page
_HEADER_BYTES = 4096  # bytes in which the sizes stand


@dataclass(frozen=True, slots=True)
class FileCompleteness:
    """How large a file should be.

    Attributes:
        fraction_present: how much of it is there, from 0 to 1; 1 if it does not say how large it is.
        is_concatenated: whether another file of the kind begins where it should end.
    """

    fraction_present: float = 1.0
    is_concatenated: bool = False


def check_completeness(file: FileIO) -> FileCompleteness:
    """Read how large a WAV, AIFF, CAF, AVI, Wave64 or ASF says that it is."""
    file.seek(0)
    head = file.read(_HEADER_BYTES)
    promised = _declared_size(head)
    size = os.fstat(file.fileno()).st_size
    if not promised or promised == size:
        return FileCompleteness()
    if promised > size:
        return FileCompleteness(fraction_present=size / promised)
    file.seek(promised + promised % 2)
    return FileCompleteness(is_concatenated=head[8:12] == b"WAVE" and file.read(4) in (b"RIFF", b"RF64"))


def _declared_size(head: bytes) -> int:
    """Return the size of the whole file in bytes; 0 if it is not told."""
    kind = head[:4]
    if kind in (b"RIFF", b"FORM"):
        size = _to_int(head[4:8], "little" if kind == b"RIFF" else "big")
        return 8 + size if 0 < size < _UNKNOWN_SIZE else 0
    if kind == b"RF64" and head[12:16] == b"ds64":
        return 8 + _to_int(head[20:28])
    if kind == b"caff":
        return _declared_caf_size(head)
    if head[:16] == _W64:
        return _to_int(head[16:24])
    place = head.find(_ASF_PROPERTIES) if head[:16] == _ASF else -1
    return _to_int(head[place + 40 : place + 48]) if place > 0 else 0


def _declared_caf_size(head: bytes) -> int:
    place = 8
    while place + 12 <= len(head):
        size = _to_int(head[place + 4 : place + 12], "big")
        if head[place : place + 4] == b"data":
            return place + 12 + size if size < 1 << 63 else 0
        place += 12 + size
    return 0


def _to_int(content: bytes, byte_order: Literal["little", "big"] = "little") -> int:
    return int.from_bytes(content, byte_order)


@dataclass(slots=True)
class OggLink:
    """What begins at once in an Ogg: one stream, or a picture and its sound side by side.

    Attributes:
        start: where it begins in the file, in bytes.
        codec: first bytes of its first stream.
        end: where its last page ends, or should.
        num_streams: how many begin there.
        granule_position: of the last page that ends a packet, in samples for Vorbis.
        is_complete: whether the last page is whole and says that it is the last.
    """

    start: int
    codec: bytes
    end: int = 0
    num_streams: int = 0
    granule_position: int = -1
    is_complete: bool = False


def read_ogg_links(file: FileIO) -> list[OggLink]:
    """Walk through the headers of the pages of an Ogg; return the links that are joined there, one at least."""
    size = os.fstat(file.fileno()).st_size
    found: list[OggLink] = []
    place, before = 0, 0  # before: flags of the page before
    while place < size:
        file.seek(place)
        header = file.read(27 + 255)
        if header[:4] != b"OggS":
            break  # a tag, or padding
        if len(header) < 27:
            found[-1].is_complete = False
            break
        flags, body = header[5], 27 + header[26]
        if not found or (flags & _BEGIN_OF_STREAM and not before & _BEGIN_OF_STREAM):
            file.seek(place + body)
            found.append(OggLink(place, file.read(8)))
        link, place, before = found[-1], place + body + sum(header[27:body]), flags
        granule = int.from_bytes(header[6:14], "little", signed=True)
        link.num_streams += bool(flags & _BEGIN_OF_STREAM)
        link.granule_position = max(granule, link.granule_position)
        link.end, link.is_complete = place, bool(flags & _END_OF_STREAM) and place <= size
    return found or [OggLink(0, b"")]
