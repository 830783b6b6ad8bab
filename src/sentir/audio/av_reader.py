"""Any media file → blocks, by PyAV: videos, compressed sound, more than two channels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from itertools import chain
from typing import TYPE_CHECKING

from sentir.audio.declared_size import check_completeness, read_ogg_links
from sentir.audio.decoding_notes import make_joined_note, make_tracks_note
from sentir.audio.downmix import Downmixer
from sentir.audio.segments import TimeRange, TrackBuffer, check_stream_format
from sentir.errors import AudioError
from sentir.i18n import _

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

MIN_GAP_SECONDS = (
    0.1  # seconds missing before a frame that become silence, as in FFmpeg's aresample (min_hard_comp)
)
MAX_GAP_SECONDS = 60.0  # a greater step of the timestamps is a clock that was set anew

_UNSAFE_PLANE_COUNT = 8  # channels from which on PyAV's planes of a frame are not safe
_FORMATS_WITH_DURATION = {
    "mov",
    "flac",
    "tta",
    "wv",
    "aiff",
    "au",
    "ape",
    "flv",
}  # whose header has the length of a track
_DURATION_PATTERN = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def read_with_av(file: FileIO, time_ranges: Sequence[TimeRange]) -> TrackBuffer:
    """Read the cuts of a file.

    Raises:
        AudioError: ``no_audio`` or ``undecodable``; its text is only the reason.
    """
    with _open_track(file) as (container, stream):
        reading = _TrackReader(container, stream)
        frames = reading.iter_frames()
        head = next(frames, None)
        if head is None:
            raise AudioError("undecodable", _("none of its sound can be decoded"))
        track = TrackBuffer(time_ranges, head.rate, head.layout.nb_channels)
        _fill_track(head, frames, reading, track)
        tracks = container.streams.audio
        track.notes += [make_tracks_note(tracks.index(stream) + 1, len(tracks))] if len(tracks) > 1 else []
        if not track.is_complete:
            _check_completeness(file, reading, track)
    return track


def read_duration_with_av(file: FileIO) -> float:
    """Return how long the sound of a file is by the timestamps of its packets.

    Raises:
        AudioError: ``no_audio`` or ``undecodable``; its text is only the reason.
    """
    with _open_track(file) as (container, stream):
        reading = _TrackReader(container, stream)
        for _packet in reading.iter_packets():
            pass
        return reading.seconds


class _TrackReader:
    """A track of an open file, as far as it has been read.

    Attributes:
        timeline_start: the time at which the file's timeline begins, in seconds.
        damaged_packets: packets that cannot be decoded, since they were asked for.
        failed: whether reading ended by an error.
        max_frame_seconds: seconds of one frame, the longest that was met.
    """

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        self.container, self.stream = container, stream
        self.timeline_start = (container.start_time or 0) / 1_000_000
        self.damaged_packets, self.failed, self.max_frame_seconds = 0, False, 0.0
        self._time_base = float(stream.time_base or 0)
        self._start = round(self.timeline_start / self._time_base) if self._time_base else 0
        self._end = self._earlier_streams_end = 0  # in units of the stream

    @property
    def seconds(self) -> float:
        """Where its last packet ends, from the origin on; of streams that are joined all together."""
        return (self._earlier_streams_end + self._end) * self._time_base

    @property
    def is_concatenated(self) -> bool:
        """Whether its times began anew."""
        return self._earlier_streams_end > 0

    def iter_packets(self) -> Iterator[Packet]:
        """Yield the packets, up to where a truncated file ends."""
        from av import FFmpegError
        from av.stream import Discard

        for other in self.container.streams:
            if other.index != self.stream.index:
                other.discard = Discard.all  # the pictures of an MP4 are not even read
        second = 1 / (self._time_base or 1)
        try:
            for packet in self.container.demux(self.stream):
                if packet.pts is not None:
                    start = packet.pts - self._start
                    if start < self._end - second:  # a stream that is joined to the one before
                        self._earlier_streams_end += self._end
                        self._end = 0
                    self._end = max(self._end, start + (packet.duration or 0))
                yield packet
        except (
            FFmpegError,
            IndexError,
        ):  # IndexError: PyAV's own, at the end of a stream that gained a track midway
            self.failed = True

    def iter_frames(self) -> Iterator[AudioFrame]:
        """Yield what can be decoded as float32; a damaged packet is passed over.

        AAC and its like give planes of float32, which are taken as they are; everything else is packed, also
        eight channels, because PyAV reads beyond their planes.
        """
        from av import AudioResampler, FFmpegError

        packer, setup = AudioResampler(format="flt"), None
        for packet in self.iter_packets():
            try:
                frames = self.stream.decode(packet)
            except FFmpegError:
                self.damaged_packets += 1
                continue
            for frame in frames:
                layout = frame.layout
                if frame.format.name == "fltp" and layout.nb_channels < _UNSAFE_PLANE_COUNT:
                    yield frame
                    continue
                if setup != (setup := (frame.format.name, layout.name, frame.rate)):
                    check_stream_format(frame.rate, layout.nb_channels)
                    packer = AudioResampler(format="flt")  # one serves a single setup
                yield from packer.resample(frame)


def _fill_track(
    first_frame: AudioFrame, frames: Iterator[AudioFrame], reader: _TrackReader, track: TrackBuffer
) -> None:
    """Give frames to a track until it has enough, with silence where the timestamps leave a hole."""
    mono = Downmixer(track.add)
    origin, rate, longest, samples = (
        reader.timeline_start,
        track.sampling_rate,
        0,
        0,
    )  # samples: given to the mix so far
    for frame in chain([first_frame], frames):
        if frame.rate != rate:
            raise AudioError("undecodable", _("its sample rate changes midway"))
        if reader.damaged_packets:
            track.count_damaged_packets(reader.damaged_packets)
            reader.damaged_packets = 0
        hole = 0.0 if frame.time is None else frame.time - origin - samples / rate
        if abs(hole) > MAX_GAP_SECONDS:
            origin += hole
        elif hole > MIN_GAP_SECONDS:
            mono.flush()
            track.add_silence(round(hole * rate))
            samples += round(hole * rate)
        length = frame.samples
        longest = max(longest, length)
        samples += length
        mono.add(frame)
        if track.is_complete:
            break
    mono.flush()
    track.count_damaged_packets(reader.damaged_packets)
    reader.max_frame_seconds = longest / rate


def _check_completeness(file: FileIO, reader: _TrackReader, track: TrackBuffer) -> None:
    """Hold a track that was read to its end against its packets' times and what the header promises."""
    found = check_completeness(file)
    promised = [
        _declared_seconds(file, reader),
        track.num_samples / track.sampling_rate / max(found.fraction_present, 1e-9),
    ]
    if (
        not reader.is_concatenated
        and reader.seconds - track.num_samples / track.sampling_rate > 2 * reader.max_frame_seconds
    ):
        promised.append(reader.seconds)
    track.declared_seconds = max(promised)
    track.is_truncated = reader.failed or (
        "ogg" in reader.container.format.name and not read_ogg_links(file)[-1].is_complete
    )
    track.notes += [make_joined_note()] if found.is_concatenated else []


