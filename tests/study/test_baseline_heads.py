"""Heads predict the same as scikit-learn's models, also with labels that are missing in train."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC

from sentir.study.baseline_heads import (
    fit_logistic_regression,
    fit_multilabel_logistic_regression,
    fit_ridge,
    fit_svm,
)


def make_data(k, n=120, seed=0):
    rng = np.random.default_rng([seed, k])
    rows = rng.normal(size=(n, 6))
    return rows, (rows[:, :k] + rng.normal(size=(n, k))).argmax(axis=1), rng.normal(size=(50, 6))


@pytest.mark.parametrize("missing", [None, 0, 2])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_logistic_regression_and_svm_agree_with_scikit_learn(k, missing):
    rows, truth, new = make_data(k)
    truth = truth if missing is None else truth + (truth >= missing)  # a label that is not in train
    total = k if missing is None else k + 1
    counts = dict(zip(*np.unique(truth, return_counts=True), strict=True))
    weights = np.array([counts[label] ** -0.5 for label in truth])
    regression = LogisticRegression(C=3.0, max_iter=2000)
    regression.fit(rows, truth, sample_weight=weights / weights.mean())
    svm = SVC(C=3.0, gamma=0.3 / 6, class_weight="balanced").fit(rows, truth)
    margins = svm.decision_function(new)
    margins = np.stack([-margins, margins], axis=1) if margins.ndim == 1 else margins
    for fitted, expected in (
        (fit_logistic_regression, regression.predict_proba(new)),
        (fit_svm, softmax(margins, axis=1)),
    ):
        found = fitted(3.0, rows, truth, total)(new)
        np.testing.assert_allclose(found[:, regression.classes_], expected, atol=1e-9)
        assert found.shape == (50, total) and (np.delete(found, regression.classes_, axis=1) == 0).all()


def test_multilabel_logistic_regression_fits_each_label_independently():
    rows, truth, new = make_data(3)
    both = np.stack([truth == 0, truth < 2, np.ones(120), np.zeros(120)], axis=1)
    found = fit_multilabel_logistic_regression(1.0, csr_matrix(rows), both, 4)(csr_matrix(new))
    for label in range(2):
        model = LogisticRegression(C=1.0, solver="liblinear").fit(rows, both[:, label])
        np.testing.assert_allclose(found[:, label], model.predict_proba(new)[:, 1], atol=1e-3)
    assert (found[:, 2] == 1).all() and (found[:, 3] == 0).all(), "one label is always in train, the other never"


def test_ridge_regression_agrees_with_scikit_learn():
    rows, truth, new = make_data(3)
    expected = Ridge(alpha=0.5).fit(rows, truth).predict(new)
    np.testing.assert_allclose(fit_ridge(2.0, rows, truth, 1)(new)[:, 0], expected)
