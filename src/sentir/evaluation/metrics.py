"""Classification metrics for one label or several, computed from counts that add up.

Every metric but the two that rank probabilities is a function of sufficient statistics: a row of S numbers that
can be summed over utterances, dialogues or a resample. So a bootstrap is a matrix product (`intervals`).

============  ========================================================================================
``single``    S = K·K: the confusion matrix, truth by row
``multi``     S = 4·K + 3: tp, fp, fn, tn for each label; sums over utterances of the Jaccard index where an
              empty prediction for an empty truth counts 0, of the one where it counts 1, of exact matches
============  ========================================================================================

Where a class is absent the conventions are scikit-learn's with ``zero_division=0``: precision, recall and F1
with nothing to divide by are 0, and ``macro_f1`` averages over all K labels of the space, present or not.
``unweighted_average_recall`` averages over the classes present in the truth (``balanced_accuracy_score``), and
so does the weighted accuracy of a label, (TPR + TNR) / 2, over its two classes. AUC and average precision leave
out labels of which the truth holds one class only; where no label is left, the metric is not in the result.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.results import LabelScore
from sentir.i18n import _, mark
from sentir.registry import Registry

Array = NDArray[np.float64]
Floats = NDArray[np.floating]

HEADLINE = {"single": "weighted_f1", "multi": "macro_f1"}
COUNTED = {
    "single": ("weighted_f1", "macro_f1", "accuracy", "unweighted_average_recall"),
    "multi": (
        "macro_f1",
        "micro_f1",
        "micro_precision",
        "micro_recall",
        "mean_weighted_accuracy",
        "mean_weighted_f1",
        "jaccard_empty0",
        "jaccard_empty1",
        "subset_accuracy",
    ),
}
RANKED = {"single": (), "multi": ("mean_auc", "mean_average_precision")}


def metric_name(space: LabelSpace, name: str | None = None) -> str:
    """Return ``name`` if it can select and compare models of ``space``; the headline metric for ``None``.

    Raises:
        UnknownNameError: if it is none of `COUNTED`; the message offers the nearest names.
    """
    wanted = HEADLINE[space.kind] if name is None else name
    Registry(mark("metric"), dict.fromkeys(COUNTED[space.kind])).get(wanted)
    return wanted


def statistics(
    space: LabelSpace,
    truth: NDArray,
    probabilities: Floats,
    thresholds: Floats | None = None,
    groups: NDArray[np.integer] | None = None,
) -> Array:
    """Return the sufficient statistics summed over each group, ``(G, S)``; without groups G is 1.

    Args:
        truth: what `LabelSpace.encode` makes, ``(N,)`` or ``(N, K)``.
        probabilities: ``(N, K)``.
        thresholds: ``(K,)`` for several labels; none = 0.5.
        groups: ``(N,)`` integers from 0 to G - 1.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    _check(space, truth, probabilities)
    index = np.zeros(len(truth), dtype=np.int64) if groups is None else groups
    return _counts(space).count(truth, space.decide(probabilities, thresholds), index)


def from_statistics(space: LabelSpace, totals: Array) -> dict[str, Array]:
    """Turn statistics ``(..., S)`` into the metrics of `COUNTED`, each of shape ``(...)``."""
    return _counts(space).averages(totals)


def score(
    space: LabelSpace, truth: NDArray, probabilities: Floats, thresholds: Floats | None = None
) -> dict[str, float]:
    """Return every metric of `COUNTED` and `RANKED` by name.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    totals = statistics(space, truth, probabilities, thresholds)[0]
    counted = {name: float(value) for name, value in from_statistics(space, totals).items()}
    ranked = _counts(space).ranking(truth, probabilities)
    return counted | {f"mean_{name}": float(np.nanmean(v)) for name, v in ranked.items() if not np.isnan(v).all()}


def per_label(
    space: LabelSpace, truth: NDArray, probabilities: Floats, thresholds: Floats | None = None
) -> list[LabelScore]:
    """Return precision, recall and F1 of each label; for several labels also the weighted ones and the ranks.

    ``auc`` and ``average_precision`` are not there for a label of which the truth holds one class only.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    counts = _counts(space)
    totals = statistics(space, truth, probabilities, thresholds)[0]
    columns = counts.label_metrics(totals) | counts.ranking(truth, probabilities)
    support = _support(counts.cells(totals))
    return [
        LabelScore(label, int(support[k]), {m: float(v[k]) for m, v in columns.items() if not np.isnan(v[k])})
        for k, label in enumerate(space.names)
    ]


