"""Any media file → blocks, by PyAV: videos, compressed sound, more than two channels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from itertools import chain
from typing import TYPE_CHECKING

from sentir.audio.declared_size import extent, links
from sentir.audio.decoding_notes import joined_note, tracks_note
from sentir.audio.downmix import Downmix
from sentir.audio.segments import Cut, Cutter, require_possible
from sentir.errors import AudioError
from sentir.i18n import _

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

HOLE = 0.1  # seconds missing before a frame that become silence, as in FFmpeg's aresample (min_hard_comp)
LONGEST_HOLE = 60.0  # a greater step of the timestamps is a clock that was set anew

_PLANES = 8  # channels from which on PyAV's planes of a frame are not safe
_TELLING = {"mov", "flac", "tta", "wv", "aiff", "au", "ape", "flv"}  # whose header has the length of a track
_DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def read_container(file: FileIO, cuts: Sequence[Cut]) -> Cutter:
    """Read the cuts of a file.

    Raises:
        AudioError: ``no_audio`` or ``undecodable``; its text is only the reason.
    """
    with _opened(file) as (container, stream):
        reading = _Reading(container, stream)
        frames = reading.frames()
        head = next(frames, None)
        if head is None:
            raise AudioError("undecodable", _("none of its sound can be decoded"))
        track = Cutter(cuts, head.rate, head.layout.nb_channels)
        _join(head, frames, reading, track)
        tracks = container.streams.audio
        track.notes += [tracks_note(tracks.index(stream) + 1, len(tracks))] if len(tracks) > 1 else []
        if not track.complete:
            _compare(file, reading, track)
    return track


def container_seconds(file: FileIO) -> float:
    """Return how long the sound of a file is by the timestamps of its packets.

    Raises:
        AudioError: ``no_audio`` or ``undecodable``; its text is only the reason.
    """
    with _opened(file) as (container, stream):
        reading = _Reading(container, stream)
        for _packet in reading.packets():
            pass
        return reading.seconds


class _Reading:
    """A track of an open file, as far as it has been read.

    Attributes:
        origin: the time at which the file's timeline begins, in seconds.
        damaged: packets that cannot be decoded, since they were asked for.
        broken: whether reading ended by an error.
        frame: seconds of one frame, the longest that was met.
    """

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        self.container, self.stream = container, stream
        self.origin = (container.start_time or 0) / 1_000_000
        self.damaged, self.broken, self.frame = 0, False, 0.0
        self._base = float(stream.time_base or 0)
        self._start = round(self.origin / self._base) if self._base else 0
        self._end = self._before = 0  # in units of the stream

    @property
    def seconds(self) -> float:
        """Where its last packet ends, from the origin on; of streams that are joined all together."""
        return (self._before + self._end) * self._base

    @property
    def joined(self) -> bool:
        """Whether its times began anew."""
        return self._before > 0

    def packets(self) -> Iterator[Packet]:
        """Yield the packets, up to where a truncated file ends."""
        from av import FFmpegError
        from av.stream import Discard

        for other in self.container.streams:
            if other.index != self.stream.index:
                other.discard = Discard.all  # the pictures of an MP4 are not even read
        second = 1 / (self._base or 1)
        try:
            for packet in self.container.demux(self.stream):
                if packet.pts is not None:
                    start = packet.pts - self._start
                    if start < self._end - second:  # a stream that is joined to the one before
                        self._before += self._end
                        self._end = 0
                    self._end = max(self._end, start + (packet.duration or 0))
                yield packet
        except (
            FFmpegError,
            IndexError,
        ):  # IndexError: PyAV's own, at the end of a stream that gained a track midway
            self.broken = True

    def frames(self) -> Iterator[AudioFrame]:
        """Yield what can be decoded as float32; a damaged packet is passed over.

        AAC and its like give planes of float32, which are taken as they are; everything else is packed, also
        eight channels, because PyAV reads beyond their planes.
        """
        from av import AudioResampler, FFmpegError

        packer, setup = AudioResampler(format="flt"), None
        for packet in self.packets():
            try:
                frames = self.stream.decode(packet)
            except FFmpegError:
                self.damaged += 1
                continue
            for frame in frames:
                layout = frame.layout
                if frame.format.name == "fltp" and layout.nb_channels < _PLANES:
                    yield frame
                    continue
                if setup != (setup := (frame.format.name, layout.name, frame.rate)):
                    require_possible(frame.rate, layout.nb_channels)
                    packer = AudioResampler(format="flt")  # one serves a single setup
                yield from packer.resample(frame)


def _join(head: AudioFrame, frames: Iterator[AudioFrame], reading: _Reading, track: Cutter) -> None:
    """Give frames to a track until it has enough, with silence where the timestamps leave a hole."""
    mono = Downmix(track.add)
    origin, rate, longest, samples = reading.origin, track.rate, 0, 0  # samples: given to the mix so far
    for frame in chain([head], frames):
        if frame.rate != rate:
            raise AudioError("undecodable", _("its sample rate changes midway"))
        if reading.damaged:
            track.pass_over(reading.damaged)
            reading.damaged = 0
        hole = 0.0 if frame.time is None else frame.time - origin - samples / rate
        if abs(hole) > LONGEST_HOLE:
            origin += hole
        elif hole > HOLE:
            mono.flush()
            track.add_silence(round(hole * rate))
            samples += round(hole * rate)
        length = frame.samples
        longest = max(longest, length)
        samples += length
        mono.add(frame)
        if track.complete:
            break
    mono.flush()
    track.pass_over(reading.damaged)
    reading.frame = longest / rate


def _compare(file: FileIO, reading: _Reading, track: Cutter) -> None:
    """Hold a track that was read to its end against its packets' times and what the header promises."""
    found = extent(file)
    promised = [_told_seconds(file, reading), track.samples / track.rate / max(found.share, 1e-9)]
    if not reading.joined and reading.seconds - track.samples / track.rate > 2 * reading.frame:
        promised.append(reading.seconds)
    track.promised = max(promised)
    track.broken = reading.broken or ("ogg" in reading.container.format.name and not links(file)[-1].ended)
    track.notes += [joined_note()] if found.joined else []


