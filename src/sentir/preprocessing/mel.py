"""Sound of utterances → mels of whole seconds, normalized by the levels of the train split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentir.audio.augment import augment_mel
from sentir.audio.mel import HOP_LENGTH, SAMPLING_RATE
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.recipe import AudioSettings, AugmentSettings

FRAMES_PER_SECOND = SAMPLING_RATE // HOP_LENGTH  # frames
_MIN_STD_DB = 1.0  # dB; a band that never varied in train is no reason to hear a thousandfold where it later does

MelArray = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class MelStatistics:
    """Mean and standard deviation in dB of each of B bands, over the frames of the train split."""

    means: tuple[float, ...]
    stds: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.means) != len(self.stds):
            raise ValueError(_("means and deviations must be one for each band"))

    @classmethod
    def fit(cls, mels: Iterable[MelArray]) -> MelStatistics:
        """Measure ``(T, B)`` mels.

        Raises:
            CorpusError: if there is none.
        """
        count, total, squares = 0, np.zeros(1), np.zeros(1)
        for mel in mels:
            values = mel.astype(np.float64)
            count, total, squares = count + len(mel), total + values.sum(0), squares + (values**2).sum(0)
        if not count:
            raise CorpusError(
                _("No train utterance has usable sound; look at it with 'sentir corpus prepare' and data.sound.")
            )
        means = total / count
        deviations = np.sqrt(np.maximum(squares / count - means**2, 0))
        return cls(tuple(means.tolist()), tuple(deviations.tolist()))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {key: list(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class SeededAugmentation:
    """How a batch of train mels is changed: by what, and what the random numbers are drawn from."""

    settings: AugmentSettings
    seed: int
    epoch: int


@dataclass(frozen=True)
class MelInputs:
    """What N utterances sound like.

    Attributes:
        ids: N utterance ids.
        mels: ``(T, B)`` in dB each; ``None`` without usable sound.
        lengths: ``(N,)`` padded lengths, each a function of its clip alone.
        statistics: what they are normalized by.
    """

    ids: tuple[str, ...]
    mels: tuple[MelArray | None, ...]
    lengths: NDArray[np.int64]
    statistics: MelStatistics

    def batch(self, rows: Sequence[int], augmentation: SeededAugmentation | None = None) -> dict[str, Tensor]:
        """Return ``mel`` (n, T, B), padded with 0 (the train mean), ``frames`` (n,) and ``has_audio`` (n,)."""
        means = np.array(self.statistics.means, dtype=np.float32)
        deviations = np.maximum(np.array(self.statistics.stds, dtype=np.float32), _MIN_STD_DB)
        padded = np.zeros((len(rows), int(self.lengths[rows].max(initial=0)), len(means)), dtype=np.float32)
        for place, row in enumerate(rows):
            mel = self.mels[row]
            if mel is None:
                continue
            heard = np.asarray(_center_crop(mel, int(self.lengths[row])), dtype=np.float32)
            if augmentation is not None:
                heard = augment_mel(
                    heard,
                    augmentation.settings,
                    fill=means,
                    seed=augmentation.seed,
                    epoch=augmentation.epoch,
                    key=self.ids[row],
                )
            padded[place, : len(heard)] = (heard - means) / deviations
        return {
            "mel": torch.from_numpy(padded),
            "mel_lengths": torch.from_numpy(self.lengths[rows]),
            "has_audio": torch.tensor([self.mels[row] is not None for row in rows]),
        }


class MelPreprocessor:
    """What lies between a clip and a model that listens.

    Args:
        audio: the recipe's ``model.audio`` section.
        statistics: measured on the train split.
    """

    def __init__(self, audio: AudioSettings, statistics: MelStatistics) -> None:
        self.audio, self.statistics = audio, statistics

    @classmethod
    def fit(cls, audio: AudioSettings, train: Sequence[Utterance]) -> MelPreprocessor:
        """Measure the levels of train utterances that have been listened to."""
        return cls(audio, MelStatistics.fit(u.audio.mel for u in train if u.audio and u.audio.mel is not None))

    def transform(self, utterances: Sequence[Utterance]) -> MelInputs:
        """Return the mels of N utterances that have been listened to."""
        mels = tuple(None if u.audio is None else u.audio.mel for u in utterances)
        frames = np.array([self._padded_length(mel) for mel in mels], dtype=np.int64)
        return MelInputs(tuple(u.id for u in utterances), mels, frames, self.statistics)

    def _padded_length(self, mel: MelArray | None) -> int:
        """Return the padded length: the next whole second, from one to the longest the recipe allows."""
        if self.audio.mel == "thesis":
            return len(mel) if mel is not None else FRAMES_PER_SECOND
        length = 0 if mel is None else len(mel) - 1  # n seconds have one frame more than n times SECOND
        return FRAMES_PER_SECOND * min(max(1, -(-length // FRAMES_PER_SECOND)), self.audio.max_seconds)


def _center_crop(mel: MelArray, num_frames: int) -> MelArray:
    """Return the middle of a mel that is longer than ``num_frames``."""
    start = max(0, (len(mel) - num_frames) // 2)
    return mel[start : start + num_frames]