def confusion_matrix(space: LabelSpace, truth: NDArray, probabilities: Floats) -> Array | None:
    """Return ``(K, K)`` counts, truth by row; ``None`` for several labels at once, which have none.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    return _counts(space).confusion(statistics(space, truth, probabilities)[0])


def _check(space: LabelSpace, truth: NDArray, probabilities: Floats) -> None:
    if len(truth) == 0:
        raise PredictionsError(
            _("There is nothing to score for '{task}': no utterance has labels.", task=space.task)
        )
    expected = (len(truth), *space.encode([]).shape[1:])
    if truth.shape != expected or probabilities.shape != (len(truth), len(space)):
        raise PredictionsError(
            _(
                "Labels of shape {truth} and probabilities of shape {probabilities} do not fit the {k} labels "
                "of '{task}'.",
                truth=truth.shape,
                probabilities=probabilities.shape,
                k=len(space),
                task=space.task,
            )
        )


class _Counts(Protocol):
    """What differs between one label and several."""

    def __init__(self, k: int) -> None: ...
    def count(self, truth: NDArray, decided: NDArray, groups: NDArray[np.integer]) -> Array: ...
    def cells(self, totals: Array) -> Array: ...
    def averages(self, totals: Array) -> dict[str, Array]: ...
    def label_metrics(self, totals: Array) -> dict[str, Array]: ...
    def ranking(self, truth: NDArray, probabilities: Floats) -> dict[str, Array]: ...
    def confusion(self, totals: Array) -> Array | None: ...


class _Single:
    """One label: everything comes from the confusion matrix."""

    def __init__(self, k: int) -> None:
        self.k = k

    def count(self, truth: NDArray, decided: NDArray, groups: NDArray[np.integer]) -> Array:
        size = self.k * self.k
        flat = np.asarray(groups) * size + truth * self.k + decided
        total = (int(np.max(groups)) + 1) * size
        return np.bincount(flat, minlength=total).reshape(-1, size).astype(np.float64)

    def confusion(self, totals: Array) -> Array:
        return totals.reshape(*totals.shape[:-1], self.k, self.k)

    def cells(self, totals: Array) -> Array:
        matrix = self.confusion(totals)
        tp = np.diagonal(matrix, axis1=-2, axis2=-1)
        fp = matrix.sum(axis=-2) - tp
        fn = matrix.sum(axis=-1) - tp
        tn = totals.sum(axis=-1)[..., None] - tp - fp - fn
        return np.stack([tp, fp, fn, tn], axis=-1)

    def label_metrics(self, totals: Array) -> dict[str, Array]:
        return _precision_recall_f1(self.cells(totals))

    def averages(self, totals: Array) -> dict[str, Array]:
        cells = self.cells(totals)
        each, support, n = _precision_recall_f1(cells), _support(cells), totals.sum(axis=-1)
        return {
            "weighted_f1": (support * each["f1"]).sum(axis=-1) / n,
            "macro_f1": each["f1"].mean(axis=-1),
            "accuracy": cells[..., 0].sum(axis=-1) / n,
            "unweighted_average_recall": each["recall"].sum(axis=-1) / (support > 0).sum(axis=-1),
        }

    def ranking(self, truth: NDArray, probabilities: Floats) -> dict[str, Array]:
        return {}


class _Multi:
    """Several labels: each is a question of its own, answered by yes or no."""

    def __init__(self, k: int) -> None:
        self.k = k

    def count(self, truth: NDArray, decided: NDArray, groups: NDArray[np.integer]) -> Array:
        t, d = truth > 0, decided > 0
        shared, union = (t & d).sum(axis=1), (t | d).sum(axis=1)
        empty0 = shared / np.maximum(union, 1)
        by_row = [empty0, np.where(union == 0, 1.0, empty0), (t == d).all(axis=1)]
        cells = np.stack([t & d, ~t & d, t & ~d, ~t & ~d], axis=-1).reshape(len(t), -1)
        sums = np.zeros((int(np.max(groups)) + 1, 4 * self.k + len(by_row)))
        np.add.at(sums, groups, np.column_stack([cells, *by_row]))
        return sums

    def confusion(self, totals: Array) -> None:
        return None

    def cells(self, totals: Array) -> Array:
        return totals[..., : 4 * self.k].reshape(*totals.shape[:-1], self.k, 4)

    def label_metrics(self, totals: Array) -> dict[str, Array]:
        cells = self.cells(totals)
        tp, fp, fn, tn = np.moveaxis(cells, -1, 0)
        each, present, absent = _precision_recall_f1(cells), tp + fn, tn + fp
        classes = (present > 0).astype(np.float64) + (absent > 0)
        f1_absent = _ratio(2 * tn, 2 * tn + fp + fn)
        return each | {
            "weighted_accuracy": (each["recall"] + _ratio(tn, absent)) / classes,
            "weighted_f1": (present * each["f1"] + absent * f1_absent) / (present + absent),
        }

    def averages(self, totals: Array) -> dict[str, Array]:
        each, cells = self.label_metrics(totals), self.cells(totals)
        micro = _precision_recall_f1(cells.sum(axis=-2))
        empty0, empty1, exact = np.moveaxis(totals[..., 4 * self.k :] / cells[..., :1, :].sum(axis=-1), -1, 0)
        return {
            "macro_f1": each["f1"].mean(axis=-1),
            "micro_f1": micro["f1"],
            "micro_precision": micro["precision"],
            "micro_recall": micro["recall"],
            "mean_weighted_accuracy": each["weighted_accuracy"].mean(axis=-1),
            "mean_weighted_f1": each["weighted_f1"].mean(axis=-1),
            "jaccard_empty0": empty0,
            "jaccard_empty1": empty1,
            "subset_accuracy": exact,
        }

    def ranking(self, truth: NDArray, probabilities: Floats) -> dict[str, Array]:
        from sklearn.metrics import average_precision_score, roc_auc_score

        oracles = {"auc": roc_auc_score, "average_precision": average_precision_score}
        both = [0 < column.sum() < len(column) for column in truth.T]
        return {
            name: np.array([f(truth[:, k], probabilities[:, k]) if both[k] else np.nan for k in range(self.k)])
            for name, f in oracles.items()
        }


_KINDS: dict[str, type[_Counts]] = {"single": _Single, "multi": _Multi}


def _counts(space: LabelSpace) -> _Counts:
    return _KINDS[space.kind](len(space))


def _support(cells: Array) -> Array:
    return cells[..., 0] + cells[..., 2]


def _precision_recall_f1(cells: Array) -> dict[str, Array]:
    tp, fp, fn, _tn = np.moveaxis(cells, -1, 0)
    return {
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
    }


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(whole, dtype=np.float64), where=whole > 0)
