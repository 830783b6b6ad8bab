"""What a baseline learned, as arrays that need no library to be read: fitted by scikit-learn, applied here.

A head turns ``(N, V)`` numbers, sparse or dense, into ``(N, K)`` probabilities, or a number. The same code
applies it when its strength is chosen, when a study scores it and when it was loaded.
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
        """Return ``(N, K)`` probabilities, or the numbers ``(N, 1)``."""
        return _APPLY_HEAD[self.kind](features, self.arrays)


def fit_logistic_regression(
    inverse_regularization: float, features: Any, truth: NDArray, num_classes: int
) -> Head:
    """Fit logistic regression; a label that train never has gets 0."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=inverse_regularization, max_iter=2000).fit(features, truth)
    weights, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # one row of weights says how much more the second is
        weights, bias = np.vstack([0 * weights, weights]), np.concatenate([0 * bias, bias])
    full = np.zeros((num_classes, weights.shape[1])), np.full(num_classes, -np.inf)
    full[0][model.classes_], full[1][model.classes_] = weights, bias
    return Head("softmax", {"weights": full[0], "bias": full[1]})


def fit_multilabel_logistic_regression(
    inverse_regularization: float, features: Any, truth: NDArray, num_classes: int
) -> Head:
    """Fit logistic regression for each label; one that train always or never has gets 1 or 0."""
    from sklearn.linear_model import LogisticRegression

    weights, bias = np.zeros((num_classes, features.shape[1])), np.where(truth.all(axis=0), np.inf, -np.inf)
    for label in np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0)):
        model = LogisticRegression(C=inverse_regularization, solver="liblinear").fit(features, truth[:, label])
        weights[label], bias[label] = model.coef_[0], model.intercept_[0]
    return Head("sigmoids", {"weights": weights, "bias": bias})


def fit_svm(inverse_regularization: float, features: Any, truth: NDArray, num_classes: int) -> Head:
    """Fit a support vector machine with a Gaussian kernel."""
    from sklearn.svm import SVC

    model = SVC(C=inverse_regularization, class_weight="balanced", cache_size=1000).fit(features, truth)
    return Head("machine", {
        "vectors": model.support_vectors_, "weights": model.dual_coef_, "bias": model.intercept_,
        "counts": model.n_support_, "classes": model.classes_, "gamma": np.array(model._gamma), "k": np.array(num_classes),
    })  # fmt: skip


def fit_ridge(inverse_regularization: float, features: Any, truth: NDArray, num_classes: int) -> Head:
    """Fit ridge regression."""
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=1 / inverse_regularization).fit(features, truth)
    return Head("number", {"weights": model.coef_[None], "bias": np.atleast_1d(model.intercept_)})


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
    """Turn votes of pairs of classes into margins, as `sklearn.svm.SVC` does, and by softmax into shares."""
    from scipy.spatial.distance import cdist
    from scipy.special import softmax

    classes, ends = arrays["classes"].astype(int), np.cumsum(arrays["counts"].astype(int))
    kernel = np.exp(
        -arrays["gamma"] * cdist(np.asarray(features, dtype=np.float64), arrays["vectors"], "sqeuclidean")
    )
    of = [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    votes, sure = np.zeros((2, len(kernel), len(classes)))
    pair = 0
    for i in range(len(classes)):
        for j in range(i + 1, len(classes)):
            first = kernel[:, of[i]] @ arrays["weights"][j - 1, of[i]]
            said = first + kernel[:, of[j]] @ arrays["weights"][i, of[j]] + arrays["bias"][pair]
            said = -said if len(classes) == 2 else said  # of two classes scikit-learn turns the signs
            votes[:, i], votes[:, j] = votes[:, i] + (said > 0), votes[:, j] + (said <= 0)
            sure[:, i], sure[:, j] = sure[:, i] + said, sure[:, j] - said
            pair += 1
    margins = np.full((len(kernel), int(arrays["k"])), -np.inf)  # a label that train never has gets 0
    margins[:, classes] = sure if len(classes) == 2 else votes + sure / (3 * (np.abs(sure) + 1))
    return softmax(margins, axis=1)


_APPLY_HEAD: dict[str, Callable[[Any, Mapping[str, Array]], Array]] = {
    "constant": _constant,
    "softmax": _softmax,
    "sigmoids": _sigmoid,
    "machine": _svm,
    "number": _linear,
}
