"""Scores with intervals over dialogues or speakers; see `sentir.evaluation.jackknife`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.jackknife import Interval, jackknife_interval, leave_one_out_sums, leave_one_out_weights
from sentir.evaluation.metrics import (
    compute_scores,
    compute_statistics,
    get_metric,
    metrics_for,
    metrics_from_statistics,
)
from sentir.evaluation.metrics.soft_labels import score_soft_labels
from sentir.evaluation.results import CONFIDENCE_LEVEL, Score
from sentir.i18n import _

NO_REPLICATES: NDArray[np.float64] = np.empty(0)
"""Leave-one-out values of a metric that cannot be computed from sufficient statistics."""

_CHUNK_SIZE = 4_000_000  # float64 numbers in one chunk of weights and totals: 32 MB


def score_with_intervals(aligned: AlignedRuns, *, confidence_level: float = CONFIDENCE_LEVEL) -> dict[str, Score]:
    """Return every metric, averaged over runs, with its interval.

    Mean AUC and mean average precision have none here, but in `compute_ranking_intervals`.

    Returns:
        Metric → mean over runs, interval, standard deviation over runs (``ddof=1``; none with one run).

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    replicates = jackknife_metrics(aligned.space, compute_cluster_statistics(aligned))
    scores = [compute_scores(aligned.space, aligned.truth, *run) for run in aligned.runs]
    return {
        name: score_over_runs(
            np.array([run[name] for run in scores]),
            replicates.get(name, NO_REPLICATES),
            is_proportion=get_metric(name).is_proportion,
            confidence_level=confidence_level,
        )
        for name in scores[0]
    }


def score_over_runs(
    values: NDArray[np.float64],
    replicates: NDArray[np.float64],
    *,
    is_proportion: bool,
    confidence_level: float = CONFIDENCE_LEVEL,
) -> Score:
    """Return the mean over runs, with its interval from leave-one-out means over runs, and the deviation."""
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
    low, high = jackknife_interval(
        mean, replicates, is_proportion=is_proportion, confidence_level=confidence_level
    )
    return Score(mean, low, high, sd)


def jackknife_metrics(space: LabelSpace, clusters: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the metrics, averaged over runs, with each of C dialogues left out: ``(C,)`` per metric.

    Args:
        space: of the task.
        clusters: ``(runs, C, S)`` from `compute_cluster_statistics`.
    """
    return {
        name: value.mean(axis=0)
        for name, value in metrics_from_statistics(space, leave_one_out_sums(clusters)).items()
    }


def compute_label_f1_intervals(aligned: AlignedRuns) -> list[Interval]:
    """Return the interval of each label's F1, twice ``None`` in regression."""
    clusters, metrics = compute_cluster_statistics(aligned), metrics_for(aligned.space)
    values = metrics.compute_label_f1(clusters.sum(axis=1))
    replicates = metrics.compute_label_f1(leave_one_out_sums(clusters))
    if values is None or replicates is None:
        return [(None, None)] * len(aligned.space.categories)
    pairs = zip(values.mean(axis=0).tolist(), replicates.mean(axis=0).T, strict=True)
    return [jackknife_interval(value, column, is_proportion=True) for value, column in pairs]


def compute_ranking_intervals(
    aligned: AlignedRuns, *, confidence_level: float = CONFIDENCE_LEVEL
) -> dict[str, Interval]:
    """Return the intervals of mean AUC and mean average precision; nothing unless the task is multi-label.

    A label of which the remaining truth holds one class only is left out of the mean.
    """
    metrics, index = metrics_for(aligned.space), aligned.cluster_index
    names = tuple(metrics.ranking_metrics)
    if not names or not index.any():
        return {}

    def weighted_means(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        by_run = [metrics.compute_weighted_ranking(aligned.truth, p, weights) for p, _thresholds in aligned.runs]
        return np.array([np.mean([one[name] for one in by_run], axis=0) for name in names])

    values = weighted_means(np.ones((1, len(aligned))))[:, 0]
    replicates = np.concatenate([weighted_means(weights) for weights in leave_one_out_weights(index)], axis=1)
    return {
        name: jackknife_interval(value, row, is_proportion=True, confidence_level=confidence_level)
        for name, value, row in zip(names, values.tolist(), replicates, strict=True)
    }


def score_soft_labels_with_intervals(aligned: AlignedRuns) -> dict[str, Score]:
    """Return the means of `score_soft_labels` over utterances with soft labels; nothing if none has them."""
    if aligned.soft_labels is None:
        return {}
    known = ~np.isnan(aligned.soft_labels).any(axis=1)
    index = np.unique(aligned.cluster_index[known], return_inverse=True)[1]
    values = [score_soft_labels(aligned.space, aligned.soft_labels[known], p[known]) for p, _own in aligned.runs]
    counts = np.bincount(index).astype(np.float64)
    scores = {}
    for name in values[0]:
        sums = np.stack([np.stack([np.bincount(index, run[name]), counts], axis=-1) for run in values])
        left = leave_one_out_sums(sums)
        scores[name] = score_over_runs(
            np.array([run[name].mean() for run in values]),
            (left[..., 0] / left[..., 1]).mean(axis=0),
            is_proportion=get_metric(name).is_proportion,
        )
    return scores


def compute_cluster_statistics(aligned: AlignedRuns) -> NDArray[np.float64]:
    """Return the statistics of each run summed over each of C dialogues, ``(runs, C, S)``.

    Raises:
        PredictionsError: if there is no run, nothing to score, or the shapes do not fit.
    """
    space, truth, groups = aligned.space, aligned.truth, aligned.groups
    if not aligned.runs:
        raise PredictionsError(_("There are no predictions to score for '{task}'.", task=space.task))
    if len(groups) != len(truth):
        raise PredictionsError(
            _("{groups} dialogue keys do not fit {n} labeled utterances.", groups=len(groups), n=len(truth))
        )
    index = aligned.cluster_index
    return np.stack([compute_statistics(space, truth, *run, index) for run in aligned.runs])


def chunk_sizes(total: int, clusters: NDArray[np.float64]) -> Iterator[int]:
    """Yield the sizes of chunks of bounded memory for ``total`` weightings of ``(runs, C, S)`` statistics."""
    runs, n, width = clusters.shape
    size = max(1, _CHUNK_SIZE // (n + runs * width))
    for start in range(0, total, size):
        yield min(size, total - start)
