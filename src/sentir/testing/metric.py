"""The contract test of metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.corpus.labels import LabelSpace
from sentir.evaluation.metrics import compute_statistics, count_metrics, get_metric, metrics_from_statistics
from sentir.evaluation.metrics.metric import Metric

_TOLERANCE = 1e-9
_NUM_UTTERANCES = 60
SPACES = (
    SingleLabelSpace("emotion", ("anger", "joy", "neutral", "sadness")),
    MultiLabelSpace("emotion", ("anger", "joy", "sadness")),
    RegressionSpace("sentiment_intensity", "sentiment", (-3.0, 3.0)),
)


def check_metric(name: str) -> None:
    """Check the guarantees of every metric that can select models, for each kind of label space that it is for.

    It computes one finite number per row of statistics, whatever the other rows, also where a label is absent; a
    proportion lies between 0 and 1, a correlation between -1 and 1; perfect predictions score better than others.

    Args:
        name: a registered metric.

    Raises:
        AssertionError: naming the guarantee that does not hold.
    """
    metric, spaces = get_metric(name), [space for space in SPACES if name in count_metrics(space)]
    assert metric.name, "it has no display name"
    assert spaces, "it is for no kind of label space"
    assert metric.higher_is_better is not None, "it cannot select a model: neither direction is better"
    for space in spaces:
        _check_metric(name, metric, space)


def _check_metric(name: str, metric: Metric, space: LabelSpace) -> None:
    rng = np.random.default_rng(0)
    truth = _draw_truth(space, rng)
    perfect, wrong = _predict(space, truth), _predict(space, _draw_truth(space, rng))
    groups = np.arange(len(truth)) % 5
    statistics = np.concatenate([
        compute_statistics(space, truth, wrong, groups=groups),
        compute_statistics(space, truth, wrong),
        compute_statistics(space, truth, perfect),
        compute_statistics(space, truth[:1], perfect[:1]),
    ])  # fmt: skip
    values = _compute(name, space, statistics)
    assert np.isfinite(values).all(), "a score is not finite, also where labels are absent"
    limits = {"proportion": (0, 1), "correlation": (-1, 1)}.get(metric.unit, (-np.inf, np.inf))
    inside = (values >= limits[0] - _TOLERANCE) & (values <= limits[1] + _TOLERANCE)
    assert inside.all(), f"a score is not between {limits[0]} and {limits[1]}, as its unit says"
    alone = [float(_compute(name, space, row)) for row in statistics]
    assert np.allclose(alone, values, atol=_TOLERANCE), "a score depends on the other rows of statistics"
    assert metric.sign * (values[6] - values[5]) > 0, "perfect predictions do not score better than wrong ones"


def _compute(name: str, space: LabelSpace, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.asarray(metrics_from_statistics(space, statistics)[name])
    shape = statistics.shape[:-1]
    assert values.shape == shape, (
        f"for statistics {(*shape, 'S')} the scores have shape {values.shape}, not {shape}"
    )
    return values


def _draw_truth(space: LabelSpace, rng: np.random.Generator) -> NDArray:
    """Return encoded labels, all of them in use."""
    if space.kind == "regression":
        return rng.uniform(*space.scale, size=_NUM_UTTERANCES)
    if space.kind == "multi":
        return (rng.random((_NUM_UTTERANCES, len(space))) < 0.5).astype(np.int64)
    return rng.integers(0, len(space), size=_NUM_UTTERANCES)


def _predict(space: LabelSpace, truth: NDArray) -> NDArray[np.float64]:
    """Return the probabilities of a model that is sure of ``truth``."""
    if space.kind == "single":
        return np.eye(len(space))[truth]
    return truth.astype(np.float64).reshape(len(truth), len(space))
