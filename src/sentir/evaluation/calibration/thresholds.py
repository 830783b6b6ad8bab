"""Decision thresholds for several labels, chosen on dev."""

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
    """Return the ``(K,)`` thresholds with the best positive F1 of each label on these rows (give those of dev).

    The search is exact: every cut between two different neighboring probabilities is tried, and the lowest one
    that lets everything through. The threshold is the midpoint of its neighbors (0 below the lowest); among
    equal F1 the one nearest to 0.5 wins, then the higher. A label absent here keeps 0.5.

    Args:
        truth: ``(N, K)`` zeros and ones as `LabelSpace.encode` makes them.
        probabilities: ``(N, K)``.

    Returns:
        The thresholds; ``None`` where one label or a number is recognized, which needs none.

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
    middle = (above + below) / 2
    cuts = np.where(middle > below, middle, above)
    distance = np.where(f1 == f1.max(axis=0), np.abs(cuts - 0.5), np.inf)
    best = np.take_along_axis(cuts, distance.argmin(axis=0)[None], axis=0)[0]
    return np.where(present > 0, best, 0.5)


def _no_thresholds(truth: NDArray, probabilities: NDArray[np.floating]) -> None:
    return None


_TUNERS: dict[str, Callable[[NDArray, NDArray[np.floating]], NDArray[np.float64] | None]] = {
    "single": _no_thresholds,
    "multi": _tune_multilabel,
    "regression": _no_thresholds,
}
