"""Acoustic feature sets; their columns are defined in `sentir.audio.descriptors`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sentir.audio import descriptors
from sentir.audio.store import attach_audio
from sentir.corpus.utterances import Utterance
from sentir.features import FeatureColumns, FeatureSet


def compute_thesis_features(utterances: Sequence[Utterance]) -> FeatureColumns:
    """Return the descriptors of the thesis: duration, loudness, noisiness, MFCC 1 to 4.

    NaN where there is no usable audio.
    """
    return _descriptor_columns("thesis", descriptors.THESIS_DESCRIPTORS, utterances)


def compute_functionals(utterances: Sequence[Utterance]) -> FeatureColumns:
    """Return statistics of pitch, voice, loudness and spectrum: `sentir.audio.functionals`.

    NaN where there is no usable audio.
    """
    return _descriptor_columns("functionals", descriptors.FUNCTIONALS, utterances)


def _descriptor_columns(name: str, columns: Sequence[str], utterances: Sequence[Utterance]) -> FeatureColumns:
    rows = [{} if u.audio is None else u.audio.descriptors for u in attach_audio(utterances)]
    return {
        column: np.array([row.get(f"{name}.{column}", np.nan) for row in rows], dtype=np.float64)
        for column in columns
    }


THESIS = FeatureSet(compute_thesis_features, modality="audio", columns=descriptors.THESIS_DESCRIPTORS)
FUNCTIONALS = FeatureSet(compute_functionals, modality="audio", columns=descriptors.FUNCTIONALS)
