"""What is chosen where it is judged: candidates, thresholds, epochs."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.neural_network import MLPClassifier

from flaws.baselines import honest, labeled, say, words
from flaws.held_out import Finding, Ground, Rows, Said, encode, find, interval
from sentir.corpus.labels import LabelSpace
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import metrics_from_statistics, resolve_metric

CANDIDATES, SPLIT_HALVES, SEARCH_EPOCHS, EPOCHS, SVD_COMPONENTS = 20, 200, 8, 30, 100


def best_of_many_on_test(ground: Ground) -> Iterator[Finding]:
    """Twenty small networks, the best on half of what is held; the other half tells what it is worth.

    The numbers are means over halvings by dialogue, the interval holds 95 % of the halvings.
    """
    space = ground.label_space("emotion")
    train, dev, held, x, x_dev, x_held = _svd_features(ground, space)
    runs, on_dev = [], []
    for seed in range(CANDIDATES):
        model = _network(seed)
        for _epoch in range(SEARCH_EPOCHS):
            model.partial_fit(x, encode(space, train), classes=np.arange(len(space)))
        said_dev, said_held = say(space, model.predict_proba, (x_dev, dev), (x_dev, dev), (x_held, held))
        on_dev.append(said_dev.value)
        runs += said_held.align_runs
    dialogues = sorted({u.dialogue for u in held})
    clusters = Said(space, held, runs).num_clusters(dialogues)
    chosen, halves = int(np.argmax(on_dev)), []
    for n in range(SPLIT_HALVES):
        seen = np.random.default_rng(n).permutation(len(dialogues)) < len(dialogues) // 2
        half, other = (_metric_values(space, clusters[:, mask]) for mask in (seen, ~seen))
        best = int(np.argmax(half))
        halves.append((half[chosen], half[best], other[best], half[best] - half[chosen]))
    right, told, worth, _gap = np.mean(halves, axis=0)
    low, high = interval(np.array(halves)[:, 3])
    on = f"{ground.name}, emotion"
    yield Finding("the best of 20 candidates, chosen on test", on, right, told, low, high, worth)


def _metric_values(space: LabelSpace, clusters: NDArray[np.float64]) -> NDArray[np.float64]:
    return metrics_from_statistics(space, clusters.sum(axis=1))[resolve_metric(space)]


def thresholds_on_test(ground: Ground) -> Iterator[Finding]:
    """Thresholds of several labels, chosen where they are judged."""
    space = ground.label_space("emotion")
    if not space.multilabel:
        return
    right = honest(ground, ground.held)
    p = right.align_runs[0][0]
    told = Said(space, right.rows, [(p, tune_thresholds(space, right.truth, p))])
    yield find("a threshold per label, chosen on test", ground, right, told)


def last_epoch_weights(ground: Ground) -> Iterator[Finding]:
    """The weights of the best epoch on dev, kept by reference and by copy."""
    space = ground.label_space("emotion")
    train, dev, held, x, x_dev, x_held = _svd_features(ground, space)
    kept, named = [], []
    for seed in range(ground.num_repeats):
        model, best = _network(seed), float("-inf")
        for _epoch in range(EPOCHS):
            model.partial_fit(x, encode(space, train), classes=np.arange(len(space)))
            (on_dev,) = say(space, model.predict_proba, (x_dev, dev), (x_dev, dev))
            if on_dev.value > best:
                best, by_copy, by_reference = on_dev.value, deepcopy(model), model
        for found, runs in ((by_copy, kept), (by_reference, named)):
            runs += say(space, found.predict_proba, (x_dev, dev), (x_held, held))[0].align_runs
    right, told = Said(space, held, kept), Said(space, held, named)
    yield find("best weights kept by reference: the last epoch's are saved", ground, right, told)


def _svd_features(ground: Ground, space: LabelSpace) -> tuple[Rows, Rows, Rows, NDArray, NDArray, NDArray]:
    """Return labeled rows, and their words in few dimensions."""
    train, dev, held = (labeled(rows, space.task) for rows in (ground.train, ground.dev, ground.held))
    count = words(train)
    reduce = TruncatedSVD(SVD_COMPONENTS, random_state=0).fit(count(train))
    x, x_dev, x_held = (10 * reduce.transform(count(rows)) for rows in (train, dev, held))
    return train, dev, held, x, x_dev, x_held


def _network(seed: int) -> MLPClassifier:
    return MLPClassifier((64,), learning_rate_init=3e-3, random_state=seed)
