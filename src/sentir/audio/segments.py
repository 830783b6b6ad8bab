"""Blocks of a track → the stretches of it that are wanted, at 16 kHz; nothing else of a recording is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding_notes import Note
from sentir.errors import AudioError
from sentir.i18n import _

if TYPE_CHECKING:
    from soxr import ResampleStream

Wave = NDArray[np.float32]
Cut = tuple[float | None, float | None]

RATE = 16_000
LONGEST = 600.0  # seconds that are heard of one clip: nobody's utterance is longer, and memory has an end
SLOWEST, FASTEST = 1_000, 1_000_000  # sample rates in Hz that a recording can have
_MOST_CHANNELS = 64
_PENDING = 1 << 20  # samples of the source that wait to be resampled; what is shorter is resampled at once
_SILENCE = np.zeros(1 << 16, np.float32)
_SILENCE.flags.writeable = False


def require_possible(rate: int, channels: int) -> None:
    """Refuse what no recording has, before anything is allocated for it.

    Raises:
        AudioError: ``undecodable``; its text is only the reason.
    """
    if not SLOWEST <= rate <= FASTEST:
        raise AudioError("undecodable", _("its sample rate is {rate} Hz", rate=rate))
    if not 1 <= channels <= _MOST_CHANNELS:
        raise AudioError("undecodable", _("it has {n} channels", n=channels))


class Stretch:
    """One cut of a track, as far as it has been read.

    Attributes:
        start, end: in seconds of the file, as they were asked for.
        last: sample of the file at which it was asked to end; ``None`` for the end of the file.
        samples: of the source that it has so far.
        peak: largest magnitude of them; NaN if one is no number.
        silence: how many of them stand in for a hole in the file's times.
        damaged: packets within it that cannot be decoded.
        capped: whether it goes on beyond `LONGEST`, where it ends.
        complete: whether nothing more is wanted of the track.
    """

    def __init__(self, cut: Cut, rate: int) -> None:
        self.start, self.end = cut
        self.first = round(max(self.start or 0.0, 0.0) * rate)
        self.last = None if self.end is None else round(max(self.end, 0.0) * rate)
        cap = self.first + round(LONGEST * rate)
        self.stop = cap if self.last is None else min(max(self.last, self.first), cap)
        self.samples, self.silence, self.damaged, self.peak = 0, 0, 0, 0.0
        self.capped = self.complete = False
        self._rate = rate
        self._pieces: list[Wave] = []  # at the rate of the source
        self._pending = 0  # samples of them
        self._resampled: list[Wave] = []
        self._resampler: ResampleStream | None = None
        self._wave: Wave | None = None

    @property
    def wanted(self) -> int:
        """Up to which sample of the file it has to be read; one beyond its end tells whether it is capped."""
        return self.stop + self._is_capped_there

    @property
    def wave(self) -> Wave:
        """Its samples, mono at 16 kHz."""
        if self._wave is None:
            self._wave = self._finish()
        return self._wave

    @property
    def _is_capped_there(self) -> bool:
        return self.last is None or self.stop < self.last

    def add(self, block: Wave, place: int, *, silent: bool) -> None:
        """Take what it wants of a block that begins at sample ``place`` of the file."""
        piece = block[max(self.first - place, 0) : max(self.stop - place, 0)]
        if len(piece):
            self._keep(piece)
            self.silence += len(piece) * silent
        if place + len(block) >= self.wanted:
            self.capped, self.complete = self._is_capped_there, True
            self._wave = self._finish()

    def _keep(self, piece: Wave) -> None:
        self.peak = float(np.maximum(self.peak, np.maximum(piece.max(), -piece.min())))
        self.samples += len(piece)
        self._pending += len(piece)
        self._pieces.append(piece)
        if self._pending > _PENDING and self._rate != RATE:
            self._resample(last=False)

    def _resample(self, *, last: bool) -> None:
        from soxr import ResampleStream

        if self._resampler is None:
            self._resampler = ResampleStream(self._rate, RATE, 1, dtype="float32", quality="HQ")
        self._resampled.append(self._resampler.resample_chunk(_joined(self._pieces), last=last))
        self._pieces, self._pending = [], 0

    def _finish(self) -> Wave:
        import soxr

        if self._resampler is not None:
            self._resample(last=True)
            return _joined(self._resampled)
        wave = _joined(self._pieces)
        return (
            wave if self._rate == RATE or not len(wave) else soxr.resample(wave, self._rate, RATE, quality="HQ")
        )


class Cutter:
    """Takes a track block by block.

    Args:
        cuts: which stretches of it are wanted.
        rate, channels: of the source.

    Attributes:
        samples: of the file that were given so far, with those left out.
        stretches: one for each cut.
        promised: how long the file says that its sound is, in seconds; ``None`` if it does not.
        broken: whether reading ended where the file is damaged or cut off.
        notes: what there is to say of the track as a whole.

    Raises:
        AudioError: if no recording has this rate or so many channels.
    """

    def __init__(self, cuts: Sequence[Cut], rate: int, channels: int) -> None:
        require_possible(rate, channels)
        self.rate, self.channels = rate, channels
        self.stretches = [Stretch(cut, rate) for cut in cuts]
        self.samples = 0
        self.promised: float | None = None
        self.broken = False
        self.notes: list[Note] = []
        self._open = list(self.stretches)

    @property
    def first(self) -> int:
        """The sample at which the first cut begins."""
        return min((stretch.first for stretch in self.stretches), default=0)

    @property
    def wanted(self) -> int:
        """Up to which sample of the file it has to be read."""
        return max((stretch.wanted for stretch in self.stretches), default=0)

    @property
    def complete(self) -> bool:
        """Whether every cut has all that it can have."""
        return not self._open

    def add(self, block: Wave, *, silent: bool = False) -> None:
        """Take the samples that come next; the block is kept, not copied."""
        for stretch in self._open:
            stretch.add(block, self.samples, silent=silent)
        self.samples += len(block)
        self._open = [stretch for stretch in self._open if not stretch.complete]

    def add_silence(self, samples: int) -> None:
        """Take zeros, which stand in for a hole; before all sound they are only a late beginning."""
        told = self.samples > 0
        while samples > 0 and self._open:
            self.add(_SILENCE[:samples], silent=told)
            samples -= len(_SILENCE)

    def pass_over(self, packets: int) -> None:
        """Count packets that cannot be decoded for the cuts that lie there."""
        for stretch in self._open:
            stretch.damaged += packets * (stretch.first <= self.samples)


def _joined(pieces: Sequence[Wave]) -> Wave:
    if len(pieces) == 1:
        return pieces[0]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
