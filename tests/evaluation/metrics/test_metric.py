"""Metrics as records: each has a direction, a unit and names, and none of them can select the worst epoch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, multilabel_confusion_matrix

from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.corpus.labels import LabelSpace
from sentir.errors import UnknownNameError
from sentir.evaluation.metrics import (
    AT_HALF_SUFFIX,
    compute_scores,
    get_metric,
    metric_display_name,
    metric_short_name,
    multilabel,
    regression,
    score_per_label,
    single_label,
)
from sentir.evaluation.metrics.label_counts import PRECISION_RECALL_F1, counts_from_confusion_matrix
from sentir.evaluation.metrics.metric import Metric
from sentir.i18n import use_language

SPACES = (
    SingleLabelSpace("emotion", ("anger", "joy", "neutral")),
    MultiLabelSpace("emotion", ("anger", "joy", "neutral")),
    RegressionSpace("intensity", "intensity", (-3.0, 3.0)),
)
TABLES = (
    PRECISION_RECALL_F1,
    single_label.METRICS,
    multilabel.COUNT_METRICS,
    multilabel.SAMPLE_METRICS,
    multilabel.LABEL_METRICS,
    multilabel.LABEL_RANKING_METRICS,
    multilabel.RANKING_METRICS,
    regression.METRICS,
    regression.LABEL_METRICS,
)
RECORDS = [(name, metric) for table in TABLES for name, metric in table.items()]


def perfect_and_random(space: LabelSpace):
    """Truth, perfect predictions and random ones."""
    rng = np.random.default_rng(0)
    if space.kind == "regression":
        truth = rng.uniform(*space.scale, 200).round()
        return truth, truth[:, None], rng.uniform(*space.scale, (200, 1))
    if space.kind == "multi":
        truth = rng.integers(0, 2, (200, 3))
        return truth, truth.astype(float), rng.random((200, 3))
    truth = rng.integers(0, 3, 200)
    return truth, np.eye(3)[truth], rng.dirichlet(np.ones(3), 200)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.kind)
def test_the_declared_direction_prefers_perfect_predictions(space):
    truth, perfect, random = perfect_and_random(space)
    best, worse = (compute_scores(space, truth, p) for p in (perfect, random))
    for name in best:
        assert get_metric(name).sign * best[name] > get_metric(name).sign * worse[name], name


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.kind)
def test_proportions_lie_between_0_and_1_and_other_units_do_not_promise_it(space):
    truth, *predictions = perfect_and_random(space)
    for p in predictions:
        found = [compute_scores(space, truth, p), *(one.metrics for one in score_per_label(space, truth, p))]
        values = [(name, value) for metrics in found for name, value in metrics.items()]
        assert all(0 <= value <= 1 for name, value in values if get_metric(name).is_proportion)
        assert {name for name, _value in values if not get_metric(name).is_proportion} <= {
            "mae", "pearson", "ccc", "mean_prediction",
        }  # fmt: skip


def test_a_metric_without_a_direction_cannot_be_made_or_select():
    with pytest.raises(TypeError, match="higher_is_better"):
        Metric(np.mean, unit="scale", name="root mean square error")
    with pytest.raises(ValueError, match="cannot select a model"):
        _ = get_metric("mean_prediction").sign
    with pytest.raises(UnknownNameError, match="no metric called 'rmse'"):
        _ = get_metric("rmse").sign


@pytest.mark.parametrize(("name", "metric"), RECORDS, ids=[name for name, _metric in RECORDS])
def test_metrics_of_the_same_name_differ_in_their_function_only(name, metric):
    known = get_metric(name)
    assert (metric.higher_is_better, metric.unit, metric.name, metric.short_name) == (
        known.higher_is_better, known.unit, known.name, known.short_name,
    )  # fmt: skip
    assert get_metric(name + AT_HALF_SUFFIX) is known


def test_names_are_in_the_current_language_and_say_where_thresholds_are_at_a_half():
    with use_language("es"):
        assert metric_display_name("macro_f1") == "F1 macro"
    assert metric_display_name("macro_f1@0.5") == "macro F1 at 0.5"
    assert metric_display_name("mae") == "mean absolute error" and metric_short_name("mae") == "mean abs. err."
    assert metric_short_name("macro_f1") == metric_short_name("macro_f1@0.5") == "macro F1"
    with pytest.raises(UnknownNameError):
        metric_display_name("anger")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_counts_of_a_confusion_matrix_are_those_of_scikit_learn(pairs):
    truth, predicted = np.array(pairs).T
    labels = range(4)
    counts = counts_from_confusion_matrix(confusion_matrix(truth, predicted, labels=labels))
    expected = multilabel_confusion_matrix(truth, predicted, labels=labels)  # ((tn, fp), (fn, tp)) of each label
    assert counts.tolist() == expected[:, [1, 0, 1, 0], [1, 1, 0, 0]].tolist()
