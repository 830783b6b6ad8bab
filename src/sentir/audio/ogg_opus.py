"""Ogg Opus as it arrives, in parts of any size → samples, mono at 16 kHz."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from sentir.audio.downmix import Downmixer
from sentir.audio.segments import SAMPLING_RATE, Waveform
from sentir.errors import AudioError
from sentir.i18n import _

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

_OPUS_RATE = 48_000  # at which every Opus stream is decoded
_PAGE_HEADER = struct.Struct("<4sBBqIIIB")  # magic, version, flags, granule, stream, number, checksum, segments
_CONTINUED, _BEGIN_OF_STREAM, _END_OF_STREAM = 1, 2, 4
_FULL_SEGMENT = 255  # bytes; the packet goes on in the next one
_MAX_PACKET_BYTES = 1 << 20  # of a picture in the tags; audio has less than 8 kB
_NUM_HEADERS = 2  # packets before the audio: the header and the tags


class OggOpusDecoder:
    """Decodes one Opus stream of one or two channels, with the samples that decoders of whole files give.

    Pages are parted here (RFC 3533 and RFC 7845), as FFmpeg's demuxer cannot wait for bytes; packets are decoded
    by FFmpeg. Checksums are not verified: what carries the bytes must do so, as TCP does.
    """

    def __init__(self) -> None:
        from soxr import ResampleStream

        self._rest, self._packet = b"", b""  # incomplete page and packet
        self._stream, self._num_packets, self._has_ended = -1, 0, False
        self._codec: AudioCodecContext
        self._blocks: list[Waveform] = []
        self._downmixer = Downmixer(self._blocks.append)
        self._resampler = ResampleStream(_OPUS_RATE, SAMPLING_RATE, 1, dtype="float32", quality="HQ")
        self._pre_skip = self._num_decoded = 0
        self._first_granule = -1  # position of the first sample; unknown before the first page of audio

    def push(self, content: bytes) -> Iterator[Waveform]:
        """Yield the samples of the pages that are complete with these bytes, ``(samples,)`` float32.

        Raises:
            AudioError: ``undecodable``.
        """
        content, at = self._rest + content, 0
        while (end := self._find_page_end(content, at)) <= len(content):
            header = _PAGE_HEADER.unpack_from(content, at)
            yield from self._decode_page(header, content[at + _PAGE_HEADER.size : end])
            at = end
        self._rest = content[at:]

    def finish(self) -> Iterator[Waveform]:
        """Yield the samples that the resampler has kept; an incomplete page is dropped."""
        yield self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)

    def _find_page_end(self, content: bytes, at: int) -> int:
        """Return where the page at a position ends, beyond the content if it is not complete."""
        if not b"OggS\0".startswith(content[at : at + 5]):
            raise _undecodable(_("a page is damaged"))
        if self._has_ended and at < len(content):
            raise _undecodable(_("it goes on after its end"))
        table = at + _PAGE_HEADER.size
        if len(content) < table:
            return len(content) + 1
        sizes = content[table : table + content[table - 1]]
        return table + content[table - 1] + sum(sizes)

    def _decode_page(self, header: tuple[int, ...], content: bytes) -> Iterator[Waveform]:
        _magic, _version, flags, granule, stream, _number, _checksum, num_segments = header
        if bool(flags & _CONTINUED) != bool(self._packet):
            raise _undecodable(_("a page is damaged"))
        if bool(flags & _BEGIN_OF_STREAM) != (self._stream < 0) or self._stream not in (-1, stream):
            raise _undecodable(_("it has several streams"))
        self._stream, self._has_ended = stream, bool(flags & _END_OF_STREAM)
        stop = max(0, granule - max(0, self._first_granule)) if self._has_ended and granule >= 0 else None
        for packet in self._split(content[:num_segments], content[num_segments:]):
            yield from self._decode_packet(packet, stop)
        if self._first_granule < 0 and self._num_decoded:
            self._first_granule = max(0, granule - self._num_decoded)

    def _split(self, sizes: bytes, body: bytes) -> Iterator[bytes]:
        """Yield the packets that end in a page, whose segments have these sizes."""
        at = 0
        for size in sizes:
            self._packet += body[at : at + size]
            at += size
            if len(self._packet) > _MAX_PACKET_BYTES:
                raise _undecodable(_("a packet is too long"))
            if size < _FULL_SEGMENT:
                packet, self._packet = self._packet, b""
                yield packet

    def _decode_packet(self, packet: bytes, stop: int | None) -> Iterator[Waveform]:
        """Yield the samples of a packet, but for those at or beyond a position of the stream."""
        from av import FFmpegError, Packet

        self._num_packets += 1
        if self._num_packets == 1:
            self._read_header(packet)
        if self._num_packets <= _NUM_HEADERS:
            return
        try:
            for frame in self._codec.decode(Packet(packet)):
                self._downmixer.add(frame)
        except FFmpegError:
            raise _undecodable(_("a packet cannot be decoded")) from None
        self._downmixer.flush()
        blocks, self._blocks[:] = list(self._blocks), []
        for block in blocks:
            start = max(0, self._pre_skip - self._num_decoded)
            end = len(block) if stop is None else max(0, min(len(block), stop - self._num_decoded))
            self._num_decoded += len(block)
            yield self._resampler.resample_chunk(block[start:end])

    def _read_header(self, packet: bytes) -> None:
        from av import CodecContext

        is_simple = (
            len(packet) >= 19 and packet[8] < 16 and packet[9] in (1, 2) and packet[18] == 0
        )  # RFC 7845, 5.1
        if not packet.startswith(b"OpusHead") or not is_simple:
            raise _undecodable(_("its header is not that of Opus with one or two channels"))
        self._pre_skip = int.from_bytes(packet[10:12], "little")
        self._codec = CodecContext.create("opus", "r")  # type: ignore[assignment]
        self._codec.extradata = packet[:10] + bytes(2) + packet[12:]  # it would skip samples by itself


def _undecodable(why: str) -> AudioError:
    message = _(
        "The audio is not one Ogg Opus stream from its start ({why}); send what a recorder writes.", why=why
    )
    return AudioError("undecodable", message)
