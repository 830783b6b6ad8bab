"""Blocks of a track → the requested segments at 16 kHz; nothing else of a recording is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding_notes import DecodingNote
from sentir.errors import AudioError
from sentir.i18n import _

if TYPE_CHECKING:
    from soxr import ResampleStream

Waveform = NDArray[np.float32]
TimeRange = tuple[float | None, float | None]

SAMPLING_RATE = 16_000
MAX_SECONDS = 600.0  # longer clips are cropped: no utterance is longer, and memory is limited
MIN_SAMPLING_RATE, MAX_SAMPLING_RATE = 1_000, 1_000_000  # Hz
_MAX_CHANNELS = 64
_MAX_PENDING_SAMPLES = 1 << 20  # source samples buffered for resampling; shorter segments are resampled at once
_SILENCE = np.zeros(1 << 16, np.float32)
_SILENCE.flags.writeable = False


def check_stream_format(sampling_rate: int, channels: int) -> None:
    """Reject an impossible sampling rate or channel count before anything is allocated.

    Raises:
        AudioError: ``undecodable``; its text is only the reason.
    """
    if not MIN_SAMPLING_RATE <= sampling_rate <= MAX_SAMPLING_RATE:
        raise AudioError("undecodable", _("its sampling rate is {rate} Hz", rate=sampling_rate))
    if not 1 <= channels <= _MAX_CHANNELS:
        raise AudioError("undecodable", _("it has {n} channels", n=channels))


class SegmentBuffer:
    """One segment of a track, as far as it has been read.

    Attributes:
        start, end: in seconds of the file, as requested.
        first_sample: sample of the file where it starts.
        last_sample: sample of the file where it should end; ``None`` for the end of the file.
        stop_sample: sample of the file where it is cropped, at most `MAX_SECONDS` after its start.
        num_samples: source samples so far.
        peak: largest magnitude so far; NaN if a sample is NaN.
        silent_samples: samples that were inserted for gaps in the file's timestamps.
        damaged_packets: undecodable packets within it.
        exceeds_limit: whether it was cropped at `MAX_SECONDS`.
        is_complete: whether no more of the track is needed.
    """

    def __init__(self, time_range: TimeRange, sampling_rate: int) -> None:
        self.start, self.end = time_range
        self.first_sample = round(max(self.start or 0.0, 0.0) * sampling_rate)
        self.last_sample = None if self.end is None else round(max(self.end, 0.0) * sampling_rate)
        limit = self.first_sample + round(MAX_SECONDS * sampling_rate)
        end = limit if self.last_sample is None else max(self.last_sample, self.first_sample)
        self.stop_sample = min(end, limit)
        self.num_samples, self.silent_samples, self.damaged_packets, self.peak = 0, 0, 0, 0.0
        self.exceeds_limit = self.is_complete = False
        self._sampling_rate = sampling_rate
        self._blocks: list[Waveform] = []  # at the source's sampling rate
        self._pending_samples = 0  # samples in these blocks
        self._resampled: list[Waveform] = []
        self._resampler: ResampleStream | None = None
        self._waveform: Waveform | None = None

    @property
    def samples_needed(self) -> int:
        """Samples of the file to read; one beyond a cropped end shows whether the track goes on."""
        return self.stop_sample + self._continues_past_stop

    @property
    def waveform(self) -> Waveform:
        """Its samples, ``(samples,)`` float32, mono at 16 kHz."""
        if self._waveform is None:
            self._waveform = self._finish()
        return self._waveform

    @property
    def _continues_past_stop(self) -> bool:
        return self.last_sample is None or self.stop_sample < self.last_sample

    def add(self, block: Waveform, offset: int, *, is_silence: bool) -> None:
        """Add its part of a block that begins at sample ``offset`` of the file."""
        part = block[max(self.first_sample - offset, 0) : max(self.stop_sample - offset, 0)]
        if len(part):
            self._append(part)
            self.silent_samples += len(part) * is_silence
        if offset + len(block) >= self.samples_needed:
            self.exceeds_limit, self.is_complete = self._continues_past_stop, True
            self._waveform = self._finish()

    def _append(self, block: Waveform) -> None:
        self.peak = float(np.maximum(self.peak, np.maximum(block.max(), -block.min())))
        self.num_samples += len(block)
        self._pending_samples += len(block)
        self._blocks.append(block)
        if self._pending_samples > _MAX_PENDING_SAMPLES and self._sampling_rate != SAMPLING_RATE:
            self._resample(last=False)

    def _resample(self, *, last: bool) -> None:
        from soxr import ResampleStream

        if self._resampler is None:
            self._resampler = ResampleStream(self._sampling_rate, SAMPLING_RATE, 1, dtype="float32", quality="HQ")
        self._resampled.append(self._resampler.resample_chunk(_concatenate(self._blocks), last=last))
        self._blocks, self._pending_samples = [], 0

    def _finish(self) -> Waveform:
        import soxr

        if self._resampler is not None:
            self._resample(last=True)
            return _concatenate(self._resampled)
        waveform = _concatenate(self._blocks)
        if self._sampling_rate == SAMPLING_RATE or not len(waveform):
            return waveform
        return soxr.resample(waveform, self._sampling_rate, SAMPLING_RATE, quality="HQ")


class TrackBuffer:
    """Collects the segments of a track block by block.

    Args:
        time_ranges: ``(start, end)`` of each segment in seconds.
        sampling_rate, channels: of the source.

    Attributes:
        num_samples: samples of the file read or skipped so far.
        segments: one for each time range.
        declared_seconds: audio duration declared by the file; ``None`` if it declares none.
        is_truncated: whether reading ended where the file is damaged or cut off.
        notes: about the track as a whole.

    Raises:
        AudioError: if the sampling rate or the number of channels is impossible.
    """

    def __init__(self, time_ranges: Sequence[TimeRange], sampling_rate: int, channels: int) -> None:
        check_stream_format(sampling_rate, channels)
        self.sampling_rate, self.channels = sampling_rate, channels
        self.segments = [SegmentBuffer(time_range, sampling_rate) for time_range in time_ranges]
        self.num_samples = 0
        self.declared_seconds: float | None = None
        self.is_truncated = False
        self.notes: list[DecodingNote] = []
        self._incomplete = list(self.segments)

    @property
    def first_sample(self) -> int:
        """The sample at which the first segment starts."""
        return min((segment.first_sample for segment in self.segments), default=0)

    @property
    def samples_needed(self) -> int:
        """Samples of the file to read."""
        return max((segment.samples_needed for segment in self.segments), default=0)

    @property
    def is_complete(self) -> bool:
        """Whether all segments are complete."""
        return not self._incomplete

    def add(self, block: Waveform, *, is_silence: bool = False) -> None:
        """Add the next samples; the block is referenced, not copied."""
        for segment in self._incomplete:
            segment.add(block, self.num_samples, is_silence=is_silence)
        self.num_samples += len(block)
        self._incomplete = [segment for segment in self._incomplete if not segment.is_complete]

    def add_silence(self, num_samples: int) -> None:
        """Add zeros for a gap; before the first sample they are a delayed start and not counted as a gap."""
        is_gap = self.num_samples > 0
        while num_samples > 0 and self._incomplete:
            self.add(_SILENCE[:num_samples], is_silence=is_gap)
            num_samples -= len(_SILENCE)

    def count_damaged_packets(self, packets: int) -> None:
        """Count undecodable packets for the segments that have started."""
        for segment in self._incomplete:
            segment.damaged_packets += packets * (segment.first_sample <= self.num_samples)


MakeTrack = Callable[[int, int], TrackBuffer]
"""From a sampling rate and a number of channels to the track that blocks are added to."""


def _concatenate(blocks: Sequence[Waveform]) -> Waveform:
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
