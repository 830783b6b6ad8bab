"""Where the turns of a recording come from as it is decoded: voice activity, or turns that are given.

A source takes blocks and yields the pieces of turns that are complete with them. It never asks for audio before
its `needed_from`, so that the rest can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from sentir.audio.segments import SAMPLING_RATE, Waveform
from sentir.timelines.document import Turn
from sentir.timelines.levels import Levels
from sentir.timelines.turn_detection import TurnDetectionSettings, TurnDetector
from sentir.timelines.voice_activity import VoiceActivityDetector


class Piece(NamedTuple):
    """A piece of a turn.

    Attributes:
        number: of the turn, from 0.
        turn: the turn.
        start, end: of the piece, in seconds.
        is_last: whether the turn ends with it.
    """

    number: int
    turn: Turn
    start: float
    end: float
    is_last: bool


class TurnSource(Protocol):
    """Finds the turns of a recording as it is decoded."""

    @property
    def needed_from(self) -> float:
        """The time in seconds before which no audio is needed any more."""

    def push(self, block: Waveform, seconds: float) -> Iterator[Piece]:
        """Yield the pieces that are complete with a block, after which ``seconds`` have been decoded."""

    def finish(self, seconds: float) -> Iterator[Piece]:
        """Yield the pieces that are complete with the end of the recording."""


class DetectedTurns:
    """Turns by voice activity.

    Args:
        detector: of speech.
        settings: how its probabilities become turns.
        max_seconds: of a turn; longer ones are cut into several.
        sampling_rate: of the blocks, in Hz.
    """

    def __init__(
        self,
        detector: VoiceActivityDetector,
        settings: TurnDetectionSettings,
        max_seconds: float,
        sampling_rate: int,
    ) -> None:
        self._levels = Levels(sampling_rate)
        self._activity, self._number = detector, 0
        self._turns = TurnDetector(settings, max_seconds, self._levels.find_quietest)
        self._resampler = None
        if sampling_rate != SAMPLING_RATE:
            from soxr import ResampleStream

            self._resampler = ResampleStream(sampling_rate, SAMPLING_RATE, 1, dtype="float32", quality="HQ")

    @property
    def needed_from(self) -> float:
        """The time in seconds before which no later turn starts."""
        return self._turns.needed_from

    @property
    def open_since(self) -> float | None:
        """The start of the turn that has not ended yet, in seconds; ``None`` if there is none."""
        return self._turns.open_since

    def push(self, block: Waveform, seconds: float) -> Iterator[Piece]:
        """Yield the turns that end in a block."""
        self._levels.push(block)
        if self._resampler is not None:
            block = self._resampler.resample_chunk(block)
        for times in self._turns.push(self._activity.push(block)):
            yield self._piece(*times)

    def finish(self, seconds: float) -> Iterator[Piece]:
        """Yield the turns that end with the recording."""
        if self._resampler is not None:
            import numpy as np

            rest = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
            for times in self._turns.push(self._activity.push(rest)):
                yield self._piece(*times)
        for times in self._turns.push(self._activity.finish()):
            yield self._piece(times[0], min(times[1], seconds))
        for times in self._turns.finish(seconds):
            yield self._piece(*times)

    def _piece(self, start: float, end: float) -> Piece:
        start, end = round(start, 6), round(end, 6)
        self._number += 1
        return Piece(self._number - 1, Turn(start, end), start, end, True)


class GivenTurns:
    """Turns that are known; those longer than ``max_seconds`` are cut into pieces of one turn.

    Args:
        turns: with times, in the order of their starts.
        max_seconds: of a piece.
        sampling_rate: of the blocks, in Hz.
    """

    def __init__(self, turns: Sequence[Turn], max_seconds: float, sampling_rate: int) -> None:
        self._levels, self._max_seconds = Levels(sampling_rate), max_seconds
        self._waiting = [(number, turn) for number, turn in enumerate(turns)]
        self._open: dict[int, tuple[Turn, float]] = {}  # number → turn and start of its next piece

    @property
    def needed_from(self) -> float:
        """The start of the earliest piece that is not complete."""
        starts = [start for _turn, start in self._open.values()]
        return min(starts + [turn.start or 0.0 for _number, turn in self._waiting[:1]], default=float("inf"))

    def push(self, block: Waveform, seconds: float) -> Iterator[Piece]:
        """Yield the pieces that are complete with a block."""
        self._levels.push(block)
        while self._waiting and (self._waiting[0][1].start or 0.0) < seconds:
            number, turn = self._waiting.pop(0)
            self._open[number] = (turn, turn.start or 0.0)
        for number in list(self._open):
            yield from self._complete(number, seconds)

    def finish(self, seconds: float) -> Iterator[Piece]:
        """Yield the rest, also of turns that end after the recording, or start there."""
        self._open |= {number: (turn, turn.start or 0.0) for number, turn in self._waiting}
        self._waiting = []
        for number in list(self._open):
            yield from self._complete(number, seconds)
        for number, (turn, start) in self._open.items():
            yield Piece(number, turn, start, turn.end or 0.0, True)

    def _complete(self, number: int, seconds: float) -> Iterator[Piece]:
        turn, start = self._open[number]
        end = turn.end or 0.0
        while end - start > self._max_seconds and start + self._max_seconds <= seconds:
            cut = self._levels.find_quietest(start + self._max_seconds / 2, start + self._max_seconds)
            yield Piece(number, turn, start, cut, False)
            start = cut
        self._open[number] = (turn, start)
        if end <= seconds:
            del self._open[number]
            yield Piece(number, turn, start, end, True)
