"""Metrics for one label, several, or a number, computed from counts and sums that add up.

Every metric but the two that rank probabilities is a function of sufficient statistics: a row of S numbers that
can be summed over utterances, dialogues or a resample. So a bootstrap is a matrix product (`intervals`). Each is
defined, with its source, in the file of its kind: `single`, `multi`, `regression`.

Where a class is absent the conventions are scikit-learn's with ``zero_division=0``, but that a macro F1 is over
the labels that the truth holds. AUC and average precision leave out labels of which the truth holds one class
only; where no label is left, the metric is not in the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.metrics import multilabel, regression, single_label
from sentir.evaluation.metrics.label_counts import Array, Floats
from sentir.evaluation.results import LabelScore
from sentir.i18n import _, mark
from sentir.registry import Registry

HEADLINE = {"single": "weighted_f1", "multi": "macro_f1", "regression": "mae"}
COUNTED = {
    "single": tuple(single_label.COUNTED),
    "multi": (*multilabel.COUNTED, *multilabel.BY_UTTERANCE),
    "regression": tuple(regression.COUNTED),
}
RANKED = {"single": (), "multi": ("mean_auc", "mean_average_precision"), "regression": ()}


class _Kind(Protocol):
    """What differs between one label, several, and a number."""

    @property
    def counted(self) -> Mapping[str, object]: ...
    def __init__(self, space: LabelSpace) -> None: ...
    def count(self, truth: NDArray, said: Floats, cuts: Floats | None, groups: NDArray[np.integer]) -> Array: ...
    def averages(self, totals: Array) -> dict[str, Array]: ...
    def by_label(self, truth: NDArray, said: Floats, totals: Array) -> tuple[Array, dict[str, Array]]: ...
    def label_f1(self, totals: Array) -> Array | None: ...
    def ranking(self, truth: NDArray, said: Floats) -> dict[str, Array]: ...
    def confusion(self, totals: Array) -> Array | None: ...


_KINDS: dict[str, type[_Kind]] = {
    "single": single_label.Single,
    "multi": multilabel.Multi,
    "regression": regression.Regression,
}


def counted(space: LabelSpace) -> tuple[str, ...]:
    """Return the metrics that can select and compare models of ``space``."""
    return tuple(_kind(space).counted)


def metric_name(space: LabelSpace, wanted: str | Mapping[str, str] | None = None) -> str:
    """Return the metric that is wanted, or wanted for this task by a table; the headline metric if none is.

    Raises:
        UnknownNameError: if it is none of `counted`; the message offers the nearest names.
    """
    name = wanted.get(space.task) if isinstance(wanted, Mapping) else wanted
    name = HEADLINE[space.kind] if name is None else name
    Registry(mark("metric"), dict.fromkeys(counted(space))).get(name)
    return name


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
    return _kind(space).count(truth, probabilities, thresholds, index)


def from_statistics(space: LabelSpace, totals: Array) -> dict[str, Array]:
    """Turn statistics ``(..., S)`` into the metrics of `counted`, each of shape ``(...)``."""
    return _kind(space).averages(totals)


def score(
    space: LabelSpace, truth: NDArray, probabilities: Floats, thresholds: Floats | None = None
) -> dict[str, float]:
    """Return every metric of `counted` and `RANKED` by name.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    totals = statistics(space, truth, probabilities, thresholds)[0]
    found = {name: float(value) for name, value in from_statistics(space, totals).items()}
    ranked = _kind(space).ranking(truth, probabilities)
    return found | {f"mean_{name}": float(np.nanmean(v)) for name, v in ranked.items() if not np.isnan(v).all()}


def ranked(space: LabelSpace, truth: NDArray, probabilities: Floats, weights: Array) -> dict[str, Array]:
    """Return every metric of `RANKED` for R weightings ``(R, N)`` of the utterances, each ``(R,)``."""
    if not RANKED[space.kind]:
        return {}
    found = [
        multilabel.weighted_ranking(truth[:, k] > 0, probabilities[:, k], weights) for k in range(len(space))
    ]
    return {f"mean_{name}": _known_mean(np.array([label[name] for label in found])) for name in found[0]}


def _known_mean(values: Array) -> Array:
    """Return the mean over labels of those that are known; NaN where none is."""
    n = (~np.isnan(values)).sum(axis=0)
    return np.where(n > 0, np.nansum(values, axis=0) / np.maximum(n, 1), np.nan)


def per_label(
    space: LabelSpace, truth: NDArray, probabilities: Floats, thresholds: Floats | None = None
) -> list[LabelScore]:
    """Return precision, recall and F1 of each label, for several labels more; for a number, of its steps.

    ``auc`` and ``average_precision`` are not there for a label of which the truth holds one class only. For a
    number the labels are `LabelSpace.groups`, each with its mean answer and mean absolute error.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    totals = statistics(space, truth, probabilities, thresholds)[0]
    support, columns = _kind(space).by_label(truth, probabilities, totals)
    return [
        LabelScore(label, int(support[k]), {m: float(v[k]) for m, v in columns.items() if not np.isnan(v[k])})
        for k, label in enumerate(space.groups)
    ]


def label_f1(space: LabelSpace, totals: Array) -> Array | None:
    """Turn statistics ``(..., S)`` into the F1 of each label, ``(..., K)``; ``None`` for a number."""
    return _kind(space).label_f1(totals)


def confusion_matrix(space: LabelSpace, truth: NDArray, probabilities: Floats) -> Array | None:
    """Return ``(K, K)`` counts, truth by row; ``None`` for several labels at once and for numbers.

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    return _kind(space).confusion(statistics(space, truth, probabilities)[0])


def _kind(space: LabelSpace) -> _Kind:
    return _KINDS[space.kind](space)


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
