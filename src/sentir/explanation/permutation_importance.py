"""Permutation importance of features: how much the dev score drops when a column is permuted."""

from __future__ import annotations

import numpy as np

from sentir.corpus.predictions import Predictions
from sentir.evaluation.intervals import compute_cluster_statistics, jackknife_metrics
from sentir.evaluation.jackknife import jackknife_interval
from sentir.evaluation.metrics import get_metric, metrics_from_statistics
from sentir.explanation.dev_predictor import DevPredictor
from sentir.explanation.results import FeatureImportance
from sentir.i18n import _
from sentir.progress import track

N_REPEATS = 5


def permutation_importance(
    dev: DevPredictor, *, num_repeats: int = N_REPEATS
) -> tuple[tuple[FeatureImportance, ...], tuple[FeatureImportance, ...]]:
    """Permute every feature, and every feature set as a whole, within dev (Breiman 2001; Fisher et al. 2019).

    Correlated features replace one another: each may have no importance of its own though their set has.

    Args:
        dev: of the recognizer.
        num_repeats: permutations of each.

    Returns:
        The importance of the feature sets and of the columns, in descending order; nothing without features.
    """
    scaler = dev.recognizer.preprocessor.scaler
    if scaler is None or not scaler.names:
        return (), ()
    columns = {name: [k] for k, name in enumerate(scaler.names)}
    sets: dict[str, list[int]] = {}
    for name, (k,) in columns.items():
        sets.setdefault(name.partition(".")[0], []).append(k)
    baseline = dev.predict()
    jobs = [(kind, name, of[name]) for kind, of in (("set", sets), ("column", columns)) for name in of]
    results: dict[str, list[FeatureImportance]] = {"set": [], "column": []}
    for kind, name, indices in track(jobs, _("Permuting features"), len(jobs)):
        results[kind].append(_compute_importance(dev, baseline, name, indices, num_repeats))
    ranked = [tuple(sorted(results[kind], key=lambda one: -one.score_drop)) for kind in ("set", "column")]
    return ranked[0], ranked[1]


def _compute_importance(
    dev: DevPredictor, baseline: Predictions, name: str, column_indices: list[int], num_repeats: int
) -> FeatureImportance:
    features = dev.prepared.arrays["features"]
    permuted = []
    for repeat in range(num_repeats):
        order = np.random.default_rng([0, repeat]).permutation(len(features))
        changed = features.copy()
        changed[:, column_indices] = features[order][:, column_indices]
        permuted.append(dev.predict({"features": changed}))
    clusters = compute_cluster_statistics(dev.align_runs([baseline, *permuted]))
    space, sign = dev.recognizer.space, get_metric(dev.metric).sign
    intact, shuffled = clusters[:1], clusters[1:]
    score = float(metrics_from_statistics(space, intact.sum(1))[dev.metric][0])
    drops = [sign * (score - float(one)) for one in metrics_from_statistics(space, shuffled.sum(1))[dev.metric]]
    replicates = [jackknife_metrics(space, side)[dev.metric] for side in (intact, shuffled)]
    drop = float(np.mean(drops))
    low, high = jackknife_interval(drop, sign * (replicates[0] - replicates[1]), is_proportion=False)
    return FeatureImportance(name, len(column_indices), drop, low, high, float(np.std(drops, ddof=1)))
