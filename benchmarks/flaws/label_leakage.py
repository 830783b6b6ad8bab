"""Label leakage: gold labels of another task, columns derived from labels, a model trained on the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from flaws.baselines import fit_logistic_regression, fit_tfidf, hstack, labeled, predict_sides
from flaws.held_out import FOLDS, Finding, HeldOutCorpus, Rows, compare_scores, encode_labels
from sentir.corpus.labels import EMOTIONS
from sentir.study.stacking import assign_folds

Columns = Callable[[Rows], NDArray[np.float64]]
INNER_C = 100.0  # memorizes its training rows


def gold_emotion(data: HeldOutCorpus) -> Iterator[Finding]:
    """Predict sentiment from words and the annotated emotion."""
    emotion = data.label_space("emotion")

    def gold(rows: Rows) -> NDArray[np.float64]:
        truth = encode_labels(emotion, rows)
        return (truth if emotion.kind == "multi" else np.eye(len(emotion))[truth]).astype(np.float64)

    yield _compare_with_columns("gold emotion as an input of the sentiment model", data, "sentiment", gold)


def target_columns(data: HeldOutCorpus) -> Iterator[Finding]:
    """Predict emotions from words and two columns derived from their annotated intensities."""
    if data.label_space("emotion").kind != "multi":
        return

    def columns(rows: Rows) -> NDArray[np.float64]:
        scores = np.array([[u.scores.get(name, 0.0) for name in EMOTIONS] for u in rows])
        dominant = np.eye(len(EMOTIONS))[scores.argmax(axis=1)] * (scores.max(axis=1, keepdims=True) > 0)
        return np.hstack([scores.max(axis=1, keepdims=True), dominant])

    yield _compare_with_columns(
        "`intensity` and `dominant_emotion` as inputs of the emotion model", data, "emotion", columns
    )


def _compare_with_columns(flaw: str, data: HeldOutCorpus, task: str, columns: Columns) -> Finding:
    """Compare words only, words and columns, and the latter where the columns are empty."""
    space = data.label_space(task)
    train, dev, held = (labeled(rows, "emotion", task) for rows in (data.train, data.dev, data.held_out))
    vectorize = fit_tfidf(train)
    x, x_dev, x_held = (vectorize(rows) for rows in (train, dev, held))
    (correct,) = predict_sides(space, fit_logistic_regression(space, x, train), (x_dev, dev), (x_held, held))
    reported, true_score = predict_sides(
        space,
        fit_logistic_regression(space, hstack(x, columns(train)), train),
        (hstack(x_dev, columns(dev)), dev),
        (hstack(x_held, columns(held)), held),
        (hstack(x_held, 0 * columns(held)), held),
    )
    return compare_scores(flaw, data, correct, reported, true_score)


def stacking_in_sample(data: HeldOutCorpus) -> Iterator[Finding]:
    """Stack on a text model's probabilities for this turn and the previous one."""
    space = data.label_space("emotion")
    train, dev, held = (labeled(rows, "emotion") for rows in (data.train, data.dev, data.held_out))
    vectorize = fit_tfidf(train)
    x, x_dev, x_held = (vectorize(rows) for rows in (train, dev, held))
    inner = fit_logistic_regression(space, x, train, INNER_C)
    fold_of = assign_folds(train, FOLDS, 0)
    crossed = np.zeros((len(train), len(space)))
    for fold in range(FOLDS):
        inside = np.array([fold_of[u.id] == fold for u in train])
        rest = [u for u, is_inside in zip(train, inside, strict=True) if not is_inside]
        crossed[inside] = fit_logistic_regression(space, x[~inside], rest, INNER_C)(x[inside])
    both = fit_logistic_regression(space, sparse.vstack([x, x_dev], format="csr"), [*train, *dev], INNER_C)
    variants = {
        "out of fold": (crossed, inner(x_dev), inner(x_held)),
        "train": (inner(x), inner(x_dev), inner(x_held)),
        "train and dev": (both(x), both(x_dev), both(x_held)),
    }
    predicted = {}
    for name, (p, p_dev, p_held) in variants.items():
        inputs = _dialogue_features(train, p), _dialogue_features(dev, p_dev), _dialogue_features(held, p_held)
        model = fit_logistic_regression(space, inputs[0], train, 1.0)
        predicted[name] = predict_sides(space, model, (inputs[1], dev), (inputs[1], dev), (inputs[2], held))
    (correct, correct_held), (_on_dev, in_sample), (reported, true_score) = predicted.values()
    flaw = "stacking on a model trained on train and dev, scored on dev"
    yield compare_scores(flaw, data, correct, reported, true_score)
    flaw = "stacking on a model trained on train, scored on held-out rows"
    yield compare_scores(flaw, data, correct_held, in_sample)


def _dialogue_features(rows: Rows, p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-odds of each row and of the row before it in its dialogue, ``(N, 2K)``."""
    odds = np.log((p + 1e-3) / (1 - p + 1e-3))
    position = {(u.dialogue, u.turn): n for n, u in enumerate(rows)}
    before = np.array([position.get((u.dialogue, u.turn - 1), -1) for u in rows])
    return np.hstack([odds, np.where(before[:, None] >= 0, odds[before], 0.0)])
