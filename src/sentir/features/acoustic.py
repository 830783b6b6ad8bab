"""How an utterance sounds, as numbers; what they measure stands in `sentir.audio.descriptors`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentir.audio.descriptors import FUNCTIONALS, THESIS
from sentir.audio.store import listen
from sentir.corpus.utterances import Utterance


def thesis(utterances: Sequence[Utterance]) -> dict[str, NDArray[np.float64]]:
    """Return the acoustic measures of the thesis, ``(N,)`` each: duration, loudness, noisiness, MFCC 1 to 4.

    NaN where there is no usable sound.
    """
    return _measures("thesis", THESIS, utterances)


def functionals(utterances: Sequence[Utterance]) -> dict[str, NDArray[np.float64]]:
    """Return means and deviations of MFCC, their deltas, mel bands and energy, 190 arrays ``(N,)``.

    NaN where there is no usable sound.
    """
    return _measures("functionals", FUNCTIONALS, utterances)


def _measures(
    name: str, columns: Sequence[str], utterances: Sequence[Utterance]
) -> dict[str, NDArray[np.float64]]:
    heard = [{} if u.sound is None else u.sound.measures for u in listen(utterances)]
    keys = {column: f"{name}.{column}" for column in columns}
    return {
        column: np.array([measures.get(key, np.nan) for measures in heard], dtype=np.float64)
        for column, key in keys.items()
    }
