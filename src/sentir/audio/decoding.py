"""Media files → waveforms: any container, codec, sampling rate and channel count → mono float32 at 16 kHz."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sentir.audio.av_reader import read_duration_with_av, read_with_av
from sentir.audio.decoding_notes import DecodingNote
from sentir.audio.safe_files import MediaSource, MemoryFile, SafeFile
from sentir.audio.segment_notes import list_notes
from sentir.audio.segments import SAMPLING_RATE as SAMPLING_RATE
from sentir.audio.segments import MakeTrack, SegmentBuffer, TimeRange, TrackBuffer
from sentir.audio.segments import Waveform as Waveform
from sentir.audio.soundfile_reader import read_duration_with_soundfile, read_with_soundfile
from sentir.corpus.utterances import AudioContent, Clip
from sentir.errors import AudioError
from sentir.i18n import _, localize_numbers

MIN_SAMPLES = 400  # at 16 kHz: one window of the mel spectrogram
MIN_REMAINING_SECONDS = 0.2  # of a segment that goes on beyond the end of the file
MAX_AMPLITUDE = 100.0  # 40 dB above full scale; audio with larger samples is rejected

_SUFFIXES = """
    .3gp .aac .aif .aiff .amr .au .avi .caf .flac .flv .m4a .m4v .mkv .mov .mp3 .mp4 .mpeg .mpg .oga .ogg .ogv
    .opus .wav .webm .wma .wmv
