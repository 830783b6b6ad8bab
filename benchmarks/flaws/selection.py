"""Selection on the data that is scored: candidates, thresholds, epochs."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.neural_network import MLPClassifier

from flaws.baselines import fit_tfidf, labeled, predict_bag_of_words, predict_sides
from flaws.held_out import (
    Finding,
    HeldOutCorpus,
    PredictedRows,
    Rows,
    compare_scores,
    encode_labels,
    percentile_interval,
)
from sentir.corpus.labels import LabelSpace
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import metrics_from_statistics, resolve_metric

CANDIDATES, SPLIT_HALVES, SEARCH_EPOCHS, EPOCHS, SVD_COMPONENTS = 20, 200, 8, 30, 100


def best_of_many_on_test(data: HeldOutCorpus) -> Iterator[Finding]:
    """Twenty small networks: the best on half of the held-out rows, whose true score is that on the other half.

    The scores are means over random halves of dialogues; the interval covers 95 % of them.
    """
    space = data.label_space("emotion")
    train, dev, held, x, x_dev, x_held = _svd_features(data, space)
    runs, on_dev = [], []
    for seed in range(CANDIDATES):
        model = _network(seed)
        for _epoch in range(SEARCH_EPOCHS):
            model.partial_fit(x, encode_labels(space, train), classes=np.arange(len(space)))
        predicted_dev, predicted_held = predict_sides(
            space, model.predict_proba, (x_dev, dev), (x_dev, dev), (x_held, held)
        )
        on_dev.append(predicted_dev.score)
        runs += predicted_held.runs
    dialogues = sorted({u.dialogue for u in held})
    clusters = PredictedRows(space, held, runs).clusters(dialogues)
    selected, halves = int(np.argmax(on_dev)), []
    for n in range(SPLIT_HALVES):
        seen = np.random.default_rng(n).permutation(len(dialogues)) < len(dialogues) // 2
        half, other = (_metric_values(space, clusters[:, mask]) for mask in (seen, ~seen))
        best = int(np.argmax(half))
        halves.append((half[selected], half[best], other[best], half[best] - half[selected]))
    correct, reported, true_score, _gap = np.mean(halves, axis=0)
    low, high = percentile_interval(np.array(halves)[:, 3])
    measured_on = f"{data.name}, emotion"
    yield Finding(
        "the best of 20 candidates, selected on test", measured_on, correct, reported, low, high, true_score
    )


def _metric_values(space: LabelSpace, clusters: NDArray[np.float64]) -> NDArray[np.float64]:
    return metrics_from_statistics(space, clusters.sum(axis=1))[resolve_metric(space)]


def thresholds_on_test(data: HeldOutCorpus) -> Iterator[Finding]:
    """Multi-label thresholds tuned on the rows that are scored."""
    space = data.label_space("emotion")
    if space.kind != "multi":
        return
    correct = predict_bag_of_words(data, data.held_out)
    p = correct.runs[0][0]
    reported = PredictedRows(space, correct.rows, [(p, tune_thresholds(space, correct.truth, p))])
    yield compare_scores("thresholds per label, tuned on test", data, correct, reported)


def last_epoch_weights(data: HeldOutCorpus) -> Iterator[Finding]:
    """The weights of the best epoch on dev, kept by reference or by copy."""
    space = data.label_space("emotion")
    train, dev, held, x, x_dev, x_held = _svd_features(data, space)
    copied, referenced = [], []
    for seed in range(data.num_repeats):
        model, best = _network(seed), float("-inf")
        for _epoch in range(EPOCHS):
            model.partial_fit(x, encode_labels(space, train), classes=np.arange(len(space)))
            (on_dev,) = predict_sides(space, model.predict_proba, (x_dev, dev), (x_dev, dev))
            if on_dev.score > best:
                best, by_copy, by_reference = on_dev.score, deepcopy(model), model
        for best_model, runs in ((by_copy, copied), (by_reference, referenced)):
            runs += predict_sides(space, best_model.predict_proba, (x_dev, dev), (x_held, held))[0].runs
    correct, reported = PredictedRows(space, held, copied), PredictedRows(space, held, referenced)
    yield compare_scores("best weights kept by reference: the last epoch's are saved", data, correct, reported)


def _svd_features(data: HeldOutCorpus, space: LabelSpace) -> tuple[Rows, Rows, Rows, NDArray, NDArray, NDArray]:
    """Return labeled rows, and their words reduced to few dimensions."""
    train, dev, held = (labeled(rows, space.task) for rows in (data.train, data.dev, data.held_out))
    vectorize = fit_tfidf(train)
    reduce = TruncatedSVD(SVD_COMPONENTS, random_state=0).fit(vectorize(train))
    x, x_dev, x_held = (10 * reduce.transform(vectorize(rows)) for rows in (train, dev, held))
    return train, dev, held, x, x_dev, x_held


def _network(seed: int) -> MLPClassifier:
    return MLPClassifier((64,), learning_rate_init=3e-3, random_state=seed)
