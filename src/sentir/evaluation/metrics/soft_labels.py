"""Predicted probabilities against raters' distributions: the shares of their votes, or annotated intensities.

In a single-label task an utterance has one distribution over K labels; in a multi-label task K distributions over
present and absent, and its value is the mean over labels. A score is the mean over the utterances with votes or
intensities; no threshold and no majority is involved, and lower is better. Cross-entropy and Jensen-Shannon
divergence are what learning from disagreement is scored by (Uma et al., "Learning from Disagreement: A Survey",
JAIR 72, 2021); the Brier score is that of 1950 with shares instead of 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.evaluation.metrics.metric import Array, FloatArray, Metric
from sentir.i18n import gettext_noop

_MIN_PROBABILITY = 1e-12  # in a logarithm


def kl_divergence(votes: Array, p: Array) -> Array:
    """Kullback-Leibler divergence of p from the votes, in nats: ``scipy.stats.entropy(votes, p)``."""
    return cross_entropy(votes, p) - cross_entropy(votes, votes)


def js_divergence(votes: Array, p: Array) -> Array:
    """Jensen-Shannon divergence in bits, from 0 to 1: the square of SciPy's ``jensenshannon(…, base=2)``."""
    middle = (votes + p) / 2
    return (kl_divergence(votes, middle) + kl_divergence(p, middle)) / (2 * np.log(2))


def brier_score(votes: Array, p: Array) -> Array:
    """Squared distance of the probabilities from the votes, summed over the labels of a distribution."""
    return ((p - votes) ** 2).sum(axis=-1)


def cross_entropy(votes: Array, p: Array) -> Array:
    """Cross-entropy of p under the votes, in nats: what ``train.soft_labels`` minimizes."""
    return -(votes * np.log(np.maximum(p, _MIN_PROBABILITY))).sum(axis=-1)


def _metric(function: Callable[[Array, Array], Array], name: str, short_name: str, *, proportion: bool) -> Metric:
    return Metric(function, False, "proportion" if proportion else "scale", name, short_name)


SOFT_LABEL_METRICS = {
    "soft_js_divergence": _metric(
        js_divergence, gettext_noop("Jensen–Shannon divergence, soft labels"), gettext_noop("soft JS"),
        proportion=True,
    ),
    "soft_kl_divergence": _metric(
        kl_divergence, gettext_noop("KL divergence, soft labels"), gettext_noop("soft KL"), proportion=False
    ),
    "soft_cross_entropy": _metric(
        cross_entropy, gettext_noop("cross-entropy, soft labels"), gettext_noop("soft CE"), proportion=False
    ),
    "soft_brier": _metric(
        brier_score, gettext_noop("Brier score, soft labels"), gettext_noop("soft Brier"), proportion=False
    ),
}  # fmt: skip


def score_soft_labels(space: LabelSpace, soft_labels: Array, probabilities: FloatArray) -> dict[str, Array]:
    """Return metric → its value for each of N utterances, ``(N,)``.

    Args:
        space: of the task: single-label or multi-label.
        soft_labels: ``(N, K)``, see `LabelSpace.soft_labels`.
        probabilities: ``(N, K)``.
    """
    votes, p = (_distributions(space, np.asarray(one, np.float64)) for one in (soft_labels, probabilities))
    values = {name: metric.function(votes, p).mean(axis=1) for name, metric in SOFT_LABEL_METRICS.items()}
    if space.allows_no_label:  # the squared errors of present and absent are the same
        values["soft_brier"] /= 2
    return values


def _distributions(space: LabelSpace, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distributions of rows: ``(N, 1, K)``, or ``(N, K, 2)`` in a multi-label task."""
    return np.stack([rows, 1 - rows], axis=-1) if space.allows_no_label else rows[:, None]
