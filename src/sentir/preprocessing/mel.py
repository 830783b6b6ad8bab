"""Sound of utterances → mels of whole seconds, normalized by the levels of the train split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentir.audio.augment import augment
from sentir.audio.mel import HOP, RATE
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.recipe import Audio, Augment

SECOND = RATE // HOP  # frames
_NARROWEST = 1.0  # dB; a band that never varied in train is no reason to hear a thousandfold where it later does

Mel = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class MelLevels:
    """Mean and standard deviation in dB of each of B bands, over the frames of the train split."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.means) != len(self.deviations):
            raise ValueError(_("means and deviations must be one for each band"))

    @classmethod
    def fit(cls, mels: Iterable[Mel]) -> MelLevels:
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
class Change:
    """How a batch of train mels is changed: by what, and what the random numbers are drawn from."""

    settings: Augment
    seed: int
    epoch: int


@dataclass(frozen=True)
class Mels:
    """What N utterances sound like.

    Attributes:
        ids: N utterance ids.
        mels: ``(T, B)`` in dB each; ``None`` without usable sound.
        frames: ``(N,)`` padded lengths, each a function of its clip alone.
        levels: what they are normalized by.
    """

    ids: tuple[str, ...]
    mels: tuple[Mel | None, ...]
    frames: NDArray[np.int64]
    levels: MelLevels

    def batch(self, rows: Sequence[int], change: Change | None = None) -> dict[str, Tensor]:
        """Return ``mel`` (n, T, B), padded with 0 (the train mean), ``frames`` (n,) and ``has_sound`` (n,)."""
        means = np.array(self.levels.means, dtype=np.float32)
        deviations = np.maximum(np.array(self.levels.deviations, dtype=np.float32), _NARROWEST)
        padded = np.zeros((len(rows), int(self.frames[rows].max(initial=0)), len(means)), dtype=np.float32)
        for place, row in enumerate(rows):
            mel = self.mels[row]
            if mel is None:
                continue
            heard = np.asarray(_middle(mel, int(self.frames[row])), dtype=np.float32)
            if change is not None:
                heard = augment(
                    heard, change.settings, fill=means, seed=change.seed, epoch=change.epoch, key=self.ids[row]
                )
            padded[place, : len(heard)] = (heard - means) / deviations
        return {
            "mel": torch.from_numpy(padded),
            "frames": torch.from_numpy(self.frames[rows]),
            "has_sound": torch.tensor([self.mels[row] is not None for row in rows]),
        }


class SoundInput:
    """What lies between a clip and a model that listens.

    Args:
        audio: the recipe's ``model.audio`` section.
        levels: measured on the train split.
    """

    def __init__(self, audio: Audio, levels: MelLevels) -> None:
        self.audio, self.levels = audio, levels

    @classmethod
    def fit(cls, audio: Audio, train: Sequence[Utterance]) -> SoundInput:
        """Measure the levels of train utterances that have been listened to."""
        return cls(audio, MelLevels.fit(u.sound.mel for u in train if u.sound and u.sound.mel is not None))

    def prepare(self, utterances: Sequence[Utterance]) -> Mels:
        """Return the mels of N utterances that have been listened to."""
        mels = tuple(None if u.sound is None else u.sound.mel for u in utterances)
        frames = np.array([self._frames(mel) for mel in mels], dtype=np.int64)
        return Mels(tuple(u.id for u in utterances), mels, frames, self.levels)

    def _frames(self, mel: Mel | None) -> int:
        """Return the padded length: the next whole second, from one to the longest the recipe allows."""
        if self.audio.mel == "thesis":
            return len(mel) if mel is not None else SECOND
        length = 0 if mel is None else len(mel) - 1  # n seconds have one frame more than n times SECOND
        return SECOND * min(max(1, -(-length // SECOND)), self.audio.max_seconds)


def _middle(mel: Mel, frames: int) -> Mel:
    """Return the middle of a mel that is longer than ``frames``."""
    start = max(0, (len(mel) - frames) // 2)
    return mel[start : start + frames]
