"""Permutation importance: what a score loses when a column of numbers no longer belongs to its utterances."""

from __future__ import annotations

import numpy as np
import torch

from sentir.evaluation.intervals import compute_cluster_statistics, jackknife_metrics
from sentir.evaluation.jackknife import jackknife_interval
from sentir.evaluation.metrics import get_metric, metrics_from_statistics
from sentir.evaluation.results import CONFIDENCE_LEVEL
from sentir.explanation.dev_predictor import DevPredictor
from sentir.explanation.results import FeatureImportance
from sentir.i18n import _
from sentir.progress import track

N_REPEATS = 5


def permutation_importance(
    dev: DevPredictor, *, num_repeats: int = N_REPEATS, seed: int = 0
) -> tuple[tuple[FeatureImportance, ...], tuple[FeatureImportance, ...]]:
    """Permute every column, and every feature set as a whole, within dev (Breiman 2001; Fisher et al. 2019).

    Columns that tell the same stand in for one another: each alone may lose nothing where their set loses much.

    Args:
        dev: of the recognizer.
        num_repeats: permutations of each.
        seed: of the permutations, the same for all.

    Returns:
        The importance of the feature sets and of the columns, the largest first; nothing without numbers.
    """
    scaler = dev.recognizer.preprocessor.scaler
    if scaler is None or not scaler.names:
        return (), ()
    columns = {name: [k] for k, name in enumerate(scaler.names)}
    sets: dict[str, list[int]] = {}
    for name, (k,) in columns.items():
        sets.setdefault(name.partition(".")[0], []).append(k)
    full = dev.predict()
    wanted = [(kind, name, of[name]) for kind, of in (("set", sets), ("column", columns)) for name in of]
    found: dict[str, list[FeatureImportance]] = {"set": [], "column": []}
    for kind, name, places in track(wanted, _("Permuting numbers"), len(wanted)):
        found[kind].append(_compute_importance(dev, full, name, places, num_repeats, seed))
    ranked = [tuple(sorted(found[kind], key=lambda one: -one.score_drop)) for kind in ("set", "column")]
    return ranked[0], ranked[1]


def _compute_importance(
    dev: DevPredictor, baseline, name: str, column_indices: list[int], num_repeats: int, seed: int
) -> FeatureImportance:
    features = dev.prepared.tensors["features"]
    permuted = []
    for repeat in range(num_repeats):
        order = torch.from_numpy(np.random.default_rng([seed, repeat]).permutation(len(features)))
        changed = features.clone()
        changed[:, column_indices] = features[order][:, column_indices]
        permuted.append(dev.predict({"features": changed}))
    truth, runs, groups = dev.align_runs([baseline, *permuted])
    space = dev.recognizer.space
    whole, without = (compute_cluster_statistics(space, truth, some, groups) for some in (runs[:1], runs[1:]))
    score = float(metrics_from_statistics(space, whole.sum(1))[dev.metric][0])
    lost = [
        get_metric(dev.metric).sign * (score - float(s))
        for s in metrics_from_statistics(space, without.sum(1))[dev.metric]
    ]
    sides = [jackknife_metrics(space, side)[dev.metric] for side in (whole, without)]
    loss = float(np.mean(lost))
    sign = get_metric(dev.metric).sign * 1
    low, high = jackknife_interval(
        loss, sign * (sides[0] - sides[1]), is_proportion=False, confidence_level=CONFIDENCE_LEVEL
    )
    return FeatureImportance(name, len(column_indices), loss, low, high, float(np.std(lost, ddof=1)))
