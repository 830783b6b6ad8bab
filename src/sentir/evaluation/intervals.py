"""Scores with their intervals over dialogues, or speakers; see `sentir.evaluation.jackknife`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.jackknife import Interval, jackknife_interval, leave_one_out_sums, leave_one_out_weights
from sentir.evaluation.metrics import (
    RANKING_METRICS,
    compute_scores,
    compute_statistics,
    compute_weighted_ranking,
    get_metric,
    label_f1_from_statistics,
    metrics_from_statistics,
)
from sentir.evaluation.results import Run, Score
from sentir.i18n import _

NO_REPLICATES: NDArray[np.float64] = np.empty(0)
"""What leaving out tells of a metric that it cannot be computed from."""

_CHUNK_SIZE = 4_000_000  # float64 numbers in one chunk of weights and totals: 32 MB


def score_with_intervals(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], groups: Sequence[str], *, confidence_level: float
) -> dict[str, Score]:
    """Return every metric, averaged over runs, with its interval; AUC and average precision have theirs apart.

    Args:
        truth: what `LabelSpace.encode` makes, N rows.
        runs: one per seed.
        groups: N keys of dialogues.
        confidence_level: mass of the interval, such as 0.95.

    Returns:
        Metric → mean over runs on all rows, interval, standard deviation over runs (``ddof=1``; none for one).

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    without = jackknife_metrics(space, compute_cluster_statistics(space, truth, runs, groups))
    scores = [compute_scores(space, truth, probabilities, thresholds) for probabilities, thresholds in runs]
    found = {}
    for name in scores[0]:
        values = [run[name] for run in scores]
        mean, sd = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
        low, high = jackknife_interval(
            mean,
            without.get(name, NO_REPLICATES),
            is_proportion=get_metric(name).is_proportion,
            confidence_level=confidence_level,
        )
        found[name] = Score(mean, low, high, sd)
    return found


def jackknife_metrics(space: LabelSpace, clusters: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the metrics, averaged over runs, without each of C dialogues: ``(C,)`` per metric.

    Args:
        clusters: ``(runs, C, S)`` from `by_dialogue`.
    """
    return {
        name: value.mean(axis=0)
        for name, value in metrics_from_statistics(space, leave_one_out_sums(clusters)).items()
    }


def compute_label_f1_intervals(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], groups: Sequence[str], *, confidence_level: float
) -> list[Interval]:
    """Return the interval of each label's F1; a number's labels have none."""
    clusters = compute_cluster_statistics(space, truth, runs, groups)
    whole, without = (
        label_f1_from_statistics(space, clusters.sum(axis=1)),
        label_f1_from_statistics(space, leave_one_out_sums(clusters)),
    )
    if whole is None or without is None:
        return [(None, None)] * len(space.categories)
    pairs = zip(whole.mean(axis=0).tolist(), without.mean(axis=0).T, strict=True)
    return [
        jackknife_interval(value, column, is_proportion=True, confidence_level=confidence_level)
        for value, column in pairs
    ]


def compute_ranking_intervals(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], groups: Sequence[str], *, confidence_level: float
) -> dict[str, Interval]:
    """Return the intervals of mean AUC and mean average precision, where the space has them.

    A label of which only one class is left is left out of the mean.
    """
    index = np.unique(np.asarray(groups), return_inverse=True)[1]
    if not RANKING_METRICS[space.kind] or not index.any():
        return {}

    def weighed(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        found = [compute_weighted_ranking(space, truth, p, weights) for p, _thresholds in runs]
        return np.array([np.mean([one[name] for one in found], axis=0) for name in RANKING_METRICS[space.kind]])

    values = weighed(np.ones((1, len(truth))))[:, 0]
    without = np.concatenate([weighed(weights) for weights in leave_one_out_weights(index)], axis=1)
    rows = zip(RANKING_METRICS[space.kind], values.tolist(), without, strict=True)
    return {
        name: jackknife_interval(value, row, is_proportion=True, confidence_level=confidence_level)
        for name, value, row in rows
    }


def compute_cluster_statistics(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], groups: Sequence[str]
) -> NDArray[np.float64]:
    """Return the statistics of each run summed over each of C dialogues, ``(runs, C, S)``.

    Raises:
        PredictionsError: if there is no run, nothing to score, or the shapes do not fit.
    """
    if not runs:
        raise PredictionsError(_("There are no predictions to score for '{task}'.", task=space.task))
    if len(groups) != len(truth):
        raise PredictionsError(
            _("{groups} dialogue keys do not fit {n} labeled utterances.", groups=len(groups), n=len(truth))
        )
    index = np.unique(np.asarray(groups), return_inverse=True)[1]
    return np.stack([compute_statistics(space, truth, p, thresholds, index) for p, thresholds in runs])


def chunk_sizes(total: int, clusters: NDArray[np.float64]) -> Iterator[int]:
    """Cut ``total`` weightings of ``(runs, C, S)`` statistics into chunks of bounded memory."""
    runs, n, width = clusters.shape
    size = max(1, _CHUNK_SIZE // (n + runs * width))
    for start in range(0, total, size):
        yield min(size, total - start)
