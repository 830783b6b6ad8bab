"""ROC and precision-recall curves: how well the probabilities of a label rank utterances, at every threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.metrics import metrics_for
from sentir.evaluation.metrics.multilabel import auc, average_precision

CURVE_GRID: NDArray[np.float64] = np.linspace(0, 1, 101)
"""False positive rates, and recalls, at which curves are sampled."""


@dataclass(frozen=True, slots=True)
class RankingCurves:
    """Curves of one label of one model on one split, means over seeds.

    Attributes:
        support: utterances that have the label.
        n: utterances.
        auc: area under the ROC curve.
        true_positive_rates: at the false positive rates of `CURVE_GRID` (the ROC curve).
        precisions: at the recalls of `CURVE_GRID`; that of the highest threshold that reaches the recall, so that
            their mean is the average precision.
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
    aligned: AlignedRuns, *, model: str, corpus: str, split: str
) -> tuple[RankingCurves, ...]:
    """Return the one-vs-rest curves of each label; none for a label that all utterances have, or no utterance.

    Regression has no labels and so no curves.
    """
    space = aligned.space
    curves = []
    for k, (label, has_label) in enumerate(
        zip(space.classes, metrics_for(space).label_columns(aligned.truth).T, strict=True)
    ):
        if has_label.all() or not has_label.any():
            continue
        columns = [p[:, k] for p, _thresholds in aligned.runs]
        curves.append(
            RankingCurves(
                model, corpus, space.task, split, label, int(has_label.sum()), len(has_label),
                auc=float(np.mean([auc(has_label, p) for p in columns])),
                average_precision=float(np.mean([average_precision(has_label, p) for p in columns])),
                true_positive_rates=_mean_curve([_true_positive_rates(has_label, p) for p in columns]),
                precisions=_mean_curve([_precisions(has_label, p) for p in columns]),
            )
        )  # fmt: skip
    return tuple(curves)


def _true_positive_rates(has_label: NDArray[np.bool_], p: NDArray[np.floating]) -> NDArray[np.float64]:
    from sklearn.metrics import roc_curve

    false, true, _thresholds = roc_curve(has_label, p)
    return np.interp(CURVE_GRID, false, true)


def _precisions(has_label: NDArray[np.bool_], p: NDArray[np.floating]) -> NDArray[np.float64]:
    from sklearn.metrics import precision_recall_curve

    precision, recall, _thresholds = precision_recall_curve(has_label, p)
    precision, recall = precision[-2::-1], recall[-2::-1]  # without the end point, which belongs to no threshold
    return precision[np.searchsorted(recall, np.maximum(CURVE_GRID, CURVE_GRID[1]) - 1e-12)]


def _mean_curve(curves: Sequence[NDArray[np.float64]]) -> tuple[float, ...]:
    return tuple(np.mean(curves, axis=0).round(4).tolist())
