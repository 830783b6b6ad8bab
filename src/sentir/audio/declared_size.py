"""What a file says of its own size, and the links of an Ogg: to tell a whole file from one that is cut off."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import FileIO
from typing import Literal

_UNKNOWN = 0x7FFFF000  # sizes of 32 bits from here on are what programs write that do not know it
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_FIRST, _LAST = 2, 4  # flags of an Ogg page
_HEAD = 4096  # bytes in which the sizes stand


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a file should be.

    Attributes:
        share: how much of it is there, from 0 to 1; 1 if it does not say how large it is.
        joined: whether another file of the kind begins where it should end.
    """

    share: float = 1.0
    joined: bool = False


def extent(file: FileIO) -> Extent:
    """Read how large a WAV, AIFF, CAF, AVI, Wave64 or ASF says that it is."""
    file.seek(0)
    head = file.read(_HEAD)
    promised = _promised(head)
    size = os.fstat(file.fileno()).st_size
    if not promised or promised == size:
        return Extent()
    if promised > size:
        return Extent(share=size / promised)
    file.seek(promised + promised % 2)
    return Extent(joined=head[8:12] == b"WAVE" and file.read(4) in (b"RIFF", b"RF64"))


def _promised(head: bytes) -> int:
    """Return the size of the whole file in bytes; 0 if it is not told."""
    kind = head[:4]
    if kind in (b"RIFF", b"FORM"):
        size = _number(head[4:8], "little" if kind == b"RIFF" else "big")
        return 8 + size if 0 < size < _UNKNOWN else 0
    if kind == b"RF64" and head[12:16] == b"ds64":
        return 8 + _number(head[20:28])
    if kind == b"caff":
        return _promised_caf(head)
    if head[:16] == _W64:
        return _number(head[16:24])
    place = head.find(_ASF_PROPERTIES) if head[:16] == _ASF else -1
    return _number(head[place + 40 : place + 48]) if place > 0 else 0


def _promised_caf(head: bytes) -> int:
    place = 8
    while place + 12 <= len(head):
        size = _number(head[place + 4 : place + 12], "big")
        if head[place : place + 4] == b"data":
            return place + 12 + size if size < 1 << 63 else 0
        place += 12 + size
    return 0


def _number(content: bytes, order: Literal["little", "big"] = "little") -> int:
    return int.from_bytes(content, order)


@dataclass(slots=True)
class Link:
    """What begins at once in an Ogg: one stream, or a picture and its sound side by side.

    Attributes:
        begin: where it begins in the file, in bytes.
        codec: first bytes of its first stream.
        end: where its last page ends, or should.
        streams: how many begin there.
        position: of the last page that ends a packet, in samples for Vorbis.
        ended: whether the last page is whole and says that it is the last.
    """

    begin: int
    codec: bytes
    end: int = 0
    streams: int = 0
    position: int = -1
    ended: bool = False


def links(file: FileIO) -> list[Link]:
    """Walk through the headers of the pages of an Ogg; return the links that are joined there, one at least."""
    size = os.fstat(file.fileno()).st_size
    found: list[Link] = []
    place, before = 0, 0  # before: flags of the page before
    while place < size:
        file.seek(place)
        header = file.read(27 + 255)
        if header[:4] != b"OggS":
            break  # a tag, or padding
        if len(header) < 27:
            found[-1].ended = False
            break
        flags, body = header[5], 27 + header[26]
        if not found or (flags & _FIRST and not before & _FIRST):
            file.seek(place + body)
            found.append(Link(place, file.read(8)))
        link, place, before = found[-1], place + body + sum(header[27:body]), flags
        granule = int.from_bytes(header[6:14], "little", signed=True)
        link.streams += bool(flags & _FIRST)
        link.position = max(granule, link.position)
        link.end, link.ended = place, bool(flags & _LAST) and place <= size
    return found or [Link(0, b"")]
