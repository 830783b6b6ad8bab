"""What of the audio the model gets for each turn: long turns in pieces, short ones with context.

A turn longer than ``max_seconds`` is cut at the quietest moment of the second half of each window. A turn shorter
than ``min_seconds`` gets audio of the same speaker's turns next to it, as much as it lacks, alternately from
before and after; turns more than 10 s away, and those of unknown speakers, lend nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sentir.audio.decoding import SAMPLING_RATE, DecodedAudio, Waveform
from sentir.errors import AudioError, TimelineError
from sentir.i18n import _, format_decimal
from sentir.timelines.document import Turn

_NOTHING: Waveform = np.zeros(0, np.float32)
MAX_DISTANCE_SECONDS = 10.0  # of a turn that lends context


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """The shortest and longest window, in seconds."""

    min_seconds: float = 1.0
    max_seconds: float = 8.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_seconds <= self.max_seconds / 2 or self.max_seconds < 1:
            raise TimelineError(
                _("The longest window must be at least 1 s, and the shortest from 0 to half of the longest.")
            )


@dataclass
class TurnAudio:
    """A turn and its audio, in one piece or, if it is long, in several.

    Attributes:
        number: of the turn in its recording, from 0.
        turn: without a prediction yet.
        pieces: start and end of each, in seconds, and its audio or the error why it has none.
    """

    number: int
    turn: Turn
    pieces: list[tuple[float, float, DecodedAudio | AudioError]] = field(default_factory=list)

    @property
    def waveform(self) -> Waveform:
        """All of its usable audio, mono at 16 kHz."""
        usable = [audio.waveform for _start, _end, audio in self.pieces if isinstance(audio, DecodedAudio)]
        return np.concatenate(usable) if usable else np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Window:
    """The audio of a piece of a turn as the model gets it.

    Attributes:
        weight: of its prediction in that of the turn: its duration in seconds.
        waveform: ``None`` if there is no usable audio.
        problem: why there is none.
        notes: on its decoding, and on borrowed context.
    """

    weight: float
    waveform: Waveform | None
    problem: str = ""
    notes: tuple[str, ...] = ()


def make_windows(turns: Sequence[TurnAudio], min_seconds: float) -> list[list[Window]]:
    """Return the windows of each turn; see the module."""
    return [list(_windows(turns, n, min_seconds)) for n in range(len(turns))]


def _windows(turns: Sequence[TurnAudio], n: int, min_seconds: float) -> Iterator[Window]:
    for start, end, audio in turns[n].pieces:
        if isinstance(audio, AudioError):
            yield Window(end - start, None, str(audio))
            continue
        waveform, notes = audio.waveform, tuple(note.text for note in audio.notes)
        if len(turns[n].pieces) == 1 and len(waveform) < min_seconds * SAMPLING_RATE:
            waveform, note = _with_context(turns, n, waveform, min_seconds)
            notes = (*notes, note)
        yield Window(end - start, waveform, notes=notes)


def _with_context(
    turns: Sequence[TurnAudio], n: int, waveform: Waveform, min_seconds: float
) -> tuple[Waveform, str]:
    """Return a short turn's audio with context, and the note about it."""
    wanted, before, after = round(min_seconds * SAMPLING_RATE), _NOTHING, _NOTHING
    earlier, later = _neighbors(turns, n, -1), _neighbors(turns, n, 1)
    while (missing := wanted - len(waveform) - len(before) - len(after)) > 0:
        previous, following = next(earlier, None), next(later, None)
        if previous is None and following is None:
            break
        if previous is not None:
            before = np.concatenate([previous[-missing:], before])
            missing = wanted - len(waveform) - len(before) - len(after)
        if following is not None and missing > 0:
            after = np.concatenate([after, following[:missing]])
    borrowed = format_decimal((len(before) + len(after)) / SAMPLING_RATE, 1)
    shortest = format_decimal(min_seconds, 1)
    if turns[n].turn.speaker is None:
        return waveform, _("Shorter than {shortest} s; its speaker is unknown, so no other turn was added.",
                           shortest=shortest)  # fmt: skip
    if not len(before) + len(after):
        return waveform, _(
            "Shorter than {shortest} s, with no other turn of its speaker nearby.", shortest=shortest
        )
    note = _("Shorter than {shortest} s; predicted with {borrowed} s of its speaker's turns next to it.",
             shortest=shortest, borrowed=borrowed)  # fmt: skip
    return np.concatenate([before, waveform, after]), note


def _neighbors(turns: Sequence[TurnAudio], n: int, direction: int) -> Iterator[Waveform]:
    """Yield the audio of the same speaker's turns nearby, the nearest first."""
    own = turns[n].turn
    others = turns[n + 1 :] if direction > 0 else turns[:n][::-1]
    for other in others if own.speaker is not None else ():
        gap = (other.turn.start or 0.0) - (own.end or 0.0)
        if direction < 0:
            gap = (own.start or 0.0) - (other.turn.end or 0.0)
        if gap > MAX_DISTANCE_SECONDS:
            return
        if other.turn.speaker == own.speaker and len(other.waveform):
            yield other.waveform
