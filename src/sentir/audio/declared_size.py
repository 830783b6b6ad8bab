"""The size that a file declares, and the links of an Ogg: whether a file is complete or cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentir.audio.safe_files import MediaSource

_UNKNOWN_SIZE = 0x7FFFF000  # programs write 32-bit sizes this large when they do not know the size
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_BEGIN_OF_STREAM, _END_OF_STREAM = 2, 4  # flags of an Ogg page
_HEADER_BYTES = 4096  # bytes that contain the size


@dataclass(frozen=True, slots=True)
class FileCompleteness:
    """How much of a file is there.

    Attributes:
        fraction_present: size by declared size, from 0 to 1; 1 if no size is declared.
        is_concatenated: whether another file of the same format begins where it should end.
    """

    fraction_present: float = 1.0
    is_concatenated: bool = False


def check_completeness(file: MediaSource) -> FileCompleteness:
    """Compare a WAV, AIFF, CAF, AVI, Wave64 or ASF with the size that it declares."""
    file.seek(0)
    head = file.read(_HEADER_BYTES)
    declared = _declared_size(head)
    size = file.num_bytes
    if not declared or declared == size:
        return FileCompleteness()
    if declared > size:
        return FileCompleteness(fraction_present=size / declared)
    file.seek(declared + declared % 2)
    return FileCompleteness(is_concatenated=head[8:12] == b"WAVE" and file.read(4) in (b"RIFF", b"RF64"))


def _declared_size(head: bytes) -> int:
    """Return the declared size of the file in bytes; 0 if there is none."""
    magic = head[:4]
    if magic in (b"RIFF", b"FORM"):
        size = _to_int(head[4:8], "little" if magic == b"RIFF" else "big")
        return 8 + size if 0 < size < _UNKNOWN_SIZE else 0
    if magic == b"RF64" and head[12:16] == b"ds64":
        return 8 + _to_int(head[20:28])
    if magic == b"caff":
        return _declared_caf_size(head)
    if head[:16] == _W64:
        return _to_int(head[16:24])
    offset = head.find(_ASF_PROPERTIES) if head[:16] == _ASF else -1
    return _to_int(head[offset + 40 : offset + 48]) if offset > 0 else 0


def _declared_caf_size(head: bytes) -> int:
    offset = 8
    while offset + 12 <= len(head):
        size = _to_int(head[offset + 4 : offset + 12], "big")
        if head[offset : offset + 4] == b"data":
            return offset + 12 + size if size < 1 << 63 else 0
        offset += 12 + size
    return 0


def _to_int(content: bytes, byte_order: Literal["little", "big"] = "little") -> int:
    return int.from_bytes(content, byte_order)


@dataclass(slots=True)
class OggLink:
    """A link of a chained Ogg: one stream, or multiplexed video and audio streams.

    Attributes:
        start: offset in the file, in bytes.
        codec: first bytes of its first stream.
        end: offset where its last page ends, or should end.
        num_streams: streams that begin there.
        granule_position: of the last page that ends a packet, in samples for Vorbis.
        is_complete: whether the last page is whole and has the end-of-stream flag.
    """

    start: int
    codec: bytes
    end: int = 0
    num_streams: int = 0
    granule_position: int = -1
    is_complete: bool = False


def read_ogg_links(file: MediaSource) -> list[OggLink]:
    """Walk through the page headers of an Ogg; return its chained links, at least one."""
    size = file.num_bytes
    links: list[OggLink] = []
    offset = previous_flags = 0
    while offset < size:
        file.seek(offset)
        header = file.read(27 + 255)
        if header[:4] != b"OggS":
            break  # a tag, or padding
        if len(header) < 27:
            if links:
                links[-1].is_complete = False
            break
        flags, body = header[5], 27 + header[26]
        if not links or (flags & _BEGIN_OF_STREAM and not previous_flags & _BEGIN_OF_STREAM):
            file.seek(offset + body)
            links.append(OggLink(offset, file.read(8)))
        link, offset, previous_flags = links[-1], offset + body + sum(header[27:body]), flags
        granule = int.from_bytes(header[6:14], "little", signed=True)
        link.num_streams += bool(flags & _BEGIN_OF_STREAM)
        link.granule_position = max(granule, link.granule_position)
        link.end, link.is_complete = offset, bool(flags & _END_OF_STREAM) and offset <= size
    return links or [OggLink(0, b"")]