"""
MEDIA_SUFFIXES = frozenset(_SUFFIXES.split())


@dataclass(frozen=True, slots=True, eq=False)
class DecodedAudio:
    """The audio of a clip.

    Attributes:
        waveform: ``(samples,)`` float32, mono at 16 kHz, full scale at ±1.
        sampling_rate: of the source, in Hz.
        channels: channel count of the source.
        notes: what a user should know about its decoding.
    """

    waveform: Waveform
    sampling_rate: int
    channels: int
    notes: tuple[DecodingNote, ...] = ()


def decode(clip: Clip) -> DecodedAudio:
    """Decode one clip.

    Raises:
        AudioError: if it has no usable audio; ``kind`` is the reason.
    """
    (decoded,) = decode_segments(clip.path, [(clip.start, clip.end)], clip.content)
    if isinstance(decoded, AudioError):
        raise decoded
    return decoded


def decode_segments(
    path: Path, time_ranges: Sequence[TimeRange], content: AudioContent | None = None
) -> list[DecodedAudio | AudioError]:
    """Open and decode a file once, for all its segments.

    A segment is exact to a sample of the source and resampled on its own. A start below 0 counts as 0, an end
    beyond the file as its end; damaged parts of a file are skipped and noted. Segments longer than
    `sentir.audio.segments.MAX_SECONDS` are cropped, and nothing outside the segments is kept in memory.

    Args:
        path: any audio file, or a video with an audio track.
        time_ranges: ``(start, end)`` in seconds of the file's timeline; ``None`` is its start or its end.
        content: the file, if it is in memory.

    Returns:
        The audio of each segment, or the error why it has none.
    """
    try:
        track = read_track(path, partial(TrackBuffer, time_ranges), content)
    except AudioError as error:
        return [error] * len(time_ranges)
    return [finish_segment(path, track, segment) for segment in track.segments]


def read_track(path: Path, make_track: MakeTrack, content: AudioContent | None = None) -> TrackBuffer:
    """Read a file into a track; it is made anew if the first decoder cannot read all of the file.

    Args:
        path: of the file, or the name of ``content``.
        make_track: makes the track of a sampling rate and a number of channels.
        content: of a file in memory.

    Raises:
        AudioError: if the file cannot be decoded.
    """
    with _open_media_file(path, content) as file:
        return read_with_soundfile(file, make_track) or read_with_av(file, make_track)


def read_media_duration(path: Path, content: AudioContent | None = None) -> float:
    """Return the duration of a file's audio in seconds, without decoding it.

    Args:
        path: of the file.
        content: the file, if it is in memory.

    Raises:
        AudioError: if there is no such file, it is no media file, or it has no audio track.
    """
    with _open_media_file(path, content) as file:
        seconds = read_duration_with_soundfile(file)
        return read_duration_with_av(file) if seconds is None else seconds


@contextmanager
def _open_media_file(path: Path, content: AudioContent | None = None) -> Iterator[MediaSource]:
    """Open a file by descriptor, so that its name cannot mislead a library; complete the messages of errors."""
    if content is None and not path.is_file():
        raise AudioError("missing", _("There is no file {path}; check where the clips are kept.", path=path))
    if not (path.stat().st_size if content is None else len(content.data)):
        raise AudioError("empty", _("{path} has 0 bytes; copy or download it again.", path=path))
    try:
        with _open(path, content) as file:
            yield file
    except AudioError as error:
        raise _undecodable_error(path, error, error.kind) from error
    except OSError as error:
        raise _undecodable_error(path, error.strerror) from error


def _open(path: Path, content: AudioContent | None) -> MediaSource:
    if content is not None:
        return MemoryFile(content.data)
    return SafeFile(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)))


def finish_segment(path: Path, track: TrackBuffer, segment: SegmentBuffer) -> DecodedAudio | AudioError:
    """Return the audio of a segment, or the error why it is unusable."""
    start, seconds = segment.start or 0.0, segment.num_samples / track.sampling_rate
    is_whole_file = segment.first_sample == 0 and segment.last_sample is None
    exceeds_file = segment.last_sample is None or segment.last_sample > track.num_samples
    if exceeds_file and not is_whole_file and not segment.is_complete and seconds < MIN_REMAINING_SECONDS:
        return _out_of_range_error(path, start, track.num_samples / track.sampling_rate)
    if seconds < MIN_SAMPLES / SAMPLING_RATE:
        return _too_short_error(path, start, seconds)
    if not segment.peak <= MAX_AMPLITUDE:
        return _invalid_samples_error(path, segment.peak)
    return DecodedAudio(segment.waveform, track.sampling_rate, track.channels, list_notes(track, segment))


def _invalid_samples_error(path: Path, peak: float) -> AudioError:
    reason = _("its samples reach {peak} times full scale", peak=localize_numbers(f"{peak:.3g}"))
    if not math.isfinite(peak):
        reason = _("some of its samples are not finite numbers")
    text = _(
        "{path} cannot be used ({reason}; the limit is {limit} times full scale); save it again within full "
        "scale, or use its text alone.",
        path=path,
        reason=reason,
        limit=f"{MAX_AMPLITUDE:g}",
    )
    return AudioError("invalid_samples", text)


def _undecodable_error(path: Path, reason: object, kind: str = "undecodable") -> AudioError:
    text = _("{path} cannot be decoded ({why}); replace the file, or use its text alone.", path=path, why=reason)
    return AudioError(kind, text)


def _out_of_range_error(path: Path, start: float, seconds: float) -> AudioError:
    text = _(
        "{path} is {seconds} s long, which leaves less than {rest} s of a segment that starts at {start} s; "
        "check the times, or use the text alone.",
        path=path,
        seconds=_format_seconds(seconds),
        rest=_format_seconds(MIN_REMAINING_SECONDS),
        start=_format_seconds(start),
    )
    return AudioError("out_of_range", text)


def _too_short_error(path: Path, start: float, seconds: float) -> AudioError:
    text = _(
        "{path} has {seconds} s of audio from {start} s on, and one analysis window needs {shortest} s; "
        "check the times, or use the text alone.",
        path=path,
        seconds=_format_seconds(seconds),
        start=_format_seconds(start),
        shortest=_format_seconds(MIN_SAMPLES / SAMPLING_RATE),
    )
    return AudioError("too_short", text)


def _format_seconds(seconds: float) -> str:
    return localize_numbers(str(round(seconds, 3)))
