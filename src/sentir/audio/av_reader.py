"""Any media file → blocks, by PyAV: videos, compressed audio, more than two channels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from sentir.audio.declared_size import check_completeness, read_ogg_links
from sentir.audio.decoding_notes import make_checksum_note, make_joined_note, make_tracks_note
from sentir.audio.downmix import Downmixer
from sentir.audio.flac_checksum import FlacChecksum
from sentir.audio.safe_files import MediaSource
from sentir.audio.segments import MakeTrack, TrackBuffer, check_stream_format
from sentir.errors import AudioError
from sentir.i18n import _

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

MIN_GAP_SECONDS = 0.1  # longer gaps before a frame become silence, as in FFmpeg's aresample (min_hard_comp)
MAX_GAP_SECONDS = 60.0  # a larger jump of the timestamps is a clock reset

_MAX_PACKET_DURATION = 1 << 31  # in units of a stream; more is a negative number
_UNSAFE_PLANE_COUNT = 8  # PyAV reads beyond the planes of frames with this many channels or more
_FORMATS_WITH_DURATION = {"mov", "flac", "tta", "wv", "aiff", "au", "ape", "flv"}  # of each track, in the header
_DURATION_PATTERN = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def read_with_av(file: MediaSource, make_track: MakeTrack) -> TrackBuffer:
    """Read a file into a track.

    Args:
        file: open for reading.
        make_track: makes the track of a sampling rate and a number of channels.

    Raises:
        AudioError: ``no_audio`` or ``undecodable``; its text is only the reason.
    """
    with _open_track(file) as (container, stream):
        reader = _TrackReader(container, stream)
        frames = reader.iter_frames()
        first_frame = next(frames, None)
        if first_frame is None:
            raise AudioError("undecodable", _("none of its audio can be decoded"))
        track = make_track(first_frame.rate, first_frame.layout.nb_channels)
        _fill_track(first_frame, frames, reader, track)
        tracks = container.streams.audio
        track.notes += [make_tracks_note(tracks.index(stream) + 1, len(tracks))] if len(tracks) > 1 else []
        if not track.is_complete:
            _check_completeness(file, reader, track)
    return track


def read_duration_with_av(file: MediaSource) -> float:
    """Return the duration of a file's audio in seconds, by the timestamps of its packets.

    Raises:
        AudioError: ``no_audio`` or ``undecodable``; its text is only the reason.
    """
    with _open_track(file) as (container, stream):
        reader = _TrackReader(container, stream)
        for _packet in reader.iter_packets():
            pass
        return reader.seconds


class _TrackReader:
    """Reads the packets and frames of one track of an open file.

    Attributes:
        timeline_start: start time of the file's timeline in seconds.
        damaged_packets: undecodable packets since the count was last reset.
        failed: whether reading ended with an error.
        max_frame_seconds: duration of the longest frame so far.
        checksum: of the frames so far, of a FLAC file.
    """

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        self.container, self.stream = container, stream
        self.timeline_start = (container.start_time or 0) / 1_000_000
        self.damaged_packets, self.failed, self.max_frame_seconds = 0, False, 0.0
        sample_format = stream.codec_context.format  # none if a damaged header says none
        is_flac = container.format.name == "flac" and sample_format is not None
        self.checksum = FlacChecksum(sample_format.name) if is_flac else None
        self._time_base = float(stream.time_base or 0)
        self._start = round(self.timeline_start / self._time_base) if self._time_base else 0
        self._end = self._earlier_streams_end = 0  # in units of the stream

    @property
    def seconds(self) -> float:
        """The end of the last packet, from the timeline's start; concatenated streams add up."""
        return (self._earlier_streams_end + self._end) * self._time_base

    @property
    def is_concatenated(self) -> bool:
        """Whether the timestamps restarted."""
        return self._earlier_streams_end > 0

    def iter_packets(self) -> Iterator[Packet]:
        """Yield the packets, up to the end of a truncated file."""
        from av import FFmpegError
        from av.stream import Discard

        for other in self.container.streams:
            if other.index != self.stream.index:
                other.discard = Discard.all  # the video of an MP4 is not even read
        second = 1 / (self._time_base or 1)
        try:
            for packet in self.container.demux(self.stream):
                if packet.pts is not None:
                    start = packet.pts - self._start
                    if start < self._end - second:  # a concatenated stream
                        self._earlier_streams_end += self._end
                        self._end = 0
                    self._end = max(self._end, start + _duration_of(packet))
                yield packet
        except (FFmpegError, IndexError):  # PyAV raises IndexError at the end of a stream that gained a track
            self.failed = True

    def iter_frames(self) -> Iterator[AudioFrame]:
        """Yield float32 frames; undecodable packets are skipped.

        Planar float32 frames, as AAC has, are yielded as they are; all others are packed. So are frames of eight
        channels or more, because PyAV reads beyond their planes.
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
                    packer = AudioResampler(format="flt")  # each works for a single setup
                for packed in packer.resample(frame):
                    if self.checksum is not None:
                        self.checksum.update(packed.to_ndarray())
                    yield packed


def _duration_of(packet: Packet) -> int:
    """Return the duration of a packet; 0 for a negative one, of a last Vorbis packet, which arrives unsigned."""
    duration = packet.duration or 0
    return duration if duration < _MAX_PACKET_DURATION else 0


def _fill_track(
    first_frame: AudioFrame, frames: Iterator[AudioFrame], reader: _TrackReader, track: TrackBuffer
) -> None:
    """Add frames to a track until it is complete, with silence in the gaps between timestamps."""
    downmixer = Downmixer(track.add)
    origin, sampling_rate = reader.timeline_start, track.sampling_rate
    longest = samples = 0  # samples: passed to the downmixer so far
    for frame in chain([first_frame], frames):
        if frame.rate != sampling_rate:
            raise AudioError("undecodable", _("its sampling rate changes midway"))
        if reader.damaged_packets:
            track.count_damaged_packets(reader.damaged_packets)
            reader.damaged_packets = 0
        gap = 0.0 if frame.time is None else frame.time - origin - samples / sampling_rate
        if abs(gap) > MAX_GAP_SECONDS:
            origin += gap
        elif gap > MIN_GAP_SECONDS:
            downmixer.flush()
            track.add_silence(round(gap * sampling_rate))
            samples += round(gap * sampling_rate)
        length = frame.samples
        longest = max(longest, length)
        samples += length
        downmixer.add(frame)
        if track.is_complete:
            break
    downmixer.flush()
    track.count_damaged_packets(reader.damaged_packets)
    reader.max_frame_seconds = longest / sampling_rate


def _check_completeness(file: MediaSource, reader: _TrackReader, track: TrackBuffer) -> None:
    """Compare a track that was read to its end with its packets' times and with what the header declares."""
    completeness = check_completeness(file)
    seconds = track.num_samples / track.sampling_rate
    declared = [_declared_seconds(file, reader), seconds / max(completeness.fraction_present, 1e-9)]
    if not reader.is_concatenated and reader.seconds - seconds > 2 * reader.max_frame_seconds:
        declared.append(reader.seconds)
    track.declared_seconds = max(declared)
    track.is_truncated = reader.failed or (
        "ogg" in reader.container.format.name and not read_ogg_links(file)[-1].is_complete
    )
    track.notes += [make_joined_note()] if completeness.is_concatenated else []
    is_joined = completeness.is_concatenated or reader.is_concatenated
    is_cut_off = track.is_truncated or track.declared_seconds - seconds > 1 / track.sampling_rate
    is_whole = not (track.first_sample or is_joined or is_cut_off)
    if reader.checksum is not None and is_whole and reader.checksum.differs_from(file):
        track.notes.append(make_checksum_note())


