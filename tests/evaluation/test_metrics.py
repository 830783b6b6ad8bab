"""Every metric against scikit-learn, and the conventions worked out by hand."""

import warnings

import numpy as np
import pytest
from evaluation_data import briefly, cases, random_case, space_of
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from sentir.errors import PredictionsError, UnknownNameError
from sentir.evaluation.metrics import (
    METRICS_BY_KIND,
    compute_confusion_matrix,
    compute_score,
    compute_scores,
    compute_statistics,
    metrics_from_statistics,
    resolve_metric,
    score_per_label,
)


def balanced_accuracy(truth, predicted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of predicted classes that the truth lacks
        return sk.balanced_accuracy_score(truth, predicted)


@briefly
@given(cases(multilabel=False))
def test_single_label_metrics_agree_with_scikit_learn(case):
    space, truth, p = case
    predicted, options = p.argmax(axis=1), {"labels": np.unique(truth), "zero_division": 0}
    expected = {
        "weighted_f1": sk.f1_score(truth, predicted, average="weighted", **options),
        "macro_f1": sk.f1_score(truth, predicted, average="macro", **options),
        "accuracy": sk.accuracy_score(truth, predicted),
        "unweighted_average_recall": balanced_accuracy(truth, predicted),
    }
    assert compute_scores(space, truth, p) == pytest.approx(expected)
    matrix = compute_confusion_matrix(space, truth, p)
    assert (matrix == sk.confusion_matrix(truth, predicted, labels=range(len(space)))).all()


@briefly
@given(cases(multilabel=False))
def test_single_label_metrics_per_label_agree_with_scikit_learn(case):
    space, truth, p = case
    expected = sk.precision_recall_fscore_support(
        truth, p.argmax(axis=1), labels=range(len(space)), zero_division=0
    )
    rows = score_per_label(space, truth, p)
    assert [row.label for row in rows] == list(space.names)
    assert [row.support for row in rows] == expected[3].tolist()
    for name, column in zip(("precision", "recall", "f1"), expected, strict=False):
        assert [row.metrics[name] for row in rows] == pytest.approx(column.tolist())


@briefly
@given(cases(multilabel=True), st.sampled_from([None, 0.2, 0.8]))
def test_multilabel_metrics_agree_with_scikit_learn(case, threshold):
    space, truth, p = case
    thresholds = None if threshold is None else np.full(len(space), threshold)
    predicted = (p >= (0.5 if threshold is None else threshold)).astype(int)
    columns = [(truth[:, k], predicted[:, k]) for k in range(len(space))]
    expected = {
        "macro_f1": np.mean([sk.f1_score(t, d, zero_division=0) for t, d in columns if t.any()] or [0]),
        "micro_f1": sk.f1_score(truth, predicted, average="micro", zero_division=0),
        "micro_precision": sk.precision_score(truth, predicted, average="micro", zero_division=0),
        "micro_recall": sk.recall_score(truth, predicted, average="micro", zero_division=0),
        "mean_weighted_accuracy": np.mean([balanced_accuracy(t, d) for t, d in columns]),
        "mean_weighted_f1": np.mean([sk.f1_score(t, d, average="weighted", zero_division=0) for t, d in columns]),
        "jaccard_empty0": sk.jaccard_score(truth, predicted, average="samples", zero_division=0),
        "jaccard_empty1": sk.jaccard_score(truth, predicted, average="samples", zero_division=1),
        "subset_accuracy": sk.accuracy_score(truth, predicted),
    }
    both = [k for k in range(len(space)) if 0 < truth[:, k].sum() < len(truth)]
    if both:
        expected["mean_auc"] = np.mean([sk.roc_auc_score(truth[:, k], p[:, k]) for k in both])
        expected["mean_average_precision"] = np.mean(
            [sk.average_precision_score(truth[:, k], p[:, k]) for k in both]
        )
    assert compute_scores(space, truth, p, thresholds) == pytest.approx(expected)


@briefly
@given(cases(multilabel=True))
def test_multilabel_metrics_per_label_agree_with_scikit_learn(case):
    space, truth, p = case
    predicted = (p >= 0.5).astype(int)
    for k, row in enumerate(score_per_label(space, truth, p)):
        t, d = truth[:, k], predicted[:, k]
        expected = {
            "precision": sk.precision_score(t, d, zero_division=0),
            "recall": sk.recall_score(t, d, zero_division=0),
            "f1": sk.f1_score(t, d, zero_division=0),
            "weighted_accuracy": balanced_accuracy(t, d),
            "weighted_f1": sk.f1_score(t, d, average="weighted", zero_division=0),
        }
        if 0 < t.sum() < len(t):
            expected["auc"] = sk.roc_auc_score(t, p[:, k])
            expected["average_precision"] = sk.average_precision_score(t, p[:, k])
        assert row.support == t.sum()
        assert row.metrics == pytest.approx(expected)


@pytest.mark.parametrize("multilabel", [False, True])
def test_scores_have_all_metrics_of_their_kind(multilabel):
    space, truth, p = random_case(4, 30, 0, multilabel=multilabel)
    kind = METRICS_BY_KIND[space.kind]
    assert set(compute_scores(space, truth, p)) == {*kind.count_metrics, *kind.ranking_metrics}
    assert resolve_metric(space) == kind.default
    for name in kind.count_metrics:
        assert compute_score(space, name, truth, p) == compute_scores(space, truth, p)[name]


@pytest.mark.parametrize("multilabel", [False, True])
def test_statistics_of_groups_add_up_to_the_total(multilabel):
    space, truth, p = random_case(3, 50, 1, multilabel=multilabel)
    groups = np.arange(50) % 7
    by_group = compute_statistics(space, truth, p, groups=groups)
    assert by_group.shape[0] == 7
    np.testing.assert_allclose(by_group.sum(axis=0), compute_statistics(space, truth, p)[0])
    for group in range(7):
        mine = groups == group
        alone = compute_scores(space, truth[mine], p[mine])
        for name, values in metrics_from_statistics(space, by_group).items():
            assert values[group] == pytest.approx(alone[name])


def test_weighted_accuracy_is_the_mean_of_true_positive_and_true_negative_rate():
    truth = np.array([[1], [1], [1], [1], [0], [0], [0], [0], [0]], dtype=np.float32)
    p = np.array([[0.9], [0.9], [0.9], [0.1], [0.9], [0.9], [0.1], [0.1], [0.1]])
    scores = compute_scores(space_of(1, True), truth, p)
    assert scores["mean_weighted_accuracy"] == pytest.approx((3 / 4 + 3 / 5) / 2)
    assert scores["macro_f1"] == pytest.approx(2 * 3 / (2 * 3 + 2 + 1))
    assert scores["mean_weighted_f1"] == pytest.approx((4 * (6 / 9) + 5 * (6 / 9)) / 9)


def test_jaccard_of_an_empty_prediction_and_an_empty_truth_is_0_or_1():
    truth = np.array([[0, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=np.float32)
    p = np.array([[0.1, 0.1, 0.1], [0.9, 0.1, 0.9], [0.9, 0.1, 0.1]])
    scores = compute_scores(space_of(3, True), truth, p)
    assert scores["jaccard_empty0"] == pytest.approx((0 + 1 / 3 + 0) / 3)
    assert scores["jaccard_empty1"] == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert scores["subset_accuracy"] == pytest.approx(1 / 3)


def test_a_label_never_predicted_has_no_f1_but_a_high_weighted_f1():
    truth = np.zeros((100, 1), dtype=np.float32)
    truth[:10] = 1
    scores = compute_scores(space_of(1, True), truth, np.zeros((100, 1)))
    assert scores["macro_f1"] == 0
    assert scores["mean_weighted_f1"] == pytest.approx(0.9 * 180 / 190)


def test_the_majority_class_of_meld_has_its_published_scores():
    counts = [345, 68, 50, 402, 1256, 208, 281]
    truth = np.repeat(np.arange(7), counts)
    p = np.tile(np.eye(7)[4], (2610, 1))
    scores = compute_scores(space_of(7, False), truth, p)
    assert round(scores["accuracy"], 3) == 0.481
    assert round(scores["weighted_f1"], 3) == 0.313
    assert round(scores["macro_f1"], 3) == 0.093
    assert scores["unweighted_average_recall"] == pytest.approx(1 / 7)


def test_ranking_metrics_are_missing_where_the_truth_holds_one_class_only():
    truth = np.array([[1, 0], [1, 1], [1, 0]], dtype=np.float32)
    p = np.array([[0.2, 0.3], [0.3, 0.9], [0.4, 0.8]])
    space = space_of(2, True)
    assert "auc" not in score_per_label(space, truth, p)[0].metrics
    assert compute_scores(space, truth, p)["mean_auc"] == score_per_label(space, truth, p)[1].metrics["auc"] == 1
    assert not {*METRICS_BY_KIND["multi"].ranking_metrics} & {*compute_scores(space, truth[:, [0, 0]], p)}


def test_multilabel_tasks_have_no_confusion_matrix():
    assert compute_confusion_matrix(*random_case(3, 10, 0, multilabel=True)) is None


@pytest.mark.parametrize("multilabel", [False, True])
def test_scoring_nothing_is_an_error(multilabel):
    space = space_of(3, multilabel)
    with pytest.raises(PredictionsError, match="nothing to score for 'emotion'"):
        compute_scores(space, space.encode([]), np.zeros((0, 3)))


@pytest.mark.parametrize("multilabel", [False, True])
def test_shapes_that_do_not_fit_are_an_error(multilabel):
    space, truth, p = random_case(3, 10, 0, multilabel=multilabel)
    for wrong in ((truth[1:], p), (truth, p[:, 1:]), (np.zeros((10, 2)), p)):
        with pytest.raises(PredictionsError, match="do not fit the 3 labels"):
            compute_scores(space, *wrong)


def test_an_unknown_metric_is_an_error_that_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean weighted_f1"):
        resolve_metric(space_of(3, False), "weigthed_f1")
