"""Decision thresholds of multi-label tasks, tuned on dev."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.evaluation.calibration.kinds import CALIBRATIONS


def tune_thresholds(
    space: LabelSpace, truth: NDArray, probabilities: NDArray[np.floating]
) -> NDArray[np.float64] | None:
    """Return the ``(K,)`` thresholds with the best F1 of each label on utterances of dev.

    The search is exact: all thresholds between distinct neighboring probabilities are tried, and one below all of
    them. A threshold is the midpoint of its neighbors (0 below the lowest); of equal F1 the one nearest to 0.5 is
    taken, then the higher. A label without any utterance keeps 0.5.

    Args:
        space: of the task.
        truth: ``(N, K)`` zeros and ones (`LabelSpace.encode`).
        probabilities: ``(N, K)``.

    Returns:
        The thresholds; ``None`` unless the task is multi-label.

    Raises:
        PredictionsError: if there are no rows or the shapes do not fit.
    """
    kind = CALIBRATIONS.get(space.kind)
    return None if kind is None else kind.tune_thresholds(truth, probabilities)
