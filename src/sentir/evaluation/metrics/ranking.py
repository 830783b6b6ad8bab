"""How well the probability of a label puts the utterances that carry it before the others, at every threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.evaluation.intervals import Run

CURVE_GRID: NDArray[np.float64] = np.linspace(0, 1, 101)
"""The false positive rates, and the recalls, at which curves are kept."""


@dataclass(frozen=True, slots=True)
class RankingCurves:
    """One label of one model on one split, each number a mean over seeds.

    Attributes:
        support: utterances that carry the label.
        n: utterances.
        true_positive_rates: at the false positive rates of `GRID` (the ROC curve).
        precisions: at the recalls of `GRID`; that of the highest threshold that reaches the recall, so that
            their mean is the average precision.
        auc: area under the ROC curve.
    """

    model: str
    corpus: str
    task: str
    split: str
    label: str
    support: int
    n: int
    auc: float
    average_precision: float
    true_positive_rates: tuple[float, ...]
    precisions: tuple[float, ...]


def compute_ranking_curves(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], *, model: str, corpus: str, split: str
) -> tuple[RankingCurves, ...]:
    """Return the curves of each label against all others.

    A label that all utterances carry, or none, has no curves. A number has no labels.

    Args:
        truth: what `LabelSpace.encode` makes, N rows.
        runs: one per seed.
    """
    if space.bounds is not None:
        return ()
    from sklearn.metrics import average_precision_score, roc_auc_score

    found = []
    for k, label in enumerate(space.names):
        carries = truth[:, k] > 0 if space.multilabel else truth == k
        if carries.all() or not carries.any():
            continue
        said = [p[:, k] for p, _cuts in runs]
        found.append(
            RankingCurves(
                model, corpus, space.task, split, label, int(carries.sum()), len(carries),
                auc=float(np.mean([roc_auc_score(carries, p) for p in said])),
                average_precision=float(np.mean([average_precision_score(carries, p) for p in said])),
                true_positive_rates=_mean_curve([_true_positive_rates(carries, p) for p in said]),
                precisions=_mean_curve([_precisions(carries, p) for p in said]),
            )
        )  # fmt: skip
    return tuple(found)


def _true_positive_rates(has_label: NDArray[np.bool_], p: NDArray[np.floating]) -> NDArray[np.float64]:
    from sklearn.metrics import roc_curve

    false, true, _thresholds = roc_curve(has_label, p)
    return np.interp(CURVE_GRID, false, true)


def _precisions(has_label: NDArray[np.bool_], p: NDArray[np.floating]) -> NDArray[np.float64]:
    from sklearn.metrics import precision_recall_curve

    precision, recall, _thresholds = precision_recall_curve(has_label, p)
    precision, recall = precision[-2::-1], recall[-2::-1]  # without the point that no threshold has
    return precision[np.searchsorted(recall, np.maximum(CURVE_GRID, CURVE_GRID[1]) - 1e-12)]


def _mean_curve(curves: Sequence[NDArray[np.float64]]) -> tuple[float, ...]:
    return tuple(np.mean(curves, axis=0).round(4).tolist())
