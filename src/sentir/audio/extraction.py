"""One source, decoded once → what the store keeps of each of its clips."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentir.audio import decoding, descriptors, thesis_mel
from sentir.audio.decoding_notes import Note
from sentir.corpus.utterances import Clip, Sound
from sentir.errors import AudioError
from sentir.i18n import _

VERSION = 6  # of how a clip is decoded and measured: what was kept under another one is measured anew


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a source in seconds, its key, and the id of an utterance that is heard there."""

    key: str
    id: str
    start: float | None
    end: float | None


@dataclass(frozen=True, slots=True)
class Source:
    """A file and every cut that is wanted of it.

    Attributes:
        digest: SHA-256 of its content.
        kind: ``mel`` or ``thesis``.
    """

    path: Path
    digest: str
    kind: str
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What is kept of one cut.

    Attributes:
        mel: ``(frames, bands)`` float16; no frames where there is a problem.
        seconds: length of what was decoded; 0 for a picture made elsewhere.
        rate: samples per second of the source.
        notes: what a user should know of how it was decoded.
    """

    cut: Cut
    mel: NDArray[np.float16] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float16))
    measures: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    rate: int = 0
    channels: int = 0
    problem: str = ""
    problem_kind: str = ""
    notes: tuple[Note, ...] = ()

    def sound(self, kind: str) -> Sound:
        """Return it as an utterance carries it."""
        if self.problem_kind:
            return Sound(problem=self.problem, problem_kind=self.problem_kind, kind=kind)
        texts, kinds = tuple(note.text for note in self.notes), tuple(note.kind for note in self.notes)
        return Sound(
            self.cut.key, self.mel, self.measures, self.seconds, kind=kind, notes=texts, note_kinds=kinds
        )


def sound_key(digest: str, clip: Clip, kind: str) -> str:
    """Return the key of a clip: the content of its source, the cut, and how it is measured."""
    how = "picture" if is_picture(clip.path) else "wave"
    return hashlib.sha256(repr((digest, clip.start, clip.end, VERSION, kind, how)).encode()).hexdigest()[:32]


def measure_source(source: Source) -> list[Measured]:
    """Decode a source once and measure every cut of it; what cannot be used is a reason, not an error."""
    if is_picture(source.path):
        return [_measure_picture(source, cut) for cut in source.cuts]
    decoded = decoding.decode_cuts(source.path, [(cut.start, cut.end) for cut in source.cuts])
    return [_measure(source.kind, cut, found) for cut, found in zip(source.cuts, decoded, strict=True)]


def is_picture(path: Path) -> bool:
    """Tell whether a file is a spectrogram made elsewhere rather than sound."""
    return path.suffix.lower() == ".npy"


def usual_kind(clips: Iterable[Clip | None]) -> str:
    """Return the kind of mel in which all clips can be had: ``thesis`` if they are pictures, else ``mel``."""
    there = [clip for clip in clips if clip is not None]
    return "thesis" if there and all(is_picture(clip.path) for clip in there) else "mel"


def _measure(kind: str, cut: Cut, found: decoding.Decoded | AudioError) -> Measured:
    if isinstance(found, AudioError):
        return _unusable(cut, found)
    try:
        mel, measures = descriptors.measure(found.wave)
        measures |= {"health.rate": float(found.rate), "health.channels": float(found.channels)}
        if kind == "thesis":
            mel = thesis_mel.thesis_mel(found.wave)
    except AudioError as error:
        return _unusable(cut, error)
    return Measured(
        cut=cut,
        mel=mel.astype(np.float16),
        measures=dict(zip(measures, np.array([*measures.values()], np.float32).tolist(), strict=True)),
        seconds=len(found.wave) / decoding.RATE,
        rate=found.rate,
        channels=found.channels,
        notes=found.notes,
    )


def _measure_picture(source: Source, cut: Cut) -> Measured:
    try:
        if source.kind != "thesis":
            raise AudioError(
                "no_audio",
                _(
                    '{path} is a spectrogram made elsewhere, not sound; it needs mel = "thesis".',
                    path=source.path,
                ),
            )
        return Measured(cut, thesis_mel.load_thesis_npy(source.path).astype(np.float16))
    except AudioError as error:
        return _unusable(cut, error)


def _unusable(cut: Cut, error: AudioError) -> Measured:
    return Measured(cut, problem=str(error), problem_kind=error.kind)


def measure_sources(sources: Sequence[Source]) -> list[tuple[Source, Measured]]:
    """Measure the cuts of several sources, with one thread: as many workers as cores do the same side by side.

    One thread also makes the numbers the same, to the last bit, whatever the number of workers or cores.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return [(source, measured) for source in sources for measured in measure_source(source)]
