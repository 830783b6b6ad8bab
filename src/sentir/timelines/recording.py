"""One pass over a recording: blocks → turns with their audio → predictions, a dialogue at a time.

Turns of up to 64 form a dialogue for models with context; longer conversations are parted at the longest pause
among the later half of them. Only open turns and those of the current dialogue are kept in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sentir.audio.segments import Waveform
from sentir.audio.streaming import StreamedTrack
from sentir.timelines.adapters import SpeechRecognizer
from sentir.timelines.document import Turn
from sentir.timelines.prediction import TurnPredictor
from sentir.timelines.resuming import FinishedParts
from sentir.timelines.turn_sources import Piece, TurnSource
from sentir.timelines.windows import TurnAudio

MAX_TURNS = 64  # of a dialogue


class DialoguePredictor:
    """Collects turns and predicts them a dialogue at a time.

    Args:
        predictor: of turns.
        parts: of an earlier run.
        asr: recognizes the words of turns without a text.
    """

    def __init__(
        self, predictor: TurnPredictor, parts: FinishedParts, asr: SpeechRecognizer | None = None
    ) -> None:
        self._predictor, self._parts, self._asr = predictor, parts, asr
        self._waiting: list[TurnAudio] = []
        self.predicted: dict[int, Turn] = {}

    def add(self, turn: TurnAudio) -> None:
        """Add a turn; predict a dialogue if it is complete."""
        self._waiting.append(turn)
        if len(self._waiting) >= MAX_TURNS:
            self._waiting.sort(key=lambda one: one.number)
            self._predict(_find_longest_pause([one.turn for one in self._waiting]))

    def finish(self) -> list[Turn]:
        """Predict the rest, and return all turns in their order."""
        self._waiting.sort(key=lambda one: one.number)
        self._predict(len(self._waiting))
        return [turn for _number, turn in sorted(self.predicted.items())]

    def _predict(self, count: int) -> None:
        turns, self._waiting = self._waiting[:count], self._waiting[count:]
        if not turns:
            return
        plain = [one.turn for one in turns]
        found = self._parts.find(plain)
        if found is None:
            if self._asr is not None:
                turns = [self._transcribe(one, self._asr) for one in turns]
            found = self._predictor.predict(turns, is_final=True)
            self._parts.add(plain, found)
        self.predicted |= {one.number: turn for one, turn in zip(turns, found, strict=True)}

    def _transcribe(self, one: TurnAudio, asr: SpeechRecognizer) -> TurnAudio:
        if one.turn.text is not None or not len(one.waveform):
            return one
        return replace(one, turn=replace(one.turn, text=asr.transcribe(one.waveform).strip()))


def _find_longest_pause(turns: Sequence[Turn]) -> int:
    """Return how many turns come before the longest pause among the later half; all, if they have no times."""
    if turns[0].start is None:
        return len(turns)
    pauses = {n: (turns[n].start or 0.0) - (turns[n - 1].end or 0.0) for n in range(len(turns) // 2, len(turns))}
    return max(pauses, key=lambda n: pauses[n])


class RecordingPass:
    """Takes the blocks of a track.

    Args:
        track: being decoded.
        source: of turns.
        dialogues: predicts them.
        on_progress: called with the whole seconds decoded since the last call.
    """

    def __init__(
        self,
        track: StreamedTrack,
        source: TurnSource,
        dialogues: DialoguePredictor,
        on_progress: Callable[[int], None] = lambda seconds: None,
    ) -> None:
        self._track, self._source, self._dialogues, self._on_progress = track, source, dialogues, on_progress
        self._open: dict[int, TurnAudio] = {}
        self._reported = 0

    def __call__(self, block: Waveform) -> None:
        """Take a block that was just added to the track."""
        for piece in self._source.push(block, self._track.seconds):
            self._add(piece)
        self._track.forget(self._source.needed_from)
        self._on_progress(int(self._track.seconds) - self._reported)
        self._reported = int(self._track.seconds)

    def finish(self) -> list[Turn]:
        """Return all turns with their predictions, after the last block."""
        for piece in self._source.finish(self._track.seconds):
            self._add(piece)
        return self._dialogues.finish()

    def _add(self, piece: Piece) -> None:
        turn = self._open.setdefault(piece.number, TurnAudio(piece.number, piece.turn))
        turn.pieces.append((piece.start, piece.end, self._track.cut(piece.start, piece.end)))
        if piece.is_last:
            self._dialogues.add(self._open.pop(piece.number))
