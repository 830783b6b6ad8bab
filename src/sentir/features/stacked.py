"""What another model thinks of an utterance: its probabilities, one column per label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.utterances import Utterance
from sentir.errors import PredictionsError
from sentir.i18n import _


def compute_stacked_features(utterances: Sequence[Utterance]) -> dict[str, NDArray[np.float64]]:
    """Return the probabilities of `Utterance.stacked`, as ``(N,)`` columns called ``task.label``.

    Raises:
        PredictionsError: if an utterance has none: nobody asked the other model.
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
