"""Random enrollment of the speakers of train: a model learns to predict with many clips, few, and none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.features.speaker_normalization import SpeakerMoments, SpeakerNormalizer
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.preprocessing.speaker_columns import SpeakerColumns

_NO_ENROLLMENT = 1 / 3  # share of the rows that are trained without enrollment


@dataclass(frozen=True)
class RandomEnrollment:
    """Normalizes the rows of a batch by random other clips of their speakers.

    A third of the rows have no enrollment; the others 1 to all clips of their speaker but the row itself, on a
    logarithmic scale. It is a function of seed, epoch and row.

    Args:
        normalizer: fitted on train.
        columns: that it normalizes.
        standardized: ``(N, D)`` float32 columns of train, NaN where unknown.
        same_speaker: of each row the rows of its speaker, itself included; empty if the speaker is not known.
        seed: of the training.
    """

    normalizer: SpeakerNormalizer
    columns: SpeakerColumns
    standardized: NDArray[np.float32]
    same_speaker: tuple[NDArray[np.int64], ...]
    seed: int

    @classmethod
    def of(
        cls,
        normalizer: SpeakerNormalizer,
        columns: SpeakerColumns,
        train: ModelInputs,
        speakers: Sequence[str | None],
        seed: int,
    ) -> RandomEnrollment:
        """Prepare the train split."""
        standardized = normalizer.standardize(columns.take(train.arrays)).astype(np.float32)
        rows: dict[str, list[int]] = {}
        has_audio: NDArray[np.bool_] = np.any(~np.isnan(standardized), axis=1)
        for n, speaker in enumerate(speakers):
            if speaker and has_audio[n]:
                rows.setdefault(speaker, []).append(n)
        by_speaker = {speaker: np.array(own, dtype=np.int64) for speaker, own in rows.items()}
        nobody = np.zeros(0, dtype=np.int64)
        return cls(
            normalizer,
            columns,
            standardized,
            tuple(by_speaker.get(speaker or "", nobody) for speaker in speakers),
            seed,
        )

    def digest(self) -> str:
        """Return a hash of all that it adds to a training."""
        facts = [self.normalizer.to_dict(), [rows.tolist() for rows in self.same_speaker]]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def __call__(
        self, arrays: dict[str, NDArray[Any]], rows: Sequence[int], epoch: int
    ) -> dict[str, NDArray[Any]]:
        """Return the inputs of some rows of train, normalized."""
        drawn = [self.standardized[self._draw(row, epoch)] for row in rows]
        enrolled = SpeakerMoments.stack([SpeakerMoments.of(clips).total(slice(None)) for clips in drawn])
        return self.columns.put(arrays, self.normalizer.normalize(self.columns.take(arrays), enrolled))

    def _draw(self, row: int, epoch: int) -> NDArray[np.int64]:
        same = self.same_speaker[row]
        others = same[same != row]
        rng = np.random.default_rng([self.seed, epoch, row])
        if not len(others) or rng.random() < _NO_ENROLLMENT:
            return others[:0]
        count = int(np.exp(rng.uniform(0, np.log(len(others) + 1))))
        return rng.choice(others, size=min(count, len(others)), replace=False)
