"""Heads of baselines: fitted by scikit-learn, kept as plain arrays, and applied with NumPy.

A head maps ``(N, V)`` features, sparse or dense, to ``(N, K)`` probabilities, or in regression ``(N, 1)`` values.
The same code applies it when its regularization is selected, when a study scores it, and after loading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_GAMMA_FACTOR = 0.3  # of scikit-learn's default: docs/decisions/acoustic-features.md


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A fitted head: its kind and its arrays."""

    kind: str
    arrays: Mapping[str, Array]

    def __call__(self, features: Any) -> Array:
        """Return ``(N, K)`` probabilities, or ``(N, 1)`` values in regression."""
        return _APPLY_HEAD[self.kind](features, self.arrays)


def fit_logistic_regression(
    inverse_regularization: float, features: Any, truth: NDArray, num_classes: int
) -> Head:
    """Fit logistic regression with class weights; labels that are not in train get probability 0.

    Each utterance weighs the inverse square root of its label's frequency, 1 on average: rare labels are found
    more often, without the false alarms of ``class_weight="balanced"``.
    """
    from sklearn.linear_model import LogisticRegression

    frequencies = np.bincount(truth, minlength=num_classes)[truth] / len(truth)
    weights = 1 / np.sqrt(frequencies)
    model = LogisticRegression(C=inverse_regularization, max_iter=2000)
    model.fit(features, truth, sample_weight=weights / weights.mean())
    weights, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one row, for the second class
        weights, bias = np.vstack([0 * weights, weights]), np.concatenate([0 * bias, bias])
    all_weights, all_bias = np.zeros((num_classes, weights.shape[1])), np.full(num_classes, -np.inf)
    all_weights[model.classes_], all_bias[model.classes_] = weights, bias
    return Head("softmax", {"weights": all_weights, "bias": all_bias})


def fit_multilabel_logistic_regression(
    inverse_regularization: float, features: Any, truth: NDArray, num_classes: int
) -> Head:
    """Fit logistic regression per label; a label that is always or never in train gets probability 1 or 0."""
    from sklearn.linear_model import LogisticRegression

    weights, bias = np.zeros((num_classes, features.shape[1])), np.where(truth.all(axis=0), np.inf, -np.inf)
    for label in np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0)):
        model = LogisticRegression(C=inverse_regularization, solver="liblinear").fit(features, truth[:, label])
        weights[label], bias[label] = model.coef_[0], model.intercept_[0]
    return Head("sigmoid", {"weights": weights, "bias": bias})


def fit_svm(inverse_regularization: float, features: Any, truth: NDArray, num_classes: int) -> Head:
    """Fit a support vector machine with a Gaussian kernel, wide for standardized features that overlap."""
    from sklearn.svm import SVC

    gamma = _GAMMA_FACTOR / features.shape[1]
    model = SVC(C=inverse_regularization, gamma=gamma, class_weight="balanced", cache_size=1000)
    model.fit(features, truth)
    return Head("svm", {
        "vectors": model.support_vectors_, "weights": model.dual_coef_, "bias": model.intercept_,
        "counts": model.n_support_, "classes": model.classes_, "gamma": np.array(model._gamma),
        "k": np.array(num_classes),
    })  # fmt: skip


def fit_ridge(inverse_regularization: float, features: Any, truth: NDArray, num_classes: int) -> Head:
    """Fit ridge regression."""
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=1 / inverse_regularization).fit(features, truth)
    return Head("linear", {"weights": model.coef_[None], "bias": np.atleast_1d(model.intercept_)})


def _linear(features: Any, arrays: Mapping[str, Array]) -> Array:
    return np.asarray(features @ arrays["weights"].T) + arrays["bias"]


def _softmax(features: Any, arrays: Mapping[str, Array]) -> Array:
    return _normalize(_linear(features, arrays))


def _normalize(z: Array) -> Array:
    z = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(z / z.sum(axis=1, keepdims=True))


def _sigmoid(features: Any, arrays: Mapping[str, Array]) -> Array:
    return np.exp(-np.logaddexp(0.0, -_linear(features, arrays)))


def _constant(features: Any, arrays: Mapping[str, Array]) -> Array:
    return np.tile(arrays["row"], (len(features), 1))


def _svm(features: Any, arrays: Mapping[str, Array]) -> Array:
    """Turn one-vs-one decisions into margins per class, as `sklearn.svm.SVC` does, and apply softmax."""
    classes, ends = arrays["classes"].astype(int), np.cumsum(arrays["counts"].astype(int))
    kernel = np.exp(-arrays["gamma"] * _squared_distances(np.asarray(features, np.float64), arrays["vectors"]))
    support = [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    votes, confidences = np.zeros((2, len(kernel), len(classes)))
    pair = 0
    for i in range(len(classes)):
        for j in range(i + 1, len(classes)):
            first = kernel[:, support[i]] @ arrays["weights"][j - 1, support[i]]
            decision = first + kernel[:, support[j]] @ arrays["weights"][i, support[j]] + arrays["bias"][pair]
            decision = -decision if len(classes) == 2 else decision  # scikit-learn flips the sign of two classes
            votes[:, i], votes[:, j] = votes[:, i] + (decision > 0), votes[:, j] + (decision <= 0)
            confidences[:, i], confidences[:, j] = confidences[:, i] + decision, confidences[:, j] - decision
            pair += 1
    scaled = confidences if len(classes) == 2 else votes + confidences / (3 * (np.abs(confidences) + 1))
    margins = np.full((len(kernel), int(arrays["k"])), -np.inf)  # labels that are not in train get probability 0
    margins[:, classes] = scaled
    return _normalize(margins)


def _squared_distances(a: Array, b: Array) -> Array:
    """Return the ``(N, M)`` squared distances of N and M rows."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)
    return np.maximum(squares - 2 * (a @ b.T), 0.0)


_APPLY_HEAD: dict[str, Callable[[Any, Mapping[str, Array]], Array]] = {
    "constant": _constant,
    "softmax": _softmax,
    "sigmoid": _sigmoid,
    "svm": _svm,
    "linear": _linear,
}
