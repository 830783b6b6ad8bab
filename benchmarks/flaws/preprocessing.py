"""Preprocessing that is fitted on more than train, and mislabeled columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaws.baselines import (
    fit_bag_of_words,
    fit_logistic_regression,
    fit_tfidf,
    labeled,
    predict_bag_of_words,
    predict_sides,
)
from flaws.held_out import Finding, HeldOutCorpus, PredictedRows, compare_scores
from sentir.features import compute_features
from sentir.features.scaling import FeatureScaler

FEATURE_SETS = ("lexical", "dialogue")


def scaler_on_all_splits(data: HeldOutCorpus) -> Iterator[Finding]:
    """Features only, standardized on train, on everything, and on each split by itself."""
    space = data.label_space("emotion")
    splits = [labeled(rows, "emotion") for rows in (data.train, data.dev, data.held_out)]
    tables = [compute_features(FEATURE_SETS, rows) for rows in splits]
    everything = FeatureScaler.fit(compute_features(FEATURE_SETS, [u for rows in splits for u in rows]))
    variants = {
        "train": [FeatureScaler.fit(tables[0])] * 3,
        "features scaled over train, dev and test": [everything] * 3,
        "features scaled over each split by itself": [FeatureScaler.fit(table) for table in tables],
    }
    predicted = {}
    for name, scalers in variants.items():
        x, x_dev, x_held = (scaler.transform(table) for scaler, table in zip(scalers, tables, strict=True))
        model = fit_logistic_regression(space, x, splits[0])
        (predicted[name],) = predict_sides(space, model, (x_dev, splits[1]), (x_held, splits[2]))
    correct = predicted.pop("train")
    for flaw, reported in predicted.items():
        yield compare_scores(flaw, data, correct, reported)


def vocabulary_on_all_splits(data: HeldOutCorpus) -> Iterator[Finding]:
    """Vocabulary and tf-idf weights fitted on everything."""
    space = data.label_space("emotion")
    train, dev, held = (labeled(rows, "emotion") for rows in (data.train, data.dev, data.held_out))
    vectorize = fit_tfidf([*train, *dev, *held])
    (reported,) = predict_sides(
        space,
        fit_logistic_regression(space, vectorize(train), train),
        (vectorize(dev), dev),
        (vectorize(held), held),
    )
    yield compare_scores(
        "vocabulary and tf-idf fitted on train, dev and test", data, predict_bag_of_words(data, held), reported
    )


def shifted_columns(data: HeldOutCorpus) -> Iterator[Finding]:
    """Train lacks a label, and columns of probabilities are named in order."""
    space = data.label_space("emotion")
    if space.kind == "multi":
        return
    absent = space.names[1]
    train = [u for u in labeled(data.train, "emotion") if u.labels["emotion"] != (absent,)]
    dev, held = (labeled(rows, "emotion") for rows in (data.dev, data.held_out))
    vectorize = fit_tfidf(train)
    (correct,) = predict_sides(
        space,
        fit_logistic_regression(space, vectorize(train), train),
        (vectorize(dev), dev),
        (vectorize(held), held),
    )
    p = correct.runs[0][0]
    shifted = np.hstack([np.delete(p, 1, axis=1), np.zeros((len(p), 1))])
    reported = PredictedRows(space, held, [(shifted, None)])
    yield compare_scores(f"columns named in order when train lacks '{absent}'", data, correct, reported)


def raw_logits(data: HeldOutCorpus) -> Iterator[Finding]:
    """Logits instead of probabilities, thresholded at 0.5."""
    space = data.label_space("emotion")
    if space.kind != "multi":
        return
    held = labeled(data.held_out, "emotion")
    vectorize, model = fit_bag_of_words(data, "emotion")
    p = model(vectorize(held))
    correct = PredictedRows(space, held, [(p, np.full(len(space), 0.5))])
    logits = np.log(np.clip(p, 1e-9, 1) / np.clip(1 - p, 1e-9, 1))
    reported = PredictedRows(space, held, [(logits, np.full(len(space), 0.5))])
    yield compare_scores("raw logits thresholded at 0.5 like probabilities", data, correct, reported)
