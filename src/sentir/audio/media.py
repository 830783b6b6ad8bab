"""Media files → waves: any container, codec, rate and channel count becomes mono float32 at 16 kHz."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentir.audio.containers import Source, Track, read_track, track_seconds
from sentir.corpus.types import Clip
from sentir.errors import AudioError
from sentir.i18n import _

Wave = NDArray[np.float32]
Cut = tuple[float | None, float | None]

RATE = 16_000
SHORTEST = 400  # samples at RATE that a clip must have: one window of the mel
SHORTEST_REST = 0.2  # seconds that must be left of a cut that the end of its file cuts short
SLOWEST, FASTEST = 1_000, 1_000_000  # sample rates in Hz that a recording can have

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
    """

    wave: Wave
    rate: int
    channels: int


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
    the file as its end; damaged parts of a file are passed over, and what remains is used.

    Args:
        path: any audio file, or a video with an audio track.
        cuts: ``(start, end)`` in seconds of the file's timeline; ``None`` means from its start or to its end.

    Returns:
        For each cut its sound, or the reason why it has none.
    """
    first = min((max(start or 0.0, 0.0) for start, _end in cuts), default=0.0)
    last = max((np.inf if end is None else max(end, 0.0) for _start, end in cuts), default=0.0)
    try:
        with _opened(path) as file:
            track = read_track(file, first=first, last=None if last == np.inf else last)
        if not SLOWEST <= track.rate <= FASTEST:
            raise _undecodable(path, _("its sample rate is {rate} Hz", rate=track.rate))
    except AudioError as error:
        return [error] * len(cuts)
    return [_cut(path, track, start, end) for start, end in cuts]


def media_seconds(path: Path) -> float:
    """Return how long the sound of a file is, without decoding it.

    Raises:
        AudioError: if there is no such file, it is no media, or it has no audio track.
    """
    with _opened(path) as file:
        return track_seconds(file)


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


def _cut(path: Path, track: Track, start: float | None, end: float | None) -> Decoded | AudioError:
    """Return one cut of a track, resampled, or the reason why it has none."""
    import soxr

    first = round(max(start or 0.0, 0.0) * track.rate)
    last = None if end is None else round(max(end, 0.0) * track.rate)
    length = track.begin + len(track.wave)
    wave = track.wave[first - track.begin : None if last is None else max(last - track.begin, 0)]
    seconds = len(wave) / track.rate
    whole = first == 0 and last is None
    cut_short = not whole and (last is None or last > length)
    if cut_short and seconds < SHORTEST_REST:
        return _outside(path, start or 0.0, length / track.rate)
    if seconds < SHORTEST / RATE:
        return _too_short(path, start or 0.0, seconds)
    if not np.isfinite(wave).all():
        return _undecodable(path, _("some of its samples are not finite numbers"))
    return Decoded(soxr.resample(wave, track.rate, RATE, quality="HQ"), track.rate, track.channels)


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
