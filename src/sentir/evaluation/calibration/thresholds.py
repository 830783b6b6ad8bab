"""Decision thresholds of multi-label tasks, tuned on dev."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.i18n import _


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
    return _TUNERS[space.kind](truth, probabilities)


def _tune_multilabel(truth: NDArray, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    if len(truth) == 0 or truth.shape != probabilities.shape:
        raise PredictionsError(
            _(
                "Thresholds cannot be tuned on labels of shape {truth} and probabilities of shape "
                "{probabilities}; give the labeled rows of dev.",
                truth=truth.shape,
                probabilities=probabilities.shape,
            )
        )
    p = np.asarray(probabilities, dtype=np.float64)
    order = np.argsort(-p, axis=0, kind="stable")
    above = np.take_along_axis(p, order, axis=0)
    hits = np.cumsum(np.take_along_axis(truth > 0, order, axis=0), axis=0)
    present = hits[-1]
    f1 = 2 * hits / (np.arange(1, len(p) + 1)[:, None] + present)
    below = np.vstack([above[1:], np.zeros((1, p.shape[1]))])
    f1[:-1][above[:-1] == below[:-1]] = -1
    midpoints = (above + below) / 2
    thresholds = np.where(midpoints > below, midpoints, above)
    distance = np.where(f1 == f1.max(axis=0), np.abs(thresholds - 0.5), np.inf)
    best = np.take_along_axis(thresholds, distance.argmin(axis=0)[None], axis=0)[0]
    return np.where(present > 0, best, 0.5)


def _no_thresholds(truth: NDArray, probabilities: NDArray[np.floating]) -> None:
    return None


_TUNERS: dict[str, Callable[[NDArray, NDArray[np.floating]], NDArray[np.float64] | None]] = {
    "single": _no_thresholds,
    "multi": _tune_multilabel,
    "regression": _no_thresholds,
}
