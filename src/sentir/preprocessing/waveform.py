"""Sound of utterances → waves for a speech encoder that learns, or the vectors of a frozen one.

Waves are never stored: a frozen encoder hears a clip once and its vectors are cached by content; for one that
learns, clips are decoded when a batch needs them and kept in memory as long as there is room.
See ``docs/decisions/speech-backbones.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sentir.audio.decoding import SAMPLING_RATE, Waveform, decode
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.models.speech_backbones import SpeechFeatureExtractor
from sentir.recipe import AudioSettings

_CHUNK_SIZE = 256  # clips that are decoded, encoded and cached together
_SAMPLES_PER_BATCH = 30 * SAMPLING_RATE  # samples that a frozen encoder hears at a time
_CACHE_BYTES = 2 * 2**30  # bytes of waves that are kept in memory: 19 hours of sound


@dataclass
class WaveformInputs:
    """Where the waves of N utterances come from.

    A wave is the middle of its clip, at most ``longest`` samples of it, rounded to float16, whose steps are 66 dB
    below the loudness of the moment.

    Attributes:
        clips: of N utterances; ``None`` without usable sound.
        content_hashes: N hashes of what the clips hold; ``""`` without usable sound.
        num_samples: ``(N,)`` how much of each is heard.
        extractor: makes the encoder's input of a wave.
    """

    clips: tuple[Clip | None, ...]
    content_hashes: tuple[str, ...]
    num_samples: NDArray[np.int64]
    max_samples: int
    extractor: SpeechFeatureExtractor
    _cache: dict[int, NDArray[np.float16]] = field(default_factory=dict)
    _free_bytes: int = _CACHE_BYTES

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Lengths ``(N,)`` in frames of the encoder."""
        return np.array([self.extractor.num_frames(int(n)) for n in self.num_samples], dtype=np.int64)

    def batch(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """Return ``wave``, ``steps`` and ``has_audio`` of n rows.

        Raises:
            AudioError: if a clip can no longer be decoded.
        """
        return self.extractor.pad([self._load_waveform(row) for row in rows])

    def _load_waveform(self, row: int) -> Waveform | None:
        clip = self.clips[row]
        if clip is None:
            return None
        kept = self._cache.get(row)
        if kept is None:
            kept = center_crop(decode(clip).waveform, self.max_samples).astype(np.float16)
            if kept.nbytes <= self._free_bytes:
                self._cache[row], self._free_bytes = kept, self._free_bytes - kept.nbytes
        return kept.astype(np.float32)


class WaveformPreprocessor:
    """What lies between a clip and a speech encoder.

    Args:
        audio: the recipe's ``model.audio`` section.
        extractor: makes the encoder's input of a waveform.
    """

    def __init__(self, audio: AudioSettings, extractor: SpeechFeatureExtractor) -> None:
        self.audio, self.extractor = audio, extractor

    def transform(self, utterances: Sequence[Utterance]) -> WaveformInputs:
        """Say where the waveforms of N utterances with audio attached come from."""
        longest = self.audio.max_seconds * SAMPLING_RATE
        samples = [min(round(u.audio.seconds * SAMPLING_RATE), longest) if u.audio else 0 for u in utterances]
        return WaveformInputs(
            tuple(u.clip if u.audio is not None and u.audio.key else None for u in utterances),
            tuple(u.audio.key if u.audio else "" for u in utterances),
            np.array(samples, dtype=np.int64),
            longest,
            self.extractor,
        )


def center_crop(waveform: Waveform, max_samples: int) -> Waveform:
    """Return the middle of a wave that is longer than so many samples."""
    start = max(0, (len(waveform) - max_samples) // 2)
    return waveform[start : start + max_samples]


def require_usable_audio(train: Sequence[Utterance]) -> None:
    """Refuse train utterances none of which has usable sound.

    Raises:
        CorpusError: saying where to look.
    """
    if not any(u.audio is not None and u.audio.key for u in train):
        raise CorpusError(
            _("No train utterance has usable sound; look at it with 'sentir corpus prepare' and data.sound.")
        )
