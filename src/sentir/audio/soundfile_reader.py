"""Uncompressed audio, FLAC, ALAC in CAF and Ogg Vorbis with one or two channels → blocks, by soundfile.

Soundfile is used only where libsndfile is exact to the sample and returns as many samples as the header declares;
all other files, and all errors, are left to `sentir.audio.av_reader`. See docs/decisions/decoding.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from sentir.audio.declared_size import OggLink, check_completeness, read_ogg_links
from sentir.audio.decoding_notes import make_checksum_note, make_joined_note
from sentir.audio.flac_checksum import FlacChecksum
from sentir.audio.safe_files import MediaSource
from sentir.audio.segments import MakeTrack, TrackBuffer

if TYPE_CHECKING:
    from soundfile import SoundFile

_BLOCK_SAMPLES = 1 << 18  # samples read at a time
_MAGIC_BYTES = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM", b"caff")  # of WAV, FLAC, Ogg, AIFF and CAF
_SEEKABLE_SUBTYPES = ("PCM", "FLOAT", "DOUBLE", "ULAW", "ALAW")  # codecs in which libsndfile seeks to the sample
_UNKNOWN_LENGTH = 1 << 36  # samples, at least, that libsndfile reports for a FLAC of unknown length
_VORBIS_MAGIC = b"\x01vorbis"


def read_with_soundfile(file: MediaSource, make_track: MakeTrack) -> TrackBuffer | None:
    """Read a file into a track; ``None`` if soundfile cannot read it exactly.

    Args:
        file: open for reading.
        make_track: makes the track of a sampling rate and a number of channels.

    Raises:
        AudioError: if its sampling rate is impossible.
    """
    from soundfile import LibsndfileError

    with _open_if_supported(file) as sound_files:
        if not sound_files:
            return None
        track = make_track(sound_files[0].samplerate, sound_files[0].channels)
        try:
            checksum = FlacChecksum(sound_files[0].subtype) if sound_files[0].format == "FLAC" else None
            has_all_samples = all(_read_blocks(sound_file, track, checksum) for sound_file in sound_files)
        except LibsndfileError:
            return None
        if not has_all_samples or not track.num_samples:
            return None
        if not track.is_complete:
            _check_completeness(file, track, sound_files[0].format)
            if checksum is not None and not track.first_sample and checksum.differs_from(file):
                track.notes.append(make_checksum_note())
        return track


def read_duration_with_soundfile(file: MediaSource) -> float | None:
    """Return the duration in seconds that the header declares; ``None`` if soundfile cannot read it exactly."""
    with _open_if_supported(file) as sound_files:
        return sum(sound_file.frames / sound_file.samplerate for sound_file in sound_files) or None


@contextmanager
def _open_if_supported(file: MediaSource) -> Iterator[list[SoundFile]]:
    """Open a file with soundfile, or each link of a chained Ogg; yields an empty list if it is not supported."""
    from soundfile import LibsndfileError

    with ExitStack() as stack:
        try:
            sound_files = _open_sound_files(file, stack)
        except LibsndfileError:
            sound_files = []
        formats = {(sound_file.samplerate, sound_file.channels) for sound_file in sound_files}
        yield sound_files if len(formats) == 1 and sound_files[0].channels <= 2 else []


def _open_sound_files(file: MediaSource, stack: ExitStack) -> list[SoundFile]:
    """Open a file that libsndfile decodes sample-exactly, by codec and header; else return an empty list."""
    from soundfile import SoundFile

    file.seek(0)
    head = file.read(4)
    links = read_ogg_links(file) if head == b"OggS" else []
    if head not in _MAGIC_BYTES or not all(
        link.num_streams == 1 and link.codec.startswith(_VORBIS_MAGIC) for link in links
    ):
        return []
    contents = [_read_link(file, link) for link in links] if len(links) > 1 else [file.handle]
    file.seek(0)
    sound_files = [stack.enter_context(SoundFile(content, closefd=False)) for content in contents]
    if links:
        lengths = [sound_file.frames for sound_file in sound_files]
        return sound_files if lengths == [link.granule_position for link in links] else []
    return sound_files if _is_sample_exact(file, sound_files[0]) else []


def _read_link(file: MediaSource, link: OggLink) -> BytesIO:
    file.seek(link.start)
    return BytesIO(file.read(link.end - link.start))


def _is_sample_exact(file: MediaSource, sound_file: SoundFile) -> bool:
    if sound_file.format == "FLAC":  # of several concatenated files libsndfile reads only the first
        return 0 < sound_file.frames < _UNKNOWN_LENGTH and not file.contains(b"fLaC", 4)
    if sound_file.format == "CAF":  # of which FFmpeg reads all well but ALAC, whose last packet it shortens twice
        return str(sound_file.subtype).startswith("ALAC")
    return str(sound_file.subtype).startswith(_SEEKABLE_SUBTYPES)


def _read_blocks(sound_file: SoundFile, track: TrackBuffer, checksum: FlacChecksum | None) -> bool:
    """Add a file to a track, and a checksum, by blocks; return whether it has the samples that it declares."""
    frames = int(sound_file.frames)
    if track.first_sample and sound_file.format != "OGG":  # seeks in Vorbis are inexact
        track.num_samples = int(sound_file.seek(min(track.first_sample, frames)))
        frames -= track.num_samples
    weights = np.full(sound_file.channels, 1 / sound_file.channels, np.float32)
    while frames and not track.is_complete:
        size = min(frames, max(track.samples_needed - track.num_samples, 1), _BLOCK_SAMPLES)
        block = sound_file.read(size, dtype="float32", always_2d=True)
        if checksum is not None:
            checksum.update(block)
        track.add(block @ weights if len(weights) > 1 else block[:, 0])
        if len(block) < size:
            return False
        frames -= size
    return True


def _check_completeness(file: MediaSource, track: TrackBuffer, file_format: str) -> None:
    """Compare what was read of a whole file with the size that the file declares."""
    if file_format == "OGG":
        track.is_truncated = not read_ogg_links(file)[-1].is_complete
        return
    completeness = check_completeness(file)
    track.declared_seconds = track.num_samples / track.sampling_rate / max(completeness.fraction_present, 1e-9)
    track.notes += [make_joined_note()] if completeness.is_concatenated else []
