"""Frames of any channel layout → mono blocks; mixing frame by frame would double the time of decoding."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import AudioFifo
    from av.audio.frame import AudioFrame

BLOCK_SAMPLES = 1 << 14  # samples per channel mixed at a time; more would not fit the processor's cache

_MINUS_3_DB = 0.5**0.5
_POSITION_WEIGHTS = {"FC": 1.0, "FL": _MINUS_3_DB, "FR": _MINUS_3_DB, "LFE": 0.0, "LFE2": 0.0}
_SURROUND_WEIGHT = 0.5
_WAV_ORDER = ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR")


class Downmixer:
    """Mixes float32 frames, planar (of fewer than eight channels) or packed, to mono blocks.

    Args:
        on_block: called with each block, ``(samples,)`` float32.
    """

    def __init__(self, on_block: Callable[[NDArray[np.float32]], object]) -> None:
        self._on_block = on_block
        self._layout = ""
        self._fifo = _new_fifo()

    def add(self, frame: AudioFrame) -> None:
        """Add a frame; its timestamp is removed, so that frames may come in any order."""
        layout = f"{frame.format.name} {frame.layout.name}"
        if layout != self._layout:  # a FIFO reads as many planes as its first frame had
            self.flush()
            self._fifo, self._layout = _new_fifo(), layout
        frame.pts = None
        self._fifo.write(frame)
        if self._fifo.samples >= BLOCK_SAMPLES:
            self.flush()

    def flush(self) -> None:
        """Mix and pass on the frames added so far."""
        if frame := self._fifo.read():
            self._on_block(_mix_to_mono(frame))


def _new_fifo() -> AudioFifo:
    from av import AudioFifo

    return AudioFifo()


def _mix_to_mono(frame: AudioFrame) -> NDArray[np.float32]:
    """Mix the channels of a float32 frame; returns ``(samples,)`` float32."""
    weights = _channel_weights(frame.layout.name)
    if not frame.format.is_planar:
        samples = np.frombuffer(memoryview(frame.planes[0]), np.float32, frame.samples * len(weights))
        return samples.reshape(-1, len(weights)) @ weights
    planes = np.empty((len(weights), frame.samples), np.float32)
    for row, plane in zip(planes, frame.planes, strict=True):
        row[:] = np.frombuffer(memoryview(plane), np.float32, frame.samples)
    return weights @ planes


@lru_cache
def _channel_weights(layout: str) -> NDArray[np.float32]:
    """Return each channel's weight in the mono mix, ``(channels,)``, for a layout as FFmpeg names it.

    ITU-R BS.775-3, annex 4, from 3/2 to 1/0: ``C + 0.7071 (L + R) + 0.5 (Ls + Rs)``, without LFE. The center,
    which carries dialogue, keeps its level, so that speech is as loud from six channels as from one; float
    samples may exceed 1. Without a center the weights are divided by their sum, which is the mean for stereo.
    Six or eight channels of unknown positions are taken in the order of WAV; other numbers are averaged.
    """
    from av import AudioLayout

    names = [channel.name for channel in AudioLayout(layout).channels]
    if "NONE" in names and len(names) in (6, 8):
        names = list(_WAV_ORDER[: len(names)])
    weights = np.array([_POSITION_WEIGHTS.get(name, _SURROUND_WEIGHT) for name in names], np.float32)
    if "FC" in names:
        return weights
    return weights / weights.sum() if weights.any() else np.full(len(names), 1 / len(names), np.float32)
