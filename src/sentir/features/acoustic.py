"""How an utterance sounds, as numbers; what they measure stands in `sentir.audio.descriptors`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentir.audio.descriptors import FUNCTIONALS, THESIS_DESCRIPTORS
from sentir.audio.store import attach_audio
from sentir.corpus.utterances import Utterance


def compute_thesis_features(utterances: Sequence[Utterance]) -> dict[str, NDArray[np.float64]]:
    """Return the acoustic measures of the thesis, ``(N,)`` each: duration, loudness, noisiness, MFCC 1 to 4.

    NaN where there is no usable sound.
    """
    return _descriptor_columns("thesis", THESIS_DESCRIPTORS, utterances)


def compute_functionals(utterances: Sequence[Utterance]) -> dict[str, NDArray[np.float64]]:
    """Return means and deviations of MFCC, their deltas, mel bands and energy, 190 arrays ``(N,)``.

    NaN where there is no usable sound.
    """
    return _descriptor_columns("functionals", FUNCTIONALS, utterances)


def _descriptor_columns(
    name: str, columns: Sequence[str], utterances: Sequence[Utterance]
) -> dict[str, NDArray[np.float64]]:
    heard = [{} if u.audio is None else u.audio.descriptors for u in attach_audio(utterances)]
    keys = {column: f"{name}.{column}" for column in columns}
    return {
        column: np.array([measures.get(key, np.nan) for measures in heard], dtype=np.float64)
        for column, key in keys.items()
    }
