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
    """Fit logistic regression; labels that are not in train get probability 0."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=inverse_regularization, max_iter=2000).fit(features, truth)
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
    """Fit a support vector machine with a Gaussian kernel."""
    from sklearn.svm import SVC

    model = SVC(C=inverse_regularization, class_weight="balanced", cache_size=1000).fit(features, truth)
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
    from scipy.special import softmax

    return softmax(_linear(features, arrays), axis=1)


def _sigmoid(features: Any, arrays: Mapping[str, Array]) -> Array:
    from scipy.special import expit

    return expit(_linear(features, arrays))


def _constant(features: Any, arrays: Mapping[str, Array]) -> Array:
    return np.tile(arrays["row"], (len(features), 1))


def _svm(features: Any, arrays: Mapping[str, Array]) -> Array:
    """Turn one-vs-one decisions into margins per class, as `sklearn.svm.SVC` does, and apply softmax."""
    from scipy.spatial.distance import cdist
    from scipy.special import softmax

    classes, ends = arrays["classes"].astype(int), np.cumsum(arrays["counts"].astype(int))
    kernel = np.exp(
        -arrays["gamma"] * cdist(np.asarray(features, dtype=np.float64), arrays["vectors"], "sqeuclidean")
    )
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
    return softmax(margins, axis=1)


_APPLY_HEAD: dict[str, Callable[[Any, Mapping[str, Array]], Array]] = {
    "constant": _constant,
    "softmax": _softmax,
    "sigmoid": _sigmoid,
    "svm": _svm,
    "linear": _linear,
}
