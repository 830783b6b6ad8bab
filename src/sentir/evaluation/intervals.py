"""Intervals by bootstrap over dialogues (or speakers): these are independent, utterances of one are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation.metrics import RANKED, from_statistics, label_f1, ranked, score, statistics
from sentir.evaluation.results import Score
from sentir.i18n import _

Run = tuple[NDArray[np.floating], NDArray[np.floating] | None]
"""What one trained model (one seed) says: ``(N, K)`` probabilities and its thresholds."""

_CHUNK = 4_000_000  # float64 numbers in one chunk of weights and totals: 32 MB
_RANKED_CHUNK = 250_000  # weights in one chunk that is ranked: they stay near the processor
_MOST_RANKED = 1_000  # resamples behind the interval of a metric that ranks


def bootstrap(
    space: LabelSpace,
    truth: NDArray,
    runs: Sequence[Run],
    groups: Sequence[str],
    *,
    resamples: int,
    confidence: float,
    seed: int = 0,
) -> dict[str, Score]:
    """Return every metric with its interval.

    A resample draws as many dialogues as there are, with replacement; all runs meet the same resamples, and a
    metric is averaged over runs in each. The interval is the percentile interval. AUC and average precision have
    theirs from `ranked_intervals`, and with a single dialogue nothing has one.

    Args:
        truth: what `LabelSpace.encode` makes, N rows.
        runs: one per seed.
        groups: N keys of dialogues.
        resamples: how many.
        confidence: mass of the interval, such as 0.95.
        seed: of the resamples.

    Returns:
        Metric → mean over runs on all rows, interval, standard deviation over runs (``ddof=1``; none for one).

    Raises:
        PredictionsError: if there is nothing to score or the shapes do not fit.
    """
    clusters = by_dialogue(space, truth, runs, groups)
    intervals: dict[str, NDArray[np.float64]] = {}
    if clusters.shape[1] > 1:
        intervals = {
            name: np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
            for name, values in resampled(space, clusters, resamples=resamples, seed=seed).items()
        }
    scores = [score(space, truth, probabilities, thresholds) for probabilities, thresholds in runs]
    return {name: _score([run[name] for run in scores], intervals.get(name)) for name in scores[0]}


def label_intervals(
    space: LabelSpace,
    truth: NDArray,
    runs: Sequence[Run],
    groups: Sequence[str],
    *,
    resamples: int,
    confidence: float,
    seed: int = 0,
) -> list[tuple[float, float] | None]:
    """Return the interval of each label's F1, by the same resamples as `bootstrap`'s; ``None`` where it has none.

    A number has no labels, and with a single dialogue nothing has an interval.
    """
    clusters = by_dialogue(space, truth, runs, groups)
    k = len(space.groups)
    if clusters.shape[1] < 2 or label_f1(space, clusters[0, 0]) is None:
        return [None] * k
    draws = [np.asarray(label_f1(space, totals)).mean(axis=0) for totals in _totals(clusters, resamples, seed)]
    low, high = np.quantile(np.concatenate(draws), [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def ranked_intervals(
    space: LabelSpace,
    truth: NDArray,
    runs: Sequence[Run],
    groups: Sequence[str],
    *,
    resamples: int,
    confidence: float,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Return the intervals of mean AUC and mean average precision, where the space has them.

    They come from at most 1,000 of `bootstrap`'s resamples, for each must be ranked anew. A label of which a
    resample holds one class only is left out of its mean.
    """
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    if not RANKED[space.kind] or len(names) < 2:
        return {}
    rng, total = np.random.default_rng(seed), min(resamples, _MOST_RANKED)
    step = max(1, _RANKED_CHUNK // len(truth))
    parts = []
    for start in range(0, total, step):
        weights = _draw(rng, len(names), min(step, total - start))[:, index]
        found = [ranked(space, truth, p, weights) for p, _thresholds in runs]
        parts.append({name: np.mean([one[name] for one in found], axis=0) for name in found[0]})
    draws = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    sides = [(1 - confidence) / 2, (1 + confidence) / 2]
    known = {name: values[~np.isnan(values)] for name, values in draws.items()}
    return {name: tuple(np.quantile(values, sides).tolist()) for name, values in known.items() if len(values)}


def _score(values: list[float], interval: NDArray[np.float64] | None) -> Score:
    low, high = (None, None) if interval is None else map(float, interval)
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Score(float(np.mean(values)), low, high, sd)


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


def resampled(
    space: LabelSpace, clusters: NDArray[np.float64], *, resamples: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return the metrics, averaged over runs, of each resample of dialogues: ``(resamples,)`` per metric.

    Args:
        clusters: ``(runs, C, S)`` from `by_dialogue`. The same seed and C give the same resamples.
    """
    parts = []
    for totals in _totals(clusters, resamples, seed):
        metrics = from_statistics(space, totals)
        parts.append({name: values.mean(axis=0) for name, values in metrics.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _draw(rng: np.random.Generator, n: int, size: int) -> NDArray[np.float64]:
    """Draw n dialogues with replacement, ``size`` times: how often each is in."""
    return rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)


def _totals(clusters: NDArray[np.float64], resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Draw resamples of dialogues, in chunks of ``(runs, resamples, S)`` statistics."""
    n = clusters.shape[1]
    rng = np.random.default_rng(seed)
    for size in chunk_sizes(resamples, clusters):
        yield _draw(rng, n, size) @ clusters


def chunk_sizes(total: int, clusters: NDArray[np.float64]) -> Iterator[int]:
    """Cut ``total`` weightings of ``(runs, C, S)`` statistics into chunks of bounded memory."""
    runs, n, width = clusters.shape
    size = max(1, _CHUNK // (n + runs * width))
    for start in range(0, total, size):
        yield min(size, total - start)
