"""Cheap models: logistic regression on bags of words or features."""

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

from flaws.held_out import HeldOutCorpus, PredictedRows, Rows, encode_labels
from sentir.corpus.cleaning import clean_text
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import Utterance
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.recipe import DEFAULT_CLEANING

Inputs = Any  # a matrix of N rows, sparse or not
PredictProba = Callable[[Inputs], NDArray[np.float64]]
Vectorize = Callable[[Rows], Inputs]


def fit_tfidf(rows: Rows, *, cleaning: Sequence[str] = DEFAULT_CLEANING, **settings: Any) -> Vectorize:
    """Fit a tf-idf vocabulary on rows, and return the function that vectorizes rows by it."""
    vectorizer = TfidfVectorizer(
        **{"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True, "token_pattern": r"(?u)\b\w+\b|[!?]"}
        | settings
    )

    def texts(rows: Rows) -> list[str]:
        return [_clean(u.text or "", tuple(cleaning)) for u in rows]

    vectorizer.fit(texts(rows))
    return lambda rows: vectorizer.transform(texts(rows))


_clean = cache(clean_text)


def fit_logistic_regression(space: LabelSpace, inputs: Inputs, rows: Rows, c: float = 3.0) -> PredictProba:
    """Fit one-vs-rest logistic regression; a label without rows gets probability 0."""
    one = LogisticRegression(C=c, solver="liblinear")
    model = OneVsRestClassifier(one).fit(inputs, encode_labels(space, rows))
    if space.kind == "multi":
        return model.predict_proba

    def probabilities(inputs: Inputs) -> NDArray[np.float64]:
        full = np.zeros((inputs.shape[0], len(space)))
        full[:, model.classes_] = model.predict_proba(inputs)
        return full

    return probabilities


def hstack(*columns: Inputs) -> Inputs:
    """Concatenate matrices of the same rows."""
    return sparse.hstack([sparse.csr_matrix(part) for part in columns], format="csr")


def predict_sides(
    space: LabelSpace, model: PredictProba, dev: tuple[Inputs, Rows], *sides: tuple[Inputs, Rows]
) -> list[PredictedRows]:
    """Return the predictions of a model for each side; multi-label thresholds are tuned on dev."""
    cuts = tune_thresholds(space, encode_labels(space, dev[1]), model(dev[0]))
    return [PredictedRows(space, rows, [(model(inputs), cuts)]) for inputs, rows in sides]


def labeled(rows: Iterable[Utterance], *tasks: str) -> list[Utterance]:
    """Return the rows that are labeled in all these tasks."""
    return [u for u in rows if all(task in u.labels for task in tasks)]


@cache
def fit_bag_of_words(data: HeldOutCorpus, task: str) -> tuple[Vectorize, PredictProba]:
    """Fit the bag of words correctly, on train; return the vectorizer and the model."""
    rows = labeled(data.train, task)
    vectorize = fit_tfidf(rows)
    return vectorize, fit_logistic_regression(data.label_space(task), vectorize(rows), rows)


def predict_bag_of_words(data: HeldOutCorpus, rows: Rows) -> PredictedRows:
    """Return the emotions that the bag of words predicts for rows."""
    dev, rows = labeled(data.dev, "emotion"), labeled(rows, "emotion")
    vectorize, model = fit_bag_of_words(data, "emotion")
    return predict_sides(data.label_space("emotion"), model, (vectorize(dev), dev), (vectorize(rows), rows))[0]
