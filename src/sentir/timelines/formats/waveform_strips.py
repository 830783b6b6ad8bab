"""The waveform of a recording as strips of SVG, with its turns as colored bars."""

from __future__ import annotations

import math
from html import escape
from json import dumps

import numpy as np
from numpy.typing import NDArray

from sentir.audio.streaming import OnBlock, StreamedTrack, stream_file
from sentir.timelines.colors import label_color
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.levels import Levels

_SECONDS_PER_STRIP, _MAX_STRIPS = 120.0, 12
_WIDTH, _HEIGHT, _BARS = 1000, 100, 500


def draw_strips(timeline: TimelineDocument) -> str:
    """Return SVG strips of up to two minutes, at most twelve; without the waveform if there is no recording."""
    duration = timeline.duration
    if not duration:
        return ""
    count = min(_MAX_STRIPS, max(1, math.ceil(duration / _SECONDS_PER_STRIP)))
    seconds = duration / count
    envelope = _read_envelope(timeline, duration, count * _BARS)
    parts = []
    for n in range(count):
        start = n * seconds
        turns = [turn for turn in timeline.turns if turn.labels or turn.values or not timeline.labels]
        inside = [t for t in turns if (t.start or 0.0) < start + seconds and (t.end or 0.0) > start]
        bars = "".join(_draw_turn(turn, start, seconds, timeline) for turn in inside)
        wave = "" if envelope is None else _draw_wave(envelope[n * _BARS : (n + 1) * _BARS])
        parts.append(
            f'<svg class="strip" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" '
            f'data-start="{start:.3f}" data-seconds="{seconds:.3f}" aria-hidden="true">{bars}{wave}'
            f'<line class="cursor" y1="0" y2="{_HEIGHT}" visibility="hidden"/></svg>'
            f'<p class="scale"><span>{format_clock(start)}</span><span>{format_clock(start + seconds)}</span></p>'
        )
    return "\n".join(parts)


def format_clock(seconds: float) -> str:
    """Return ``1:02:03.4``, or ``2:03.4`` below an hour."""
    tenths = round(seconds * 10)
    hours, minutes, rest = tenths // 36_000, tenths // 600 % 60, tenths % 600 / 10
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def _draw_turn(turn: Turn, start: float, seconds: float, timeline: TimelineDocument) -> str:
    first = max(0.0, (turn.start or 0.0) - start) / seconds
    last = min(1.0, ((turn.end or 0.0) - start) / seconds)
    color = label_color(turn.labels[0], timeline.labels) if turn.labels else "#999999"
    return (
        f'<rect class="turn" x="{first * _WIDTH:.2f}" width="{(last - first) * _WIDTH:.2f}" y="0" '
        f'height="{_HEIGHT}" fill="{color}" data-start="{turn.start}" data-end="{turn.end}" '
        f"data-labels='{escape(dumps(list(turn.labels)))}'/>"
    )


def _draw_wave(envelope: NDArray[np.float64]) -> str:
    middle, step = _HEIGHT / 2, _WIDTH / len(envelope)
    upper = [f"{n * step:g},{middle - 46 * value:.1f}" for n, value in enumerate(envelope)]
    lower = [f"{n * step:g},{middle + 46 * value:.1f}" for n, value in enumerate(envelope)]
    return f'<polygon class="wave" points="{" ".join(upper + lower[::-1])}"/>'


def _read_envelope(timeline: TimelineDocument, duration: float, bars: int) -> NDArray[np.float64] | None:
    """Return the loudest level of each bar, from 0 to 1; ``None`` if the recording is not there."""
    if timeline.path is None or not timeline.path.is_file():
        return None
    levels: list[Levels] = []

    def start(track: StreamedTrack) -> OnBlock:
        levels.append(Levels(track.sampling_rate))

        def push(block: NDArray[np.float32]) -> None:
            levels[-1].push(block)
            track.forget(track.seconds)

        return push

    stream_file(timeline.path, start)
    frames = np.sqrt(levels[-1].frames.astype(np.float64))
    envelope = np.zeros(bars)
    positions = (np.arange(len(frames)) * levels[-1].frame_seconds / duration * bars).astype(int)
    np.maximum.at(envelope, np.minimum(positions, bars - 1), frames)
    loudest = np.quantile(envelope, 0.995) or 1.0
    return np.sqrt(np.minimum(envelope / max(loudest, 1e-9), 1.0))  # so that quiet turns can be seen