def _declared_seconds(file: MediaSource, reader: _TrackReader) -> float:
    """Return a track's duration as declared in the header; 0 if it is not, or the demuxer only estimates it."""
    container, stream = reader.container, reader.stream
    names = set(container.format.name.split(","))
    if "matroska" in names:
        if match := _DURATION_PATTERN.fullmatch(stream.metadata.get("DURATION", "")):
            return 3600 * int(match[1]) + 60 * int(match[2]) + float(match[3]) - reader.timeline_start
        return (container.duration or 0) / 1e6 if len(container.streams) == 1 else 0.0
    if stream.duration is None or not (
        names & _FORMATS_WITH_DURATION or ("mp3" in names and _has_frame_count(file))
    ):
        return 0.0
    start = stream.start_time or 0 if "mov" in names else 0
    return float((start + stream.duration) * (stream.time_base or 0)) - (reader.timeline_start if start else 0.0)


def _has_frame_count(file: MediaSource) -> bool:
    """Return whether an MP3 declares its number of frames."""
    file.seek(0)
    head = file.read(10)
    size = sum((byte & 127) << 7 * (3 - n) for n, byte in enumerate(head[6:10])) if head[:3] == b"ID3" else -10
    file.seek(10 + size)
    first_frame = file.read(512)
    return any(tag in first_frame for tag in (b"Xing", b"Info", b"VBRI"))


@contextmanager
def _open_track(file: MediaSource) -> Iterator[tuple[InputContainer, AudioStream]]:
    """Open a file and its audio track with PyAV; playlists cannot open other files.

    Of several tracks, the first one marked as default is used, as in players, else the first.
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
            if stream.codec_context is None:
                raise AudioError("undecodable", _("its codec is unknown"))
            if stream.codec_context.sample_rate:
                check_stream_format(
                    stream.codec_context.sample_rate, stream.codec_context.layout.nb_channels or 1
                )
            yield container, stream
    except av.FFmpegError as error:
        raise AudioError("undecodable", error.strerror or str(error)) from error
