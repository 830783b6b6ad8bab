"""Scores and predictions of cross-validation: pooled over folds, and fold by fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.folds import sort_folds
from sentir.corpus.predictions import Predictions
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.calibration.fitting import Calibration
from sentir.evaluation.metrics import compute_scores
from sentir.evaluation.results import FoldScore


def score_folds(aligned: AlignedRuns, fold_of: Mapping[str, str], models: Sequence[str]) -> tuple[FoldScore, ...]:
    """Score the utterances of each fold apart; every metric is a mean over seeds.

    Args:
        aligned: labels and predictions of N utterances, with their ids.
        fold_of: id → fold whose model predicted it.
        models: name of the model of each fold; none if one model predicted all.
    """
    if not models:
        return ()
    folds = np.array([fold_of[key] for key in aligned.ids])
    scores = []
    for name, model in zip(sort_folds(set(fold_of.values())), models, strict=True):
        part = aligned.select(np.flatnonzero(folds == name))
        runs = [compute_scores(part.space, part.truth, *run) for run in part.runs]
        metrics = {metric: fmean(float(run[metric]) for run in runs) for metric in runs[0]}
        scores.append(FoldScore(name, len(part), metrics, model))
    return tuple(scores)


def pool_predictions(folds: Sequence[Sequence[Predictions]]) -> tuple[Predictions, ...]:
    """Return the predictions of all folds together, one per seed; they are of different utterances.

    Args:
        folds: predictions of each fold, one per seed; those of a fold with one seed are used for all.
    """
    num_seeds = max(map(len, folds))
    pooled = []
    for seed in range(num_seeds):
        parts = [fold[seed % len(fold)] for fold in folds]
        ids = tuple(key for part in parts for key in part.ids)
        probabilities = np.concatenate([part.probabilities for part in parts])
        pooled.append(Predictions(ids, probabilities, parts[0].label_space, parts[0].source))
    return tuple(pooled)


def pool_thresholds(
    folds: Sequence[Sequence[NDArray[np.float64] | None]], sizes: Sequence[int]
) -> tuple[NDArray[np.float64] | None, ...]:
    """Return the thresholds of each utterance, ``(N, K)``, one array per seed; ``None`` without thresholds.

    Args:
        folds: thresholds of each fold, ``(K,)``, one array per seed.
        sizes: number of predictions of each fold, in the order of `pool_predictions`.
    """
    pooled: list[NDArray[np.float64] | None] = []
    for seed in range(max(map(len, folds))):
        parts = [own for fold in folds if (own := fold[seed % len(fold)]) is not None]
        if len(parts) < len(folds):
            pooled.append(None)
        else:
            pooled.append(np.concatenate([np.tile(own, (n, 1)) for own, n in zip(parts, sizes, strict=True)]))
    return tuple(pooled)


def pool_calibrations(folds: Sequence[Sequence[Calibration | None]]) -> tuple[Calibration | None, ...]:
    """Return one calibration per seed with the mean confidence threshold of the folds, for error analyses.

    It cannot be applied: probabilities are calibrated fold by fold before they are pooled.
    """
    if not all(folds):
        return ()
    pooled: list[Calibration | None] = []
    for seed in range(max(map(len, folds))):
        parts = [own for fold in folds if (own := fold[seed % len(fold)]) is not None]
        threshold = fmean(own.confidence_threshold for own in parts) if parts else 0.0
        pooled.append(replace(parts[0], confidence_threshold=threshold) if len(parts) == len(folds) else None)
    return tuple(pooled)
