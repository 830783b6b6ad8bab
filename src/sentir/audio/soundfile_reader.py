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

from sentir.audio.declared_size import Link, extent, links
from sentir.audio.decoding_notes import joined_note
from sentir.audio.segments import Cut, Cutter

if TYPE_CHECKING:
    from soundfile import SoundFile

_BLOCK = 1 << 18  # samples that are read at a time
_HEADS = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM")  # how WAV, FLAC, Ogg and AIFF begin
_EXACT = ("PCM", "FLOAT", "DOUBLE", "ULAW", "ALAW")  # codings in which libsndfile seeks to the sample
_UNKNOWN = 1 << 36  # samples that a FLAC of unknown length is said to have, at least
_VORBIS = b"\x01vorbis"


def read_plain(file: FileIO, cuts: Sequence[Cut]) -> Cutter | None:
    """Read the cuts of a file; ``None`` if that is not for soundfile, or it stumbles.

    Raises:
        AudioError: if no recording has its rate.
    """
    from soundfile import LibsndfileError

    with _opened(file) as sounds:
        if not sounds:
            return None
        track = Cutter(cuts, sounds[0].samplerate, sounds[0].channels)
        try:
            whole = all(_read(sound, track) for sound in sounds)
        except LibsndfileError:
            return None
        if not whole or not track.samples:
            return None
        if not track.complete:
            _compare(file, track, sounds[0].format)
        return track


def plain_seconds(file: FileIO) -> float | None:
    """Return how long a file is by its header; ``None`` if that is not for soundfile."""
    with _opened(file) as sounds:
        return sum(sound.frames / sound.samplerate for sound in sounds) or None


@contextmanager
def _opened(file: FileIO) -> Iterator[list[SoundFile]]:
    """Open a file with soundfile, each of Ogg streams that are joined; nothing if that is not for it."""
    from soundfile import LibsndfileError

    with ExitStack() as stack:
        try:
            sounds = _sounds(file, stack)
        except LibsndfileError:
            sounds = []
        kinds = {(sound.samplerate, sound.channels) for sound in sounds}
        yield sounds if len(kinds) == 1 and sounds[0].channels <= 2 else []


def _sounds(file: FileIO, stack: ExitStack) -> list[SoundFile]:
    """Open what libsndfile gives every sample of, by coding and header; nothing if that is not so."""
    from soundfile import SoundFile

    file.seek(0)
    head = file.read(4)
    parts = links(file) if head == b"OggS" else []
    if head not in _HEADS or not all(part.streams == 1 and part.codec.startswith(_VORBIS) for part in parts):
        return []
    contents = [_content(file, part) for part in parts] if len(parts) > 1 else [file.fileno()]
    file.seek(0)
    sounds = [stack.enter_context(SoundFile(content, closefd=False)) for content in contents]
    if parts:
        return sounds if [sound.frames for sound in sounds] == [part.position for part in parts] else []
    return sounds if _is_exact(file, sounds[0]) else []


def _content(file: FileIO, part: Link) -> BytesIO:
    file.seek(part.begin)
    return BytesIO(file.read(part.end - part.begin))


def _is_exact(file: FileIO, sound: SoundFile) -> bool:
    if sound.format == "FLAC":
        return 0 < sound.frames < _UNKNOWN and not _is_joined(file)
    return str(sound.subtype).startswith(_EXACT)


def _is_joined(file: FileIO) -> bool:
    """Tell whether a FLAC may be several, one after the other, of which libsndfile reads the first."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"fLaC", 4) >= 0


def _read(sound: SoundFile, track: Cutter) -> bool:
    """Give a file to a track block by block, and tell whether it had what its header promises."""
    frames = int(sound.frames)
    if track.first and sound.format != "OGG":  # in Vorbis its seeks miss
        track.samples = int(sound.seek(min(track.first, frames)))
        frames -= track.samples
    share = np.full(sound.channels, 1 / sound.channels, np.float32)
    while frames and not track.complete:
        size = min(frames, max(track.wanted - track.samples, 1), _BLOCK)
        block = sound.read(size, dtype="float32", always_2d=True)
        track.add(block @ share if len(share) > 1 else block[:, 0])
        if len(block) < size:
            return False
        frames -= size
    return True


def _compare(file: FileIO, track: Cutter, kind: str) -> None:
    """Hold a file that was read to its end against the size that it says it has."""
    if kind == "OGG":
        track.broken = not links(file)[-1].ended
        return
    found = extent(file)
    track.promised = track.samples / track.rate / max(found.share, 1e-9)
    track.notes += [joined_note()] if found.joined else []
