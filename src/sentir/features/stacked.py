"""Another model's probabilities as features (stacking)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sentir.corpus.utterances import Utterance
from sentir.errors import PredictionsError
from sentir.features import FeatureColumns, FeatureSet
from sentir.i18n import _


def compute_stacked_features(utterances: Sequence[Utterance]) -> FeatureColumns:
    """Return `Utterance.stacked_probabilities` as columns called ``task.label``.

    Raises:
        PredictionsError: if an utterance has none: the other model has not predicted it.
    """
    for u in utterances:
        if not u.stacked_probabilities:
            raise PredictionsError(
                _("'{id}' has no stacked probabilities; train and predict through the recognizer.", id=u.id)
            )
    names = list(utterances[0].stacked_probabilities) if utterances else []
    return {
        name: np.array([u.stacked_probabilities[name] for u in utterances], dtype=np.float64) for name in names
    }


STACKED = FeatureSet(compute_stacked_features)
