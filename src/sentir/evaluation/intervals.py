"""Scores with their intervals over dialogues, or speakers; see `sentir.evaluation.jackknife`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.jackknife import Bounds, interval, leave_out, weights_without
from sentir.evaluation.metrics import RANKED, from_statistics, label_f1, ranked, score, statistics
from sentir.evaluation.results import Score, is_share
from sentir.i18n import _

Run = tuple[NDArray[np.floating], NDArray[np.floating] | None]
"""What one trained model (one seed) says: ``(N, K)`` probabilities and its thresholds."""

NONE: NDArray[np.float64] = np.empty(0)
"""What leaving out tells of a metric that it cannot be computed from."""

_CHUNK = 4_000_000  # float64 numbers in one chunk of weights and totals: 32 MB


def scored(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], groups: Sequence[str], *, confidence: float
) -> dict[str, Score]:
    """Return every metric, averaged over runs, with its interval; AUC and average precision have theirs apart.

    Args:
        truth: what `LabelSpace.encode` makes, N rows.
        runs: one per seed.
        groups: N keys of dialogues.
        confidence: mass of the interval, such as 0.95.

    Returns:
        Metric → mean over runs on all rows, interval, standard deviation over runs (``ddof=1``; none for one).

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    without = metrics_without(space, by_dialogue(space, truth, runs, groups))
    scores = [score(space, truth, probabilities, thresholds) for probabilities, thresholds in runs]
    found = {}
    for name in scores[0]:
        values = [run[name] for run in scores]
        mean, sd = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
        low, high = interval(mean, without.get(name, NONE), share=is_share(name), confidence=confidence)
        found[name] = Score(mean, low, high, sd)
    return found


def metrics_without(space: LabelSpace, clusters: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the metrics, averaged over runs, without each of C dialogues: ``(C,)`` per metric.

    Args:
        clusters: ``(runs, C, S)`` from `by_dialogue`.
    """
    return {name: value.mean(axis=0) for name, value in from_statistics(space, leave_out(clusters)).items()}


def label_intervals(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], groups: Sequence[str], *, confidence: float
) -> list[Bounds]:
    """Return the interval of each label's F1; a number's labels have none."""
    clusters = by_dialogue(space, truth, runs, groups)
    whole, without = label_f1(space, clusters.sum(axis=1)), label_f1(space, leave_out(clusters))
    if whole is None or without is None:
        return [(None, None)] * len(space.groups)
    pairs = zip(whole.mean(axis=0).tolist(), without.mean(axis=0).T, strict=True)
    return [interval(value, column, share=True, confidence=confidence) for value, column in pairs]


def ranked_intervals(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], groups: Sequence[str], *, confidence: float
) -> dict[str, Bounds]:
    """Return the intervals of mean AUC and mean average precision, where the space has them.

    A label of which only one class is left is left out of the mean.
    """
    index = np.unique(np.asarray(groups), return_inverse=True)[1]
    if not RANKED[space.kind] or not index.any():
        return {}

    def weighed(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        found = [ranked(space, truth, p, weights) for p, _thresholds in runs]
        return np.array([np.mean([one[name] for one in found], axis=0) for name in RANKED[space.kind]])

    values = weighed(np.ones((1, len(truth))))[:, 0]
    without = np.concatenate([weighed(weights) for weights in weights_without(index)], axis=1)
    rows = zip(RANKED[space.kind], values.tolist(), without, strict=True)
    return {name: interval(value, row, share=True, confidence=confidence) for name, value, row in rows}


def by_dialogue(
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
    return np.stack([statistics(space, truth, p, thresholds, index) for p, thresholds in runs])


def chunk_sizes(total: int, clusters: NDArray[np.float64]) -> Iterator[int]:
    """Cut ``total`` weightings of ``(runs, C, S)`` statistics into chunks of bounded memory."""
    runs, n, width = clusters.shape
    size = max(1, _CHUNK // (n + runs * width))
    for start in range(0, total, size):
        yield min(size, total - start)
