"""Speech probabilities → turns, step by step, with hysteresis, as in Silero's ``get_speech_timestamps``.

A turn starts at the first step with a probability of at least ``threshold`` and ends where the probability
falls below ``threshold - 0.15`` for ``min_silence`` seconds. Turns with less than ``min_speech`` seconds are
dropped, the others are padded. A turn of ``max_seconds`` is cut at the quietest moment of its second half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.timelines.voice_activity import STEP_SECONDS, Probabilities

_HYSTERESIS = 0.15

FindQuietest = Callable[[float, float], float]
"""From a start and an end to the quietest time between them, in seconds."""


@dataclass(frozen=True, slots=True)
class TurnDetectionSettings:
    """How turns are made of speech probabilities; all but the threshold in seconds."""

    threshold: float = 0.5
    min_speech: float = 0.25
    min_silence: float = 0.5
    padding: float = 0.1

    def __post_init__(self) -> None:
        if not _HYSTERESIS < self.threshold < 1:
            raise TimelineError(_("The threshold of voice activity must be between 0.15 and 1."))
        if min(self.min_speech, self.padding) < 0 or self.min_silence < 2 * self.padding:
            raise TimelineError(
                _("Minimum speech and padding must not be negative; minimum silence must be twice the padding.")
            )


class TurnDetector:
    """Finds turns as probabilities arrive.

    Args:
        settings: thresholds and lengths.
        max_seconds: of a turn.
        find_quietest: where a longer one is cut.

    Attributes:
        seconds: duration of the probabilities so far.
    """

    def __init__(self, settings: TurnDetectionSettings, max_seconds: float, find_quietest: FindQuietest) -> None:
        self._settings, self._max_seconds, self._find_quietest = settings, max_seconds, find_quietest
        self._steps = 0
        self._start: float | None = None  # of the open turn
        self._silence: float | None = None  # start of the silence within the open turn
        self._last_end = 0.0

    @property
    def seconds(self) -> float:
        """The duration of what it has seen."""
        return self._steps * STEP_SECONDS

    @property
    def needed_from(self) -> float:
        """The time in seconds before which no later turn starts."""
        return max(0.0, (self.seconds if self._start is None else self._start) - self._settings.padding)

    @property
    def open_since(self) -> float | None:
        """The start of the open turn in seconds, ``None`` if there is none; it is dropped if it stays short."""
        return None if self._start is None else self._padded_start()

    def push(self, probabilities: Probabilities) -> Iterator[tuple[float, float]]:
        """Yield the start and end of the turns that end with these probabilities."""
        threshold = self._settings.threshold
        for probability in probabilities.tolist():
            now = self.seconds
            self._steps += 1
            if probability >= threshold:
                self._silence = None
                self._start = now if self._start is None else self._start
            elif self._start is not None and probability < threshold - _HYSTERESIS:
                self._silence = now if self._silence is None else self._silence
            if self._silence is not None and self.seconds - self._silence >= self._settings.min_silence:
                yield from self._close(self._silence)
            elif self._start is not None and self.seconds - self._padded_start() >= self._max_seconds:
                yield from self._cut() if self._silence is None else self._close(self._silence, self.seconds)

    def finish(self, duration: float) -> Iterator[tuple[float, float]]:
        """Yield the open turn, if there is one; ``duration`` of the recording bounds its end."""
        if self._start is not None:
            yield from self._close(
                min(self.seconds if self._silence is None else self._silence, duration), duration
            )

    def _padded_start(self) -> float:
        return max(self._last_end, (self._start or 0.0) - self._settings.padding)

    def _close(self, end: float, limit: float = float("inf")) -> Iterator[tuple[float, float]]:
        start, speech = self._padded_start(), end - (self._start or 0.0)
        self._start = self._silence = None
        if speech >= self._settings.min_speech or (speech > 0 and start == self._last_end > 0):
            self._last_end = min(end + self._settings.padding, limit)
            yield start, self._last_end

    def _cut(self) -> Iterator[tuple[float, float]]:
        start = self._padded_start()
        cut = self._find_quietest(start + self._max_seconds / 2, self.seconds)
        self._last_end = self._start = cut
        yield start, cut