def _declared_seconds(file: FileIO, reader: _TrackReader) -> float:
    """Return how long the header says that a track is; 0 where it does not, or the demuxer only guesses."""
    container, stream = reader.container, reader.stream
    names = set(container.format.name.split(","))
    if "matroska" in names:
        if told := _DURATION_PATTERN.fullmatch(stream.metadata.get("DURATION", "")):
            return 3600 * int(told[1]) + 60 * int(told[2]) + float(told[3]) - reader.timeline_start
        return (container.duration or 0) / 1e6 if len(container.streams) == 1 else 0.0
    if stream.duration is None or not (
        names & _FORMATS_WITH_DURATION or ("mp3" in names and _has_frame_count(file))
    ):
        return 0.0
    start = stream.start_time or 0 if "mov" in names else 0
    return float((start + stream.duration) * (stream.time_base or 0)) - (reader.timeline_start if start else 0.0)


def _has_frame_count(file: FileIO) -> bool:
    """Tell whether an MP3 says how many frames it has."""
    file.seek(0)
    head = file.read(10)
    size = sum((byte & 127) << 7 * (3 - n) for n, byte in enumerate(head[6:10])) if head[:3] == b"ID3" else -10
    file.seek(10 + size)
    first = file.read(512)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))


@contextmanager
def _open_track(file: FileIO) -> Iterator[tuple[InputContainer, AudioStream]]:
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
                check_stream_format(
                    stream.codec_context.sample_rate, stream.codec_context.layout.nb_channels or 1
                )
            yield container, stream
    except av.FFmpegError as error:
        raise AudioError("undecodable", error.strerror or str(error)) from error
