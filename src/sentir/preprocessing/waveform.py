"""Clips of utterances → waveforms for a speech encoder.

Waveforms are not stored: clips are decoded when a batch needs them, and cached in memory while there is room.
See ``docs/decisions/speech-backbones.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE, Waveform, decode
from sentir.corpus.utterances import Clip, Utterance
from sentir.models.speech_features import SpeechFeatureExtractor
from sentir.preprocessing.mel import center_crop
from sentir.recipe import AudioSettings

_CACHE_BYTES = 2 * 2**30  # of waveforms in memory: 19 hours of audio


def crop_waveform(waveform: Waveform, max_samples: int) -> NDArray[np.float16]:
    """Return what every speech encoder takes of a clip: its middle, at most ``max_samples`` samples, as float16.

    The quantization noise is 66 dB below the signal.
    """
    return center_crop(waveform, max_samples).astype(np.float16)


@dataclass
class WaveformInputs:
    """The waveforms of N utterances, decoded on demand; see `crop_waveform`.

    Attributes:
        clips: of N utterances; ``None`` without usable audio.
        content_hashes: N hashes of the clips' content; ``""`` without usable audio.
        num_samples: ``(N,)`` lengths after cropping.
        extractor: turns waveforms into the input of the encoder.
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

    @property
    def has_audio(self) -> NDArray[np.bool_]:
        """Which of the N utterances have usable audio."""
        return np.array([clip is not None for clip in self.clips], dtype=bool)

    def batch(self, rows: Sequence[int]) -> dict[str, NDArray[Any]]:
        """Return the padded inputs of a `SpeechEncoder` for n rows.

        Raises:
            AudioError: if a clip can no longer be decoded.
        """
        return self.extractor.pad([self._load_waveform(row) for row in rows])

    def _load_waveform(self, row: int) -> Waveform | None:
        clip = self.clips[row]
        if clip is None:
            return None
        waveform = self._cache.get(row)
        if waveform is None:
            waveform = crop_waveform(decode(clip).waveform, self.max_samples)
            if waveform.nbytes <= self._free_bytes:
                self._cache[row], self._free_bytes = waveform, self._free_bytes - waveform.nbytes
        return waveform.astype(np.float32)


class WaveformPreprocessor:
    """Makes the inputs of a speech encoder from clips.

    Args:
        audio: the recipe's ``model.audio`` section.
        extractor: of the speech encoder.
    """

    def __init__(self, audio: AudioSettings, extractor: SpeechFeatureExtractor) -> None:
        self.audio, self.extractor = audio, extractor

    def transform(self, utterances: Sequence[Utterance]) -> WaveformInputs:
        """Return the waveforms of N utterances with audio attached, without decoding them yet."""
        limit = self.audio.max_seconds * SAMPLING_RATE
        samples = [min(round(u.audio.seconds * SAMPLING_RATE), limit) if u.audio else 0 for u in utterances]
        return WaveformInputs(
            clips=tuple(u.clip if u.audio is not None and u.audio.key else None for u in utterances),
            content_hashes=tuple(u.audio.key if u.audio else "" for u in utterances),
            num_samples=np.array(samples, dtype=np.int64),
            max_samples=limit,
            extractor=self.extractor,
        )
