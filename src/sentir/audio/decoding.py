"""Media files → waves: any container, codec, rate and channel count becomes mono float32 at 16 kHz."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from sentir.audio.av_reader import container_seconds, read_container
from sentir.audio.decoding_notes import Note
from sentir.audio.segment_notes import notes_of
from sentir.audio.segments import RATE as RATE
from sentir.audio.segments import Cut, Cutter, Stretch
from sentir.audio.segments import Wave as Wave
from sentir.audio.soundfile_reader import plain_seconds, read_plain
from sentir.corpus.utterances import Clip
from sentir.errors import AudioError
from sentir.i18n import _

SHORTEST = 400  # samples at RATE that a clip must have: one window of the mel
SHORTEST_REST = 0.2  # seconds that must be left of a cut that the end of its file cuts short
LOUDEST = 100.0  # magnitude of a sample that can be sound: 40 dB above full scale

_SUFFIXES = """
    .3gp .aac .aif .aiff .amr .au .avi .caf .flac .flv .m4a .m4v .mkv .mov .mp3 .mp4 .mpeg .mpg .oga .ogg .ogv
    .opus .wav .webm .wma .wmv
"""
MEDIA_SUFFIXES = frozenset(_SUFFIXES.split())


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A clip as sound.

    Attributes:
        wave: ``(samples,)`` float32, mono at 16 kHz, full scale at ±1.
        rate: sample rate of the source in Hz.
        channels: channel count of the source.
        notes: what a user should know of how it was decoded.
    """

    wave: Wave
    rate: int
    channels: int
    notes: tuple[Note, ...] = ()


class Source(FileIO):
    """A file to hand to the libraries, which print an exception of a damaged header's impossible seek."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position; -1 if there is no such position."""
        try:
            return super().seek(offset, whence)
        except OSError:
            return -1


def decode(clip: Clip) -> Decoded:
    """Decode one clip.

    Raises:
        AudioError: if there is no usable sound in it; ``kind`` says why.
    """
    (decoded,) = decode_cuts(clip.path, [(clip.start, clip.end)])
    if isinstance(decoded, AudioError):
        raise decoded
    return decoded


def decode_cuts(path: Path, cuts: Sequence[Cut]) -> list[Decoded | AudioError]:
    """Open and decode a file once, for all its cuts.

    A cut is exact to a sample of the source and resampled on its own. A start below 0 counts as 0, an end beyond
    the file as its end; damaged parts of a file are passed over, and what remains is used, with a note. Of a cut
    longer than `sentir.audio.segments.LONGEST` only so much is heard, and nothing outside the cuts is kept.

    Args:
        path: any audio file, or a video with an audio track.
        cuts: ``(start, end)`` in seconds of the file's timeline; ``None`` means from its start or to its end.

    Returns:
        For each cut its sound, or the reason why it has none.
    """
    try:
        with _opened(path) as file:
            track = read_plain(file, cuts) or read_container(file, cuts)
    except AudioError as error:
        return [error] * len(cuts)
    return [_result(path, track, stretch) for stretch in track.stretches]


def media_seconds(path: Path) -> float:
    """Return how long the sound of a file is, without decoding it.

    Raises:
        AudioError: if there is no such file, it is no media, or it has no audio track.
    """
    with _opened(path) as file:
        seconds = plain_seconds(file)
        return container_seconds(file) if seconds is None else seconds


@contextmanager
def _opened(path: Path) -> Iterator[Source]:
    """Open a file by number, so that nobody can judge it by its name; complete the sentences of errors."""
    if not path.is_file():
        raise AudioError("missing", _("There is no file {path}; check where the clips are kept.", path=path))
    if not path.stat().st_size:
        raise AudioError("empty", _("{path} has 0 bytes; copy or download it again.", path=path))
    try:
        with Source(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))) as file:
            yield file
    except AudioError as error:
        raise _undecodable(path, error, error.kind) from error
    except OSError as error:
        raise _undecodable(path, error.strerror) from error


def _result(path: Path, track: Cutter, stretch: Stretch) -> Decoded | AudioError:
    """Return one cut of a track, or the reason why it has no usable sound."""
    start, seconds = stretch.start or 0.0, stretch.samples / track.rate
    whole = stretch.first == 0 and stretch.last is None
    cut_short = not whole and (stretch.last is None or stretch.last > track.samples)
    if cut_short and not stretch.complete and seconds < SHORTEST_REST:
        return _outside(path, start, track.samples / track.rate)
    if seconds < SHORTEST / RATE:
        return _too_short(path, start, seconds)
    if not stretch.peak <= LOUDEST:
        return _absurd(path, stretch.peak)
    return Decoded(stretch.wave, track.rate, track.channels, notes_of(track, stretch))


def _absurd(path: Path, peak: float) -> AudioError:
    what = _("its samples reach {peak} times full scale", peak=f"{peak:.3g}")
    if not math.isfinite(peak):
        what = _("some of its samples are not finite numbers")
    text = _(
        "{path} cannot be used ({what}; {limit} times is the most that can be sound); write it again within "
        "full scale, or use its text alone.",
        path=path,
        what=what,
        limit=f"{LOUDEST:g}",
    )
    return AudioError("absurd", text)


def _undecodable(path: Path, why: object, kind: str = "undecodable") -> AudioError:
    text = _("{path} cannot be decoded ({why}); replace the file, or use its text alone.", path=path, why=why)
    return AudioError(kind, text)


def _outside(path: Path, start: float, seconds: float) -> AudioError:
    text = _(
        "{path} is {seconds} s long, which leaves less than {rest} s of a cut that begins at {start} s; "
        "check the times, or use the text alone.",
        path=path,
        seconds=round(seconds, 3),
        rest=SHORTEST_REST,
        start=start,
    )
    return AudioError("outside", text)


def _too_short(path: Path, start: float, seconds: float) -> AudioError:
    text = _(
        "{path} has {seconds} s of sound from {start} s on, and one measurement needs {shortest} s; "
        "check the times, or use the text alone.",
        path=path,
        seconds=round(seconds, 3),
        start=start,
        shortest=SHORTEST / RATE,
    )
    return AudioError("too_short", text)
