"""Cheap models: words or numbers into logistic regression."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from flaws.held_out import Ground, Rows, Said, encode
from sentir.corpus.cleaning import clean_text
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import Utterance
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.recipe import DEFAULT_CLEANING

Inputs = Any  # a matrix of N rows, sparse or not
PredictProba = Callable[[Inputs], NDArray[np.float64]]
Vectorize = Callable[[Rows], Inputs]


def fit_tfidf(rows: Rows, *, cleaning: Sequence[str] = DEFAULT_CLEANING, **settings: Any) -> Vectorize:
    """Fit a vocabulary on rows, and return what counts its words by tf-idf."""
    vectorizer = TfidfVectorizer(
        **{"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True, "token_pattern": r"(?u)\b\w+\b|[!?]"}
        | settings
    )

    def texts(rows: Rows) -> list[str]:
        return [_clean(u.text or "", tuple(cleaning)) for u in rows]

    vectorizer.fit(texts(rows))
    return lambda rows: vectorizer.transform(texts(rows))


_clean = cache(clean_text)


def fit_logistic_regression(space: LabelSpace, inputs: Inputs, rows: Rows, C: float = 3.0) -> PredictProba:
    """Fit logistic regression, one label against the rest; a label that no row has gets probability 0."""
    one = LogisticRegression(C=C, solver="liblinear")
    model = OneVsRestClassifier(one).fit(inputs, encode(space, rows))
    if space.multilabel:
        return model.predict_proba

    def probabilities(inputs: Inputs) -> NDArray[np.float64]:
        full = np.zeros((inputs.shape[0], len(space)))
        full[:, model.classes_] = model.predict_proba(inputs)
        return full

    return probabilities


def hstack(*columns: Inputs) -> Inputs:
    """Put matrices of the same rows side by side."""
    return sparse.hstack([sparse.csr_matrix(part) for part in columns], format="csr")


def predict_sides(
    space: LabelSpace, model: PredictProba, dev: tuple[Inputs, Rows], *sides: tuple[Inputs, Rows]
) -> list[Said]:
    """Return what a model says of each side, at thresholds that dev chose where there are several labels."""
    cuts = tune_thresholds(space, encode(space, dev[1]), model(dev[0]))
    return [Said(space, rows, [(model(inputs), cuts)]) for inputs, rows in sides]


def labeled(rows: Iterable[Utterance], *tasks: str) -> list[Utterance]:
    """Return the rows that have labels for all these tasks."""
    return [u for u in rows if all(task in u.labels for task in tasks)]


@cache
def fit_bag_of_words(ground: Ground, task: str) -> tuple[Vectorize, PredictProba]:
    """Return the bag of words of train, as it should be: what counts, and what answers."""
    rows = labeled(ground.train, task)
    count = fit_tfidf(rows)
    return count, fit_logistic_regression(ground.label_space(task), count(rows), rows)


def predict_bag_of_words(ground: Ground, rows: Rows) -> Said:
    """Return what the bag of words says of the emotions of rows."""
    dev, rows = labeled(ground.dev, "emotion"), labeled(rows, "emotion")
    count, model = fit_bag_of_words(ground, "emotion")
    return predict_sides(ground.label_space("emotion"), model, (count(dev), dev), (count(rows), rows))[0]
