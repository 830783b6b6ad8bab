"""Uncompressed sound, FLAC and Ogg Vorbis of one or two channels → blocks, by soundfile.

Only what libsndfile reads to the sample is left to it, and it is believed only if it gives as much as it
promises; everything else, and every error, goes to `sentir.audio.av_reader`. See docs/decisions/decoding.md.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO, FileIO
from typing import TYPE_CHECKING

import numpy as np

from sentir.audio.declared_size import OggLink, check_completeness, read_ogg_links
from sentir.audio.decoding_notes import make_joined_note
from sentir.audio.segments import TimeRange, TrackBuffer

if TYPE_CHECKING:
    from soundfile import SoundFile

_BLOCK_SAMPLES = 1 << 18  # samples that are read at a time
_MAGIC_BYTES = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM")  # how WAV, FLAC, Ogg and AIFF begin
_SEEKABLE_SUBTYPES = ("PCM", "FLOAT", "DOUBLE", "ULAW", "ALAW")  # codings in which libsndfile seeks to the sample
_UNKNOWN_LENGTH = 1 << 36  # samples that a FLAC of unknown length is said to have, at least
_VORBIS_MAGIC = b"\x01vorbis"


def read_with_soundfile(file: FileIO, time_ranges: Sequence[TimeRange]) -> TrackBuffer | None:
    """Read the cuts of a file; ``None`` if that is not for soundfile, or it stumbles.

    Raises:
        AudioError: if no recording has its rate.
    """
    from soundfile import LibsndfileError

    with _open_if_supported(file) as sounds:
        if not sounds:
            return None
        track = TrackBuffer(time_ranges, sounds[0].samplerate, sounds[0].channels)
        try:
            whole = all(_read_blocks(sound, track) for sound in sounds)
        except LibsndfileError:
            return None
        if not whole or not track.num_samples:
            return None
        if not track.is_complete:
            _check_completeness(file, track, sounds[0].format)
        return track


def read_duration_with_soundfile(file: FileIO) -> float | None:
    """Return how long a file is by its header; ``None`` if that is not for soundfile."""
    with _open_if_supported(file) as sounds:
        return sum(sound.frames / sound.samplerate for sound in sounds) or None


@contextmanager
def _open_if_supported(file: FileIO) -> Iterator[list[SoundFile]]:
    """Open a file with soundfile, each of Ogg streams that are joined; nothing if that is not for it."""
    from soundfile import LibsndfileError

    with ExitStack() as stack:
        try:
            sounds = _open_sound_files(file, stack)
        except LibsndfileError:
            sounds = []
        kinds = {(sound.samplerate, sound.channels) for sound in sounds}
        yield sounds if len(kinds) == 1 and sounds[0].channels <= 2 else []


def _open_sound_files(file: FileIO, stack: ExitStack) -> list[SoundFile]:
    """Open what libsndfile gives every sample of, by coding and header; nothing if that is not so."""
    from soundfile import SoundFile

    file.seek(0)
    head = file.read(4)
    parts = read_ogg_links(file) if head == b"OggS" else []
    if head not in _MAGIC_BYTES or not all(
        part.num_streams == 1 and part.codec.startswith(_VORBIS_MAGIC) for part in parts
    ):
        return []
    contents = [_read_link(file, part) for part in parts] if len(parts) > 1 else [file.fileno()]
    file.seek(0)
    sounds = [stack.enter_context(SoundFile(content, closefd=False)) for content in contents]
    if parts:
        return sounds if [sound.frames for sound in sounds] == [part.granule_position for part in parts] else []
    return sounds if _is_sample_exact(file, sounds[0]) else []


def _read_link(file: FileIO, link: OggLink) -> BytesIO:
    file.seek(link.start)
    return BytesIO(file.read(link.end - link.start))


def _is_sample_exact(file: FileIO, sound_file: SoundFile) -> bool:
    if sound_file.format == "FLAC":
        return 0 < sound_file.frames < _UNKNOWN_LENGTH and not _is_concatenated_flac(file)
    return str(sound_file.subtype).startswith(_SEEKABLE_SUBTYPES)


def _is_concatenated_flac(file: FileIO) -> bool:
    """Tell whether a FLAC may be several, one after the other, of which libsndfile reads the first."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"fLaC", 4) >= 0


def _read_blocks(sound_file: SoundFile, track: TrackBuffer) -> bool:
    """Give a file to a track block by block, and tell whether it had what its header promises."""
    frames = int(sound_file.frames)
    if track.first_sample and sound_file.format != "OGG":  # in Vorbis its seeks miss
        track.num_samples = int(sound_file.seek(min(track.first_sample, frames)))
        frames -= track.num_samples
    share = np.full(sound_file.channels, 1 / sound_file.channels, np.float32)
    while frames and not track.is_complete:
        size = min(frames, max(track.samples_needed - track.num_samples, 1), _BLOCK_SAMPLES)
        block = sound_file.read(size, dtype="float32", always_2d=True)
        track.add(block @ share if len(share) > 1 else block[:, 0])
        if len(block) < size:
            return False
        frames -= size
    return True


def _check_completeness(file: FileIO, track: TrackBuffer, file_format: str) -> None:
    """Hold a file that was read to its end against the size that it says it has."""
    if file_format == "OGG":
        track.is_truncated = not read_ogg_links(file)[-1].is_complete
        return
    found = check_completeness(file)
    track.declared_seconds = track.num_samples / track.sampling_rate / max(found.fraction_present, 1e-9)
    track.notes += [make_joined_note()] if found.is_concatenated else []
