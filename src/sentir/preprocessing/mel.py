"""Audio of utterances → mel spectrograms padded to whole seconds, normalized by statistics of the train split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sentir.audio.augment import augment_mel
from sentir.audio.mel import HOP_LENGTH, N_MELS, SAMPLING_RATE
from sentir.audio.thesis_mel import THESIS_IMAGE_SIZE
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.recipe import AudioSettings, AugmentSettings

FRAMES_PER_SECOND = SAMPLING_RATE // HOP_LENGTH  # frames
_GRAY_DB, _DB_PER_UNIT = -40.0, 40.0  # -80 to 0 dB become the -1 to 1 of a pixel
_BLACK = -1.0
_MIN_STD_DB = 1.0  # dB; so that a band that was constant in train is not amplified without bound

MelArray = NDArray[np.float16]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class MelStatistics:
    """Mean and standard deviation in dB of each of B bands, over the frames of the train split."""

    means: tuple[float, ...]
    stds: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.means) != len(self.stds):
            raise ValueError(_("there must be one mean and one standard deviation per band"))

    @classmethod
    def fit(cls, mels: Iterable[MelArray]) -> MelStatistics:
        """Compute the statistics of ``(T, B)`` mel spectrograms.

        Raises:
            CorpusError: if there are none.
        """
        count, total, squares = 0, np.zeros(1), np.zeros(1)
        for mel in mels:
            values = mel.astype(np.float64)
            count, total, squares = count + len(mel), total + values.sum(0), squares + (values**2).sum(0)
        if not count:
            raise no_usable_audio_error()
        means = total / count
        stds = np.sqrt(np.maximum(squares / count - means**2, 0))
        return cls(tuple(means.tolist()), tuple(stds.tolist()))

    @classmethod
    def of_images(cls, num_bands: int) -> MelStatistics:
        """Return those that give a network pretrained on images the range of a pixel.

        They are the same for every corpus, so that what a frozen network encodes can be cached.
        """
        return cls((_GRAY_DB,) * num_bands, (_DB_PER_UNIT,) * num_bands)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {key: list(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class SeededAugmentation:
    """Augmentation of a batch of train mel spectrograms, a function of seed, epoch and utterance id."""

    settings: AugmentSettings
    seed: int
    epoch: int


@dataclass(frozen=True)
class MelInputs:
    """The mel spectrograms of N utterances.

    Attributes:
        ids: N utterance ids.
        mels: ``(T, B)`` in dB each; ``None`` without usable audio.
        lengths: ``(N,)`` padded lengths in frames, each a function of its clip alone.
        statistics: for normalization.
        padding: normalized value of the frames after a clip: 0, the mean of train, or the black of an image.
    """

    ids: tuple[str, ...]
    mels: tuple[MelArray | None, ...]
    lengths: NDArray[np.int64]
    statistics: MelStatistics
    padding: float = 0.0

    def content_hash(self, row: int) -> str:
        """Return a hash of what a network gets of a row with usable audio."""
        stored, length = self.mels[row], int(self.lengths[row])
        assert stored is not None
        mel = center_crop(stored, length)
        hasher = hashlib.sha256(f"{length} {mel.shape} {mel.dtype} {self.padding} {self.statistics}".encode())
        hasher.update(mel.tobytes())
        return hasher.hexdigest()[:32]

    @property
    def has_audio(self) -> NDArray[np.bool_]:
        """Which of the N utterances have usable audio."""
        return np.array([mel is not None for mel in self.mels], dtype=bool)

    def batch(
        self, rows: Sequence[int], augmentation: SeededAugmentation | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return padded ``mel`` (n, T, B), ``mel_lengths`` (n,) and ``has_audio`` (n,)."""
        means = np.array(self.statistics.means, dtype=np.float32)
        stds = np.maximum(np.array(self.statistics.stds, dtype=np.float32), _MIN_STD_DB)
        shape = (len(rows), int(self.lengths[rows].max(initial=0)), len(means))
        padded = np.full(shape, self.padding, dtype=np.float32)
        for n, row in enumerate(rows):
            stored = self.mels[row]
            if stored is None:
                continue
            mel = np.asarray(center_crop(stored, int(self.lengths[row])), dtype=np.float32)
            if augmentation is not None:
                mel = augment_mel(
                    mel,
                    augmentation.settings,
                    fill=means,
                    seed=augmentation.seed,
                    epoch=augmentation.epoch,
                    key=self.ids[row],
                )
            padded[n, : len(mel)] = (mel - means) / stds
        return {
            "mel": padded,
            "mel_lengths": self.lengths[rows],
            "has_audio": np.array([self.mels[row] is not None for row in rows], dtype=bool),
        }


class MelPreprocessor:
    """Makes the inputs of a network on mel spectrograms.

    Args:
        audio: the recipe's ``model.audio`` section.
        statistics: of the train split.
    """

    def __init__(self, audio: AudioSettings, statistics: MelStatistics) -> None:
        self.audio, self.statistics = audio, statistics

    @classmethod
    def fit(cls, audio: AudioSettings, train: Sequence[Utterance]) -> MelPreprocessor:
        """Compute the statistics of train utterances with audio attached."""
        return cls(audio, MelStatistics.fit(u.audio.mel for u in train if u.audio and u.audio.mel is not None))

    def transform(self, utterances: Sequence[Utterance]) -> MelInputs:
        """Return the mel spectrograms of N utterances with audio attached."""
        mels = tuple(None if u.audio is None else u.audio.mel for u in utterances)
        lengths = np.array([self._padded_length(mel) for mel in mels], dtype=np.int64)
        padding = _BLACK if self.audio.encoder == "frozen" else 0.0
        return MelInputs(tuple(u.id for u in utterances), mels, lengths, self.statistics, padding)

    def _padded_length(self, mel: MelArray | None) -> int:
        """Return a length in frames: up to the next whole second, at least one, at most ``max_seconds``."""
        if self.audio.mel == "thesis":
            return len(mel) if mel is not None else FRAMES_PER_SECOND
        length = 0 if mel is None else len(mel) - 1  # n seconds have n · FRAMES_PER_SECOND + 1 frames
        return FRAMES_PER_SECOND * min(max(1, -(-length // FRAMES_PER_SECOND)), self.audio.max_seconds)


def num_mel_bands(kind: str) -> int:
    """Return the number of bands of a kind of mel spectrogram."""
    return THESIS_IMAGE_SIZE if kind == "thesis" else N_MELS


def center_crop(rows: NDArray[Number], length: int) -> NDArray[Number]:
    """Return the middle ``length`` frames, or samples, of a longer clip."""
    start = max(0, (len(rows) - length) // 2)
    return rows[start : start + length]


def no_usable_audio_error() -> CorpusError:
    """Return the error of a train split without any usable audio."""
    return CorpusError(
        _("No train utterance has usable audio; check the clips with 'sentir corpus prepare', and data.audio.")
    )
