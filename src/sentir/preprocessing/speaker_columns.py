"""The columns of model inputs that speaker normalization applies to, as one matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.preprocessing.kinds import feature_modality
from sentir.recipe import ModelSettings

AUDIO_STATES = "audio_states"
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class SpeakerColumns:
    """Numeric features of audio, followed by the embeddings of a frozen audio encoder.

    Attributes:
        features: ``(F,)`` booleans, which of the features are computed from audio.
    """

    features: NDArray[np.bool_]

    @classmethod
    def of(cls, model: ModelSettings, feature_names: Sequence[str]) -> SpeakerColumns:
        """Return the columns of a model whose features have these names."""
        audio = [feature_modality(name.partition(".")[0], model) == "audio" for name in feature_names]
        return cls(np.array(audio, dtype=bool))

    def take(self, arrays: Arrays) -> NDArray[np.float32]:
        """Return the ``(n, D)`` columns of n rows, NaN where unknown."""
        parts = []
        if self.features.any():
            known = arrays["known_features"][:, self.features]
            parts.append(np.where(known, arrays["features"][:, self.features], np.float32(np.nan)))
        if AUDIO_STATES in arrays:
            states = arrays[AUDIO_STATES].reshape(len(arrays[AUDIO_STATES]), -1)
            parts.append(np.where(arrays["has_audio"][:, None], states, np.float32(np.nan)))
        return np.concatenate(parts, axis=1)

    def put(self, arrays: Arrays, values: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Return the arrays with these values in the columns; NaN leaves one as it is."""
        replaced, start = dict(arrays), int(self.features.sum())
        if start:
            features = arrays["features"].copy()
            own = values[:, :start]
            features[:, self.features] = np.where(np.isnan(own), features[:, self.features], own)
            replaced["features"] = features
        if AUDIO_STATES in arrays:
            states, own = arrays[AUDIO_STATES], values[:, start:].reshape(arrays[AUDIO_STATES].shape)
            replaced[AUDIO_STATES] = np.where(np.isnan(own), states, own)
        return replaced
