"""Blocks of a track → the stretches of it that are wanted, at 16 kHz; nothing else of a recording is kept."""

from __future__ import annotations

from collections.abc import Sequence
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
MAX_SECONDS = 600.0  # seconds that are heard of one clip: nobody's utterance is longer, and memory has an end
MIN_SAMPLING_RATE, MAX_SAMPLING_RATE = 1_000, 1_000_000  # sample rates in Hz that a recording can have
_MAX_CHANNELS = 64
_MAX_PENDING_SAMPLES = (
    1 << 20
)  # samples of the source that wait to be resampled; what is shorter is resampled at once
_SILENCE = np.zeros(1 << 16, np.float32)
_SILENCE.flags.writeable = False


def check_stream_format(sampling_rate: int, channels: int) -> None:
    """Refuse what no recording has, before anything is allocated for it.

    Raises:
        AudioError: ``undecodable``; its text is only the reason.
    """
    if not MIN_SAMPLING_RATE <= sampling_rate <= MAX_SAMPLING_RATE:
        raise AudioError("undecodable", _("its sample rate is {rate} Hz", rate=sampling_rate))
    if not 1 <= channels <= _MAX_CHANNELS:
        raise AudioError("undecodable", _("it has {n} channels", n=channels))


class SegmentBuffer:
    """One cut of a track, as far as it has been read.

    Attributes:
        start, end: in seconds of the file, as they were asked for.
        last_sample: sample of the file at which it was asked to end; ``None`` for the end of the file.
        num_samples: of the source that it has so far.
        peak: largest magnitude of them; NaN if one is no number.
        silent_samples: how many of them stand in for a hole in the file's times.
        damaged_packets: packets within it that cannot be decoded.
        exceeds_limit: whether it goes on beyond `LONGEST`, where it ends.
        is_complete: whether nothing more is wanted of the track.
    """

    def __init__(self, time_range: TimeRange, sampling_rate: int) -> None:
        self.start, self.end = time_range
        self.first_sample = round(max(self.start or 0.0, 0.0) * sampling_rate)
        self.last_sample = None if self.end is None else round(max(self.end, 0.0) * sampling_rate)
        cap = self.first_sample + round(MAX_SECONDS * sampling_rate)
        self.stop_sample = cap if self.last_sample is None else min(max(self.last_sample, self.first_sample), cap)
        self.num_samples, self.silent_samples, self.damaged_packets, self.peak = 0, 0, 0, 0.0
        self.exceeds_limit = self.is_complete = False
        self._sampling_rate = sampling_rate
        self._blocks: list[Waveform] = []  # at the rate of the source
        self._pending_samples = 0  # samples of them
        self._resampled: list[Waveform] = []
        self._resampler: ResampleStream | None = None
        self._waveform: Waveform | None = None

    @property
    def samples_needed(self) -> int:
        """Up to which sample of the file it has to be read; one beyond its end tells whether it is capped."""
        return self.stop_sample + self._continues_past_stop

    @property
    def waveform(self) -> Waveform:
        """Its samples, mono at 16 kHz."""
        if self._waveform is None:
            self._waveform = self._finish()
        return self._waveform

    @property
    def _continues_past_stop(self) -> bool:
        return self.last_sample is None or self.stop_sample < self.last_sample

    def add(self, block: Waveform, offset: int, *, is_silence: bool) -> None:
        """Take what it wants of a block that begins at sample ``offset`` of the file."""
        piece = block[max(self.first_sample - offset, 0) : max(self.stop_sample - offset, 0)]
        if len(piece):
            self._append(piece)
            self.silent_samples += len(piece) * is_silence
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
        wave = _concatenate(self._blocks)
        return (
            wave
            if self._sampling_rate == SAMPLING_RATE or not len(wave)
            else soxr.resample(wave, self._sampling_rate, SAMPLING_RATE, quality="HQ")
        )


class TrackBuffer:
    """Takes a track block by block.

    Args:
        cuts: which stretches of it are wanted.
        sampling_rate, channels: of the source.

    Attributes:
        num_samples: of the file that were given so far, with those left out.
        segments: one for each cut.
        declared_seconds: how long the file says that its sound is, in seconds; ``None`` if it does not.
        is_truncated: whether reading ended where the file is damaged or cut off.
        notes: what there is to say of the track as a whole.

    Raises:
        AudioError: if no recording has this rate or so many channels.
    """

    def __init__(self, time_ranges: Sequence[TimeRange], sampling_rate: int, channels: int) -> None:
        check_stream_format(sampling_rate, channels)
        self.sampling_rate, self.channels = sampling_rate, channels
        self.segments = [SegmentBuffer(cut, sampling_rate) for cut in time_ranges]
        self.num_samples = 0
        self.declared_seconds: float | None = None
        self.is_truncated = False
        self.notes: list[DecodingNote] = []
        self._incomplete = list(self.segments)

    @property
    def first_sample(self) -> int:
        """The sample at which the first cut begins."""
        return min((stretch.first_sample for stretch in self.segments), default=0)

    @property
    def samples_needed(self) -> int:
        """Up to which sample of the file it has to be read."""
        return max((stretch.samples_needed for stretch in self.segments), default=0)

    @property
    def is_complete(self) -> bool:
        """Whether every cut has all that it can have."""
        return not self._incomplete

    def add(self, block: Waveform, *, is_silence: bool = False) -> None:
        """Take the samples that come next; the block is kept, not copied."""
        for stretch in self._incomplete:
            stretch.add(block, self.num_samples, is_silence=is_silence)
        self.num_samples += len(block)
        self._incomplete = [stretch for stretch in self._incomplete if not stretch.is_complete]

    def add_silence(self, num_samples: int) -> None:
        """Take zeros, which stand in for a hole; before all sound they are only a late beginning."""
        told = self.num_samples > 0
        while num_samples > 0 and self._incomplete:
            self.add(_SILENCE[:num_samples], is_silence=told)
            num_samples -= len(_SILENCE)

    def count_damaged_packets(self, packets: int) -> None:
        """Count packets that cannot be decoded for the cuts that lie there."""
        for stretch in self._incomplete:
            stretch.damaged_packets += packets * (stretch.first_sample <= self.num_samples)


def _concatenate(blocks: Sequence[Waveform]) -> Waveform:
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
