"""Samples as they arrive → events; the final measurements are those of the timeline of the same samples.

The audio goes through the objects that make timelines, in steps of 512 samples, so that events do not depend on
where the blocks of a client end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sentir.api.timelines import make_options
from sentir.audio.segments import SAMPLING_RATE, Waveform
from sentir.audio.streaming import StreamedTrack
from sentir.features import FEATURE_SETS
from sentir.recognizer.enrollment import FromInputs
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.timelines.document import Source, Turn
from sentir.timelines.making import describe_settings
from sentir.timelines.prediction import TurnPredictor
from sentir.timelines.recording import DialoguePredictor, RecordingPass
from sentir.timelines.resuming import FinishedParts
from sentir.timelines.timeline import Timeline
from sentir.timelines.turn_sources import DetectedTurns
from sentir.timelines.voice_activity import STEP_SAMPLES, make_detector
from sentir.timelines.windows import TurnAudio

Event = dict[str, Any]
_MAX_CONTEXT_TURNS = 16  # that a provisional measurement of a model with context takes


class LiveTimeline:
    """The timeline of a stream.

    Args:
        recognizer: a model that takes audio.
        interval: seconds of audio between the measurements of an open turn; 0 for none.
        enroll_turns: ``earlier`` to normalize each turn by those before it, as of one speaker.
    """

    def __init__(
        self, recognizer: PredictionMixin, interval: float, enroll_turns: FromInputs | None = None
    ) -> None:
        self._recognizer, self._interval = recognizer, interval
        self._options = make_options(recognizer, enroll_turns=enroll_turns)
        self._predictor = TurnPredictor(recognizer, self._options.windows.min_seconds, self._options.enrollment)
        self._turns = _TurnSink(self._predictor, is_provisional=depends_on_dialogue(recognizer))
        self._hash, self._rest = hashlib.sha256(), np.zeros(0, np.float32)
        self._open_since: float | None = None
        self._measured_at = 0.0
        self._pass: RecordingPass
        self._track = StreamedTrack(Path("stream"), self._start, SAMPLING_RATE, 1)

    def _start(self, track: StreamedTrack) -> RecordingPass:
        detector = make_detector(self._options.voice_activity)
        longest = self._options.windows.max_seconds
        self._source = DetectedTurns(detector, self._options.detection, longest, SAMPLING_RATE)
        self._pass = RecordingPass(track, self._source, self._turns)
        return self._pass

    @property
    def seconds(self) -> float:
        """The duration of the audio so far."""
        return self._track.seconds + len(self._rest) / SAMPLING_RATE

    def push(self, samples: Waveform) -> Iterator[Event]:
        """Yield the events of ``(samples,)`` float32 at 16 kHz."""
        self._hash.update(samples.tobytes())
        samples = np.concatenate([self._rest, samples])
        end = len(samples) // STEP_SAMPLES * STEP_SAMPLES
        self._rest = samples[end:].copy()
        for step in samples[:end].reshape(-1, STEP_SAMPLES):
            yield from self._add(step)

    def flush(self) -> Iterator[Event]:
        """Yield a measurement of the open turn, if there is one."""
        if self._open_since is not None:
            yield from self._measure(self._open_since)

    def finish(self) -> Iterator[Event]:
        """Yield the events of the end of the stream; the last one has its timeline."""
        if len(self._rest):
            yield from self._add(self._rest)
        turns = self._pass.finish() if self._track.num_samples else []
        yield from self._turns.pop_events()
        yield {"type": "closed", "time": self._track.seconds, "timeline": self._make_timeline(turns).to_dict()}

    def _add(self, step: Waveform) -> Iterator[Event]:
        self._track.add(step)
        ended = list(self._turns.pop_events())
        yield from ended
        before, self._open_since = self._open_since, self._source.open_since
        if self._open_since is None:
            return
        if before is None or ended:
            self._measured_at = self._track.seconds
            yield {"type": "speech_started", "time": round(self._open_since, 6)}
        elif self._interval and self._track.seconds - self._measured_at >= self._interval:
            yield from self._measure(self._open_since)

    def _measure(self, start: float) -> Iterator[Event]:
        """Yield a measurement of the open turn so far."""
        end = self._measured_at = self._track.seconds
        if end <= start:
            return
        turn = TurnAudio(self._turns.count, Turn(round(start, 6), end))
        turn.pieces.append((start, end, self._track.cut(start, end)))
        yield {"type": "measurement", "time": end, "final": False, "turn": self._turns.predict(turn).to_dict()}

    def _make_timeline(self, turns: Sequence[Turn]) -> Timeline:
        recognizer = self._recognizer
        return Timeline(
            tuple(turns),
            Source("", self._hash.hexdigest(), round(self._track.seconds, 6)),
            settings=describe_settings(self._options, None),
            task=recognizer.space.task,
            labels=tuple(recognizer.space.names),
            model={"name": recognizer.recipe.name, "sha256": ""},
            synthetic=bool(recognizer.facts.get("synthetic")),
        )


def depends_on_dialogue(recognizer: PredictionMixin) -> bool:
    """Return whether the prediction of a turn may depend on later ones, so that it is final at the end only."""
    return any(
        model.context != "none" or any(FEATURE_SETS.get(name).modality is None for name in model.features)
        for model in recognizer.model_settings
    )


class _TurnSink(DialoguePredictor):
    """Predicts each turn when it ends; at the end, those that depend on others once more, by dialogue."""

    def __init__(self, predictor: TurnPredictor, *, is_provisional: bool) -> None:
        super().__init__(predictor, FinishedParts(None, None))
        self._turn_predictor, self._is_provisional = predictor, is_provisional
        self._events: list[Event] = []
        self.count = 0

    def add(self, turn: TurnAudio) -> None:
        """Add a turn that ended."""
        predicted = self.predict(turn, is_final=not self._is_provisional)
        self.count += 1
        self._events.append({
            "type": "speech_ended", "time": predicted.end, "final": not self._is_provisional,
            "turn": predicted.to_dict(),
        })  # fmt: skip
        if self._is_provisional:
            super().add(turn)
        else:
            self.predicted[turn.number] = predicted

    def predict(self, turn: TurnAudio, *, is_final: bool = False) -> Turn:
        """Return a turn with its prediction from what is known so far."""
        context = self._waiting[-_MAX_CONTEXT_TURNS:]
        return self._turn_predictor.predict([*context, turn], is_final=is_final)[-1]

    def pop_events(self) -> Iterator[Event]:
        """Yield the events since the last call."""
        events, self._events = self._events, []
        yield from events