def _told_seconds(file: FileIO, reading: _Reading) -> float:
    """Return how long the header says that a track is; 0 where it does not, or the demuxer only guesses."""
    container, stream = reading.container, reading.stream
    names = set(container.format.name.split(","))
    if "matroska" in names:
        if told := _DURATION.fullmatch(stream.metadata.get("DURATION", "")):
            return 3600 * int(told[1]) + 60 * int(told[2]) + float(told[3]) - reading.origin
        return (container.duration or 0) / 1e6 if len(container.streams) == 1 else 0.0
    if stream.duration is None or not (names & _TELLING or ("mp3" in names and _has_frame_count(file))):
        return 0.0
    start = stream.start_time or 0 if "mov" in names else 0
    return float((start + stream.duration) * (stream.time_base or 0)) - (reading.origin if start else 0.0)


def _has_frame_count(file: FileIO) -> bool:
    """Tell whether an MP3 says how many frames it has."""
    file.seek(0)
    head = file.read(10)
    size = sum((byte & 127) << 7 * (3 - n) for n, byte in enumerate(head[6:10])) if head[:3] == b"ID3" else -10
    file.seek(10 + size)
    first = file.read(512)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))


@contextmanager
def _opened(file: FileIO) -> Iterator[tuple[InputContainer, AudioStream]]:
    """Open a file and its audio track with PyAV; a playlist must not open other files.

    Of several tracks it is the first that is marked as default, which players take, else the first.
    """
    import av
    from av.stream import Disposition

    file.seek(0)
    try:
        with av.open(file, "r", options={"protocol_whitelist": "none"}, metadata_errors="replace") as container:
            tracks = container.streams.audio
            if not tracks:
                raise AudioError("no_audio", _("it has no audio track"))
            stream = next((track for track in tracks if Disposition.default in track.disposition), tracks[0])
            if stream.codec_context.sample_rate:
                require_possible(stream.codec_context.sample_rate, stream.codec_context.layout.nb_channels or 1)
            yield container, stream
    except av.FFmpegError as error:
        raise AudioError("undecodable", error.strerror or str(error)) from error
