"""A media file or array, decoded in blocks: each is passed on, and only recent ones are kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sentir.audio.decoding import DecodedAudio, finish_segment, read_track
from sentir.audio.decoding_notes import DecodingNote
from sentir.audio.segment_notes import list_notes
from sentir.audio.segments import SegmentBuffer, TrackBuffer, Waveform
from sentir.errors import AudioError

_BLOCK_SAMPLES = 1 << 16  # of an array at a time
_ALL_SAMPLES = 1 << 62  # more than any file has

OnBlock = Callable[[Waveform], None]
"""Takes the next block, ``(samples,)`` float32 mono at the source's sampling rate."""
StartStream = Callable[["StreamedTrack"], OnBlock]
"""From a track that begins to what takes its blocks; called again if a file is read anew."""


class StreamedTrack(TrackBuffer):
    """A track whose blocks are passed on; segments of what was not yet forgotten can be cut from it.

    A segment has exactly the samples that `sentir.audio.decoding.decode` gives of the same times.

    Args:
        path: of the file, for the messages of errors.
        start_stream: see `StartStream`.
        sampling_rate, channels: of the source.
    """

    def __init__(self, path: Path, start_stream: StartStream, sampling_rate: int, channels: int) -> None:
        super().__init__([], sampling_rate, channels)
        self._path = path
        self._kept: deque[tuple[int, Waveform, bool]] = deque()  # first sample, samples, whether it fills a gap
        self._damages: list[tuple[int, int]] = []  # sample, undecodable packets there
        self._silent_samples = 0
        self._on_block = start_stream(self)

    @property
    def is_complete(self) -> bool:
        """Never: a track is read to its end."""
        return False

    @property
    def samples_needed(self) -> int:
        """More than any file has."""
        return _ALL_SAMPLES

    @property
    def seconds(self) -> float:
        """The duration of what has been read."""
        return self.num_samples / self.sampling_rate

    def add(self, block: Waveform, *, is_silence: bool = False) -> None:
        """Add the next samples and pass them on."""
        self._kept.append((self.num_samples, block, is_silence))
        self.num_samples += len(block)
        self._silent_samples += len(block) * is_silence
        self._on_block(block)

    def add_silence(self, num_samples: int) -> None:
        """Add zeros for a gap; see `TrackBuffer.add_silence`."""
        is_gap = self.num_samples > 0
        for start in range(0, num_samples, _BLOCK_SAMPLES):
            self.add(np.zeros(min(_BLOCK_SAMPLES, num_samples - start), np.float32), is_silence=is_gap)

    def count_damaged_packets(self, packets: int) -> None:
        """Note undecodable packets at this point of the track."""
        if packets:
            self._damages.append((self.num_samples, packets))

    def cut(self, start: float, end: float) -> DecodedAudio | AudioError:
        """Return the audio between two times in seconds, or the error why it is unusable.

        What is before the time given to `forget` is gone.
        """
        segment = SegmentBuffer((start, end), self.sampling_rate)
        for offset, block, is_silence in self._kept:
            if offset < segment.samples_needed and not segment.is_complete:
                segment.add(block, offset, is_silence=is_silence)
        inside = (n for at, n in self._damages if segment.first_sample <= at <= segment.stop_sample)
        segment.damaged_packets = sum(inside)
        return finish_segment(self._path, self, segment)

    def forget(self, before: float) -> None:
        """Drop the blocks that end before a time in seconds."""
        first_sample = before * self.sampling_rate - 1
        while self._kept and self._kept[0][0] + len(self._kept[0][1]) <= first_sample:
            self._kept.popleft()

    def list_notes(self) -> tuple[DecodingNote, ...]:
        """Return notes on the track as a whole, after it was read to its end."""
        whole = SegmentBuffer((None, None), self.sampling_rate)
        whole.silent_samples = self._silent_samples
        whole.damaged_packets = sum(n for _at, n in self._damages)
        return list_notes(self, whole)


def stream_file(path: Path, start_stream: StartStream) -> StreamedTrack:
    """Decode a file in blocks, to its end; its memory does not depend on its duration.

    Raises:
        AudioError: if the file cannot be decoded.
    """
    track = read_track(path, lambda rate, channels: StreamedTrack(path, start_stream, rate, channels))
    assert isinstance(track, StreamedTrack)
    return track


def stream_array(waveform: Waveform, sampling_rate: int, start_stream: StartStream) -> StreamedTrack:
    """Pass on a ``(samples,)`` float32 array in blocks.

    Raises:
        AudioError: if the sampling rate is impossible.
    """
    track = StreamedTrack(Path("array"), start_stream, sampling_rate, 1)
    for start in range(0, len(waveform), _BLOCK_SAMPLES):
        track.add(waveform[start : start + _BLOCK_SAMPLES])
    return track
