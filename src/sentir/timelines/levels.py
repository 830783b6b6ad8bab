"""The level of a recording in frames of 10 ms: where it is quietest, and its envelope."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentir.audio.segments import Waveform

FRAME_SECONDS = 0.01
_SMOOTHED_FRAMES = 5


class Levels:
    """Mean squares of frames of 10 ms, as blocks arrive: 1.4 MB per hour.

    Args:
        sampling_rate: of the blocks, in Hz.
    """

    def __init__(self, sampling_rate: int) -> None:
        self._frame_samples = max(1, round(FRAME_SECONDS * sampling_rate))
        self.frame_seconds = self._frame_samples / sampling_rate
        self._frames = np.zeros(1 << 12, np.float32)
        self._count = 0
        self._rest: Waveform = np.zeros(0, np.float32)

    @property
    def frames(self) -> NDArray[np.float32]:
        """The mean squares so far, ``(frames,)``."""
        return self._frames[: self._count]

    def push(self, block: Waveform) -> None:
        """Add samples."""
        samples = np.concatenate([self._rest, block])
        count = len(samples) // self._frame_samples
        self._rest = samples[count * self._frame_samples :].copy()
        frames = samples[: count * self._frame_samples].reshape(count, self._frame_samples)
        while self._count + count > len(self._frames):
            self._frames = np.concatenate([self._frames, np.zeros_like(self._frames)])
        self._frames[self._count : self._count + count] = (
            np.einsum("ij,ij->i", frames, frames) / self._frame_samples
        )
        self._count += count

    def find_quietest(self, start: float, end: float) -> float:
        """Return the middle of the quietest 50 ms between two times, all in seconds; the end if less is known."""
        first, last = round(start / self.frame_seconds), int(end / self.frame_seconds + 1e-6)  # complete frames
        frames = self.frames[first:last].astype(np.float64)
        if len(frames) < _SMOOTHED_FRAMES:
            return end
        sums = np.convolve(frames, np.ones(_SMOOTHED_FRAMES), mode="valid")
        return (first + int(sums.argmin()) + _SMOOTHED_FRAMES / 2) * self.frame_seconds
