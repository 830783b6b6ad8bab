"""A media file, decoded once → the mel spectrogram and descriptors of each of its segments."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentir.audio import decoding, descriptors, thesis_mel
from sentir.audio.decoding_notes import DecodingNote
from sentir.corpus.utterances import AudioContent, AudioFeatures, Clip
from sentir.errors import AudioError
from sentir.i18n import _

EXTRACTION_VERSION = 9  # part of a clip's key: raised when decoding, features or stored names change


@dataclass(frozen=True, slots=True)
class Segment:
    """A time range of a media file in seconds, its key, and the id of an utterance spoken there."""

    key: str
    utterance_id: str
    start: float | None
    end: float | None


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file and the segments to extract from it.

    Attributes:
        digest: SHA-256 of its content.
        mel_kind: ``mel`` or ``thesis``.
        health_only: whether descriptors other than those of the set ``health`` are left out.
        content: the file, if it is in memory.
    """

    path: Path
    digest: str
    mel_kind: str
    segments: tuple[Segment, ...]
    health_only: bool = False
    content: AudioContent | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ExtractedSegment:
    """The audio features of one segment.

    Attributes:
        mel: ``(frames, bands)`` float16; no frames if the segment is unusable.
        descriptors: column of `sentir.audio.descriptors` → number.
        seconds: decoded duration; 0 for a precomputed spectrogram.
        sampling_rate: of the source, in Hz.
        problem: why it is unusable, one sentence; ``""`` if it is usable.
        problem_kind: ``kind`` of the `AudioError`.
        notes: what a user should know about its decoding.
    """

    segment: Segment
    mel: NDArray[np.float16] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float16))
    descriptors: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    sampling_rate: int = 0
    channels: int = 0
    problem: str = ""
    problem_kind: str = ""
    notes: tuple[DecodingNote, ...] = ()

    def to_audio_features(self, mel_kind: str) -> AudioFeatures:
        """Return it as the ``audio`` of an utterance."""
        if self.problem_kind:
            return AudioFeatures(problem=self.problem, problem_kind=self.problem_kind, mel_kind=mel_kind)
        texts, kinds = tuple(note.text for note in self.notes), tuple(note.kind for note in self.notes)
        return AudioFeatures(
            self.segment.key,
            self.mel,
            self.descriptors,
            self.seconds,
            mel_kind=mel_kind,
            notes=texts,
            note_kinds=kinds,
        )


def compute_audio_key(digest: str, clip: Clip, mel_kind: str) -> str:
    """Return the key of a clip: a hash of its file's content, its time range and the kind of its features."""
    source = "spectrogram" if is_spectrogram_file(clip.path) else "waveform"
    facts = (digest, clip.start, clip.end, EXTRACTION_VERSION, mel_kind, source)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def extract_media_file(media_file: MediaFile) -> list[ExtractedSegment]:
    """Decode a file once and extract its segments; unusable ones have a ``problem``, nothing is raised."""
    if is_spectrogram_file(media_file.path):
        return [_load_spectrogram(media_file, segment) for segment in media_file.segments]
    time_ranges = [(segment.start, segment.end) for segment in media_file.segments]
    decoded = decoding.decode_segments(media_file.path, time_ranges, media_file.content)
    pairs = zip(media_file.segments, decoded, strict=True)
    return [_extract_segment(media_file, segment, audio) for segment, audio in pairs]


def is_spectrogram_file(path: Path) -> bool:
    """Return whether a file is a precomputed spectrogram rather than audio."""
    return path.suffix.lower() == ".npy"


def infer_mel_kind(clips: Iterable[Clip | None]) -> str:
    """Return the kind of mel spectrogram for all clips: ``thesis`` if all are precomputed, else ``mel``."""
    paths = [clip.path for clip in clips if clip is not None]
    return "thesis" if paths and all(map(is_spectrogram_file, paths)) else "mel"


def _extract_segment(
    media_file: MediaFile, segment: Segment, decoded: decoding.DecodedAudio | AudioError
) -> ExtractedSegment:
    if isinstance(decoded, AudioError):
        return _unusable_segment(segment, decoded)
    try:
        extract = descriptors.extract_health if media_file.health_only else descriptors.extract_descriptors
        mel, numbers = extract(decoded.waveform)
        numbers |= {
            "health.sampling_rate": float(decoded.sampling_rate),
            "health.channels": float(decoded.channels),
        }
        if media_file.mel_kind == "thesis":
            mel = thesis_mel.compute_thesis_mel(decoded.waveform)
    except AudioError as error:
        return _unusable_segment(segment, error)
    return ExtractedSegment(
        segment=segment,
        mel=mel.astype(np.float16),
        descriptors=dict(zip(numbers, np.array([*numbers.values()], np.float32).tolist(), strict=True)),
        seconds=len(decoded.waveform) / decoding.SAMPLING_RATE,
        sampling_rate=decoded.sampling_rate,
        channels=decoded.channels,
        notes=decoded.notes,
    )


def _load_spectrogram(media_file: MediaFile, segment: Segment) -> ExtractedSegment:
    try:
        if media_file.mel_kind != "thesis":
            raise AudioError(
                "no_audio",
                _(
                    '{path} is a precomputed spectrogram, not audio; it needs mel = "thesis".',
                    path=media_file.path,
                ),
            )
        return ExtractedSegment(segment, thesis_mel.load_thesis_mel(media_file.path).astype(np.float16))
    except AudioError as error:
        return _unusable_segment(segment, error)


def _unusable_segment(segment: Segment, error: AudioError) -> ExtractedSegment:
    return ExtractedSegment(segment, problem=str(error), problem_kind=error.kind)


def extract_media_files(media_files: Iterable[MediaFile]) -> list[tuple[MediaFile, ExtractedSegment]]:
    """Extract the segments of several files with one thread, as there is one worker per core.

    One thread also makes the numbers bit-identical for any number of workers or cores.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return [(file, extracted) for file in media_files for extracted in extract_media_file(file)]
