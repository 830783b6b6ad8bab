"""One source, decoded once → what the store keeps of each of its clips."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentir.audio import decoding, descriptors, thesis_mel
from sentir.audio.decoding_notes import DecodingNote
from sentir.corpus.utterances import AudioFeatures, Clip
from sentir.errors import AudioError
from sentir.i18n import _

EXTRACTION_VERSION = 7  # of how a clip is decoded and measured: what was kept under another one is measured anew


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a source in seconds, its key, and the id of an utterance that is heard there."""

    key: str
    utterance_id: str
    start: float | None
    end: float | None


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file and every cut that is wanted of it.

    Attributes:
        digest: SHA-256 of its content.
        mel_kind: ``mel`` or ``thesis``.
    """

    path: Path
    digest: str
    mel_kind: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ExtractedSegment:
    """What is kept of one cut.

    Attributes:
        mel: ``(frames, bands)`` float16; no frames where there is a problem.
        seconds: length of what was decoded; 0 for a picture made elsewhere.
        sampling_rate: samples per second of the source.
        notes: what a user should know of how it was decoded.
    """

    segment: Segment
    mel: NDArray[np.float16] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float16))
    measures: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    sampling_rate: int = 0
    channels: int = 0
    problem: str = ""
    problem_kind: str = ""
    notes: tuple[DecodingNote, ...] = ()

    def to_audio_features(self, mel_kind: str) -> AudioFeatures:
        """Return it as an utterance carries it."""
        if self.problem_kind:
            return AudioFeatures(problem=self.problem, problem_kind=self.problem_kind, mel_kind=mel_kind)
        texts, kinds = tuple(note.text for note in self.notes), tuple(note.kind for note in self.notes)
        return AudioFeatures(
            self.segment.key,
            self.mel,
            self.measures,
            self.seconds,
            mel_kind=mel_kind,
            notes=texts,
            note_kinds=kinds,
        )


def compute_audio_key(digest: str, clip: Clip, mel_kind: str) -> str:
    """Return the key of a clip: the content of its source, the cut, and how it is measured."""
    how = "spectrogram" if is_spectrogram_file(clip.path) else "waveform"
    return hashlib.sha256(
        repr((digest, clip.start, clip.end, EXTRACTION_VERSION, mel_kind, how)).encode()
    ).hexdigest()[:32]


def extract_media_file(media_file: MediaFile) -> list[ExtractedSegment]:
    """Decode a source once and measure every cut of it; what cannot be used is a reason, not an error."""
    if is_spectrogram_file(media_file.path):
        return [_load_spectrogram(media_file, cut) for cut in media_file.segments]
    decoded = decoding.decode_segments(media_file.path, [(cut.start, cut.end) for cut in media_file.segments])
    return [
        _extract_segment(media_file.mel_kind, cut, found)
        for cut, found in zip(media_file.segments, decoded, strict=True)
    ]


def is_spectrogram_file(path: Path) -> bool:
    """Tell whether a file is a spectrogram made elsewhere rather than sound."""
    return path.suffix.lower() == ".npy"


def infer_mel_kind(clips: Iterable[Clip | None]) -> str:
    """Return the kind of mel in which all clips can be had: ``thesis`` if they are pictures, else ``mel``."""
    there = [clip for clip in clips if clip is not None]
    return "thesis" if there and all(is_spectrogram_file(clip.path) for clip in there) else "mel"


def _extract_segment(
    mel_kind: str, segment: Segment, decoded: decoding.DecodedAudio | AudioError
) -> ExtractedSegment:
    if isinstance(decoded, AudioError):
        return _unusable_segment(segment, decoded)
    try:
        mel, measures = descriptors.extract_descriptors(decoded.waveform)
        measures |= {
            "health.sampling_rate": float(decoded.sampling_rate),
            "health.channels": float(decoded.channels),
        }
        if mel_kind == "thesis":
            mel = thesis_mel.compute_thesis_mel(decoded.waveform)
    except AudioError as error:
        return _unusable_segment(segment, error)
    return ExtractedSegment(
        segment=segment,
        mel=mel.astype(np.float16),
        measures=dict(zip(measures, np.array([*measures.values()], np.float32).tolist(), strict=True)),
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
                    '{path} is a spectrogram made elsewhere, not sound; it needs mel = "thesis".',
                    path=media_file.path,
                ),
            )
        return ExtractedSegment(segment, thesis_mel.load_thesis_mel(media_file.path).astype(np.float16))
    except AudioError as error:
        return _unusable_segment(segment, error)


def _unusable_segment(segment: Segment, error: AudioError) -> ExtractedSegment:
    return ExtractedSegment(segment, problem=str(error), problem_kind=error.kind)


def extract_media_files(media_files: Sequence[MediaFile]) -> list[tuple[MediaFile, ExtractedSegment]]:
    """Measure the cuts of several sources, with one thread: as many workers as cores do the same side by side.

    One thread also makes the numbers the same, to the last bit, whatever the number of workers or cores.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return [(source, measured) for source in media_files for measured in extract_media_file(source)]
