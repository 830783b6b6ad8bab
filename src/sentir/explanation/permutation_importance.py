"""Permutation importance: what a score loses when a column of numbers no longer belongs to its utterances."""

from __future__ import annotations

import numpy as np
import torch

from sentir.evaluation.intervals import by_dialogue, metrics_without
from sentir.evaluation.jackknife import interval
from sentir.evaluation.metrics import from_statistics
from sentir.evaluation.results import CONFIDENCE, gain
from sentir.explanation.dev_predictor import Dev
from sentir.explanation.results import Importance
from sentir.i18n import _
from sentir.progress import track

REPEATS = 5


def permutation_importance(
    dev: Dev, *, repeats: int = REPEATS, seed: int = 0
) -> tuple[tuple[Importance, ...], tuple[Importance, ...]]:
    """Permute every column, and every feature set as a whole, within dev (Breiman 2001; Fisher et al. 2019).

    Columns that tell the same stand in for one another: each alone may lose nothing where their set loses much.

    Args:
        dev: of the recognizer.
        repeats: permutations of each.
        seed: of the permutations, the same for all.

    Returns:
        The importance of the feature sets and of the columns, the largest first; nothing without numbers.
    """
    scaler = dev.recognizer.preparer.scaler
    if scaler is None or not scaler.names:
        return (), ()
    columns = {name: [k] for k, name in enumerate(scaler.names)}
    sets: dict[str, list[int]] = {}
    for name, (k,) in columns.items():
        sets.setdefault(name.partition(".")[0], []).append(k)
    full = dev.ask()
    wanted = [(kind, name, of[name]) for kind, of in (("set", sets), ("column", columns)) for name in of]
    found: dict[str, list[Importance]] = {"set": [], "column": []}
    for kind, name, places in track(wanted, _("Permuting numbers"), len(wanted)):
        found[kind].append(_importance(dev, full, name, places, repeats, seed))
    ranked = [tuple(sorted(found[kind], key=lambda one: -one.loss)) for kind in ("set", "column")]
    return ranked[0], ranked[1]


def _importance(dev: Dev, full, name: str, places: list[int], repeats: int, seed: int) -> Importance:
    features = dev.prepared.tensors["features"]
    permuted = []
    for repeat in range(repeats):
        order = torch.from_numpy(np.random.default_rng([seed, repeat]).permutation(len(features)))
        changed = features.clone()
        changed[:, places] = features[order][:, places]
        permuted.append(dev.ask({"features": changed}))
    truth, runs, groups = dev.runs([full, *permuted])
    space = dev.recognizer.space
    whole, without = (by_dialogue(space, truth, some, groups) for some in (runs[:1], runs[1:]))
    score = float(from_statistics(space, whole.sum(1))[dev.metric][0])
    lost = [gain(dev.metric, score - float(s)) for s in from_statistics(space, without.sum(1))[dev.metric]]
    sides = [metrics_without(space, side)[dev.metric] for side in (whole, without)]
    loss = float(np.mean(lost))
    sign = gain(dev.metric, 1)
    low, high = interval(loss, sign * (sides[0] - sides[1]), share=False, confidence=CONFIDENCE)
    return Importance(name, len(places), loss, low, high, float(np.std(lost, ddof=1)))
