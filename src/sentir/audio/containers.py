"""One open media file → one track: mono float32 at the rate of its source.

soundfile reads plain sound of one or two channels; PyAV the rest: videos, AAC, MP3, more channels. The content
decides, for the file comes without its name. The reasons are in docs/decisions/decoding.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from io import FileIO
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentir.audio.downmix import Downmix
from sentir.errors import AudioError
from sentir.i18n import _

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from soundfile import SoundFile

HOLE = 0.1  # seconds missing before a frame that become silence, as in FFmpeg's aresample (min_hard_comp)
LONGEST_HOLE = 60.0  # a greater step of the timestamps is a clock that was set anew
BLOCKS = (1 << 18, 1 << 13)  # samples that soundfile reads at a time; damage costs a small block at most

_PLAIN = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM")  # how WAV, FLAC, Ogg and AIFF begin
_EXACT = ("PCM", "FLOAT", "DOUBLE", "ULAW", "ALAW")  # codings in which libsndfile seeks to the sample
_PLANES = 8  # channels from which on PyAV's planes of a frame are not safe


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Mono sound at the rate of its source.

    Attributes:
        wave: ``(samples,)`` float32, full scale at ±1, from sample ``begin`` of the file on.
        rate: sample rate in Hz.
        channels: how many channels were mixed.
        begin: samples of the file that were left out.
    """

    wave: NDArray[np.float32]
    rate: int
    channels: int
    begin: int = 0


class Source(FileIO):
    """A file to hand to the libraries, which print an exception of a damaged header's impossible seek."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position; -1 if there is no such position."""
        try:
            return super().seek(offset, whence)
        except OSError:
            return -1


def read_track(file: Source, *, first: float, last: float | None) -> Track:
    """Read the sound of a file, at least from ``first`` to ``last`` seconds (``None`` = its end).

    Raises:
        AudioError: ``no_audio`` or ``undecodable``; its text is only the reason.
    """
    with _plain(file) as sound:
        track = _read_plain(sound, first, last) if sound else None
    return track if track and len(track.wave) else _read_container(file, last)


def track_seconds(file: Source) -> float:
    """Return how long the sound of a file is: by its header, or by the timestamps of its packets.

    Raises:
        AudioError: ``no_audio`` or ``undecodable``; its text is only the reason.
    """
    with _plain(file) as sound:
        if sound and sound.frames:
            return float(sound.frames / sound.samplerate)
    with _container(file) as (container, stream):
        ends = (
            float((packet.pts + (packet.duration or 0)) * packet.time_base)
            for packet in _packets(container, stream)
            if packet.pts is not None
        )
        return max(ends, default=0.0) - _origin(container)


@contextmanager
def _plain(file: Source) -> Iterator[SoundFile | None]:
    """Open a file with soundfile; ``None`` if that is not for it."""
    from soundfile import LibsndfileError, SoundFile

    file.seek(0)
    plain = file.read(4) in _PLAIN
    file.seek(0)
    try:
        sound = SoundFile(file.fileno(), closefd=False) if plain else None
    except LibsndfileError:
        sound = None
    with sound or nullcontext():
        yield sound if sound and sound.channels <= 2 else None


def _read_plain(sound: SoundFile, first: float, last: float | None) -> Track:
    """Read until the end, or ``last`` seconds; a damaged file once more in small blocks, up to the damage."""
    from soundfile import LibsndfileError

    rate = sound.samplerate
    begin = min(round(first * rate), sound.frames) if sound.subtype.startswith(_EXACT) else 0
    wanted = -1 if last is None else max(round(last * rate) - begin, 0)
    share = np.full(sound.channels, 1 / sound.channels, np.float32)
    pieces: list[NDArray[np.float32]] = []
    for size in BLOCKS:
        pieces = [np.zeros(0, np.float32)]
        with suppress(LibsndfileError):
            sound.seek(begin)
            for block in sound.blocks(size, frames=wanted, dtype="float32", always_2d=True):
                pieces.append(block @ share if len(share) > 1 else block[:, 0])
                if len(block) < size:
                    break
            break
    return Track(np.concatenate(pieces), rate, sound.channels, begin)


def _read_container(file: Source, last: float | None) -> Track:
    with _container(file) as (container, stream):
        frames = _frames(container, stream)
        head = next(frames, None)
        if head is None:
            raise AudioError("undecodable", _("none of its sound can be decoded"))
        wave = _joined(chain([head], frames), head.rate, _origin(container), last)
    return Track(wave, head.rate, head.layout.nb_channels)


def _joined(frames: Iterable[AudioFrame], rate: int, origin: float, last: float | None) -> NDArray[np.float32]:
    """Join frames to one wave, with silence where the timestamps leave a hole."""
    mono = Downmix()
    for frame in frames:
        if frame.rate != rate:
            raise AudioError("undecodable", _("its sample rate changes midway"))
        hole = 0.0 if frame.time is None else frame.time - origin - mono.samples / rate
        if abs(hole) > LONGEST_HOLE:
            origin += hole
        elif hole > HOLE:
            mono.add_silence(round(hole * rate))
        mono.add(frame)
        if last is not None and mono.samples >= last * rate:
            break
    return mono.wave()


@contextmanager
def _container(file: Source) -> Iterator[tuple[InputContainer, AudioStream]]:
    """Open a file and its first audio track with PyAV; a playlist must not open other files."""
    import av

    file.seek(0)
    try:
        with av.open(file, "r", options={"protocol_whitelist": "none"}, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise AudioError("no_audio", _("it has no audio track"))
            yield container, container.streams.audio[0]
    except av.FFmpegError as error:
        raise AudioError("undecodable", error.strerror or str(error)) from error


def _origin(container: InputContainer) -> float:
    """Return the time at which the file's timeline begins, in seconds."""
    return (container.start_time or 0) / 1_000_000


def _packets(container: InputContainer, stream: AudioStream) -> Iterator[Packet]:
    """Yield the packets of a track, up to where a truncated file ends."""
    from av import FFmpegError
    from av.stream import Discard

    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all  # the pictures of an MP4 are not even read
    try:
        yield from container.demux(stream)
    except (FFmpegError, IndexError):  # IndexError: PyAV's own, at the end of a stream that gained a track midway
        return


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Yield what can be decoded as float32; a damaged packet is passed over.

    AAC and its like give planes of float32, which are taken as they are; everything else is packed, also eight
    channels, because PyAV reads beyond their planes.
    """
    from av import AudioResampler, FFmpegError

    packer, setup = AudioResampler(format="flt"), None
    for packet in _packets(container, stream):
        try:
            frames = stream.decode(packet)
        except FFmpegError:
            continue
        for frame in frames:
            layout = frame.layout
            if frame.format.name == "fltp" and layout.nb_channels < _PLANES:
                yield frame
                continue
            if setup != (setup := (frame.format.name, layout.name, frame.rate)):
                packer = AudioResampler(format="flt")  # one serves a single setup
            yield from packer.resample(frame)
