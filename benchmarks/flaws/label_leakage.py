"""Inputs that know the label: the gold label of another task, columns made from it, a model that saw the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from flaws.baselines import beside, labeled, learn, say, words
from flaws.held_out import FOLDS, Finding, Ground, Rows, encode, find
from sentir.corpus.labels import EMOTIONS
from sentir.study.stacking import assign_folds

Columns = Callable[[Rows], NDArray[np.float64]]
INNER_C = 100.0  # knows by heart what it learned from


def gold_emotion(ground: Ground) -> Iterator[Finding]:
    """Sentiment from words and the annotated emotion."""
    emotion = ground.label_space("emotion")

    def gold(rows: Rows) -> NDArray[np.float64]:
        truth = encode(emotion, rows)
        return (truth if emotion.multilabel else np.eye(len(emotion))[truth]).astype(np.float64)

    yield _compare_with_columns("gold emotion as an input of the sentiment model", ground, "sentiment", gold)


def target_columns(ground: Ground) -> Iterator[Finding]:
    """Emotions from words and two columns made of their annotated intensities."""
    if not ground.label_space("emotion").multilabel:
        return

    def columns(rows: Rows) -> NDArray[np.float64]:
        scores = np.array([[u.scores.get(name, 0.0) for name in EMOTIONS] for u in rows])
        dominant = np.eye(len(EMOTIONS))[scores.argmax(axis=1)] * (scores.max(axis=1, keepdims=True) > 0)
        return np.hstack([scores.max(axis=1, keepdims=True), dominant])

    yield _compare_with_columns(
        "`intensity` and `dominant_emotion` as inputs of the emotion model", ground, "emotion", columns
    )


def _compare_with_columns(flaw: str, ground: Ground, task: str, columns: Columns) -> Finding:
    """Words alone, words and columns, and the latter where nobody has filled the columns in."""
    space = ground.label_space(task)
    train, dev, held = (labeled(rows, "emotion", task) for rows in (ground.train, ground.dev, ground.held))
    count = words(train)
    x, x_dev, x_held = (count(rows) for rows in (train, dev, held))
    (right,) = say(space, learn(space, x, train), (x_dev, dev), (x_held, held))
    told, worth = say(
        space,
        learn(space, beside(x, columns(train)), train),
        (beside(x_dev, columns(dev)), dev),
        (beside(x_held, columns(held)), held),
        (beside(x_held, 0 * columns(held)), held),
    )
    return find(flaw, ground, right, told, worth)


def stacking_in_sample(ground: Ground) -> Iterator[Finding]:
    """A text model's probabilities for this turn and the one before."""
    space = ground.label_space("emotion")
    train, dev, held = (labeled(rows, "emotion") for rows in (ground.train, ground.dev, ground.held))
    count = words(train)
    x, x_dev, x_held = (count(rows) for rows in (train, dev, held))
    inner = learn(space, x, train, INNER_C)
    fold_of = assign_folds(train, FOLDS, 0)
    crossed = np.zeros((len(train), len(space)))
    for fold in range(FOLDS):
        inside = np.array([fold_of[u.id] == fold for u in train])
        rest = [u for u, is_inside in zip(train, inside, strict=True) if not is_inside]
        crossed[inside] = learn(space, x[~inside], rest, INNER_C)(x[inside])
    both = learn(space, sparse.vstack([x, x_dev], format="csr"), [*train, *dev], INNER_C)
    ways = {
        "out of fold": (crossed, inner(x_dev), inner(x_held)),
        "train": (inner(x), inner(x_dev), inner(x_held)),
        "train and dev": (both(x), both(x_dev), both(x_held)),
    }
    found = {}
    for way, (p, p_dev, p_held) in ways.items():
        inputs = _dialogue_features(train, p), _dialogue_features(dev, p_dev), _dialogue_features(held, p_held)
        model = learn(space, inputs[0], train, 1.0)
        found[way] = say(space, model, (inputs[1], dev), (inputs[1], dev), (inputs[2], held))
    (right, right_held), (_told, in_sample), (told, worth) = found.values()
    yield find("stacked on a model that learned from train and dev; dev", ground, right, told, worth)
    yield find("stacked on a model that learned from train; rows it never saw", ground, right_held, in_sample)


def _dialogue_features(rows: Rows, p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-odds of each row and of the row before it in its dialogue, ``(N, 2K)``."""
    odds = np.log((p + 1e-3) / (1 - p + 1e-3))
    place = {(u.dialogue, u.turn): n for n, u in enumerate(rows)}
    before = np.array([place.get((u.dialogue, u.turn - 1), -1) for u in rows])
    return np.hstack([odds, np.where(before[:, None] >= 0, odds[before], 0.0)])
