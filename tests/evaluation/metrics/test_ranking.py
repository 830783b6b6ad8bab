"""ROC and precision-recall curves of labels agree with scikit-learn."""

import numpy as np
import pytest
from evaluation_data import briefly, cases, random_case
from hypothesis import given
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.intervals import compute_label_f1_intervals
from sentir.evaluation.metrics import score_per_label
from sentir.evaluation.metrics.ranking import CURVE_GRID, compute_ranking_curves

NAMES = {"model": "m", "corpus": "c", "split": "dev"}


@pytest.mark.parametrize("multilabel", [False, True])
def test_areas_agree_with_scikit_learn_and_with_the_curves(multilabel):
    space, truth, p = random_case(4, 600, 3, multilabel=multilabel)
    for k, one in enumerate(compute_ranking_curves(AlignedRuns(space, truth, [(p, None)], ()), **NAMES)):
        has_label = truth[:, k] > 0 if multilabel else truth == k
        assert (one.label, one.support, one.n) == (space.names[k], has_label.sum(), 600)
        assert one.auc == pytest.approx(roc_auc_score(has_label, p[:, k]))
        assert one.average_precision == pytest.approx(average_precision_score(has_label, p[:, k]))
        assert np.trapezoid(one.true_positive_rates, CURVE_GRID) == pytest.approx(one.auc, abs=0.01)
        assert np.mean(one.precisions[1:]) == pytest.approx(one.average_precision, abs=0.02)


@briefly
@given(cases(multilabel=True))
def test_a_precision_is_reached_at_its_recall_or_beyond(case):
    space, truth, p = case[:3]
    for one in compute_ranking_curves(AlignedRuns(space, truth, [(p, None)], ()), **NAMES):
        k = space.names.index(one.label)
        precision, recall, _thresholds = precision_recall_curve(truth[:, k] > 0, p[:, k])
        for r, value in zip(CURVE_GRID[1::10], one.precisions[1::10], strict=True):
            assert np.isclose(precision[recall >= r - 1e-9], value, atol=1e-3).any()
        assert (np.diff(one.true_positive_rates) >= -1e-9).all() and one.true_positive_rates[-1] == 1


def test_curves_are_means_over_seeds():
    space, truth, p = random_case(3, 200, 1, multilabel=False)
    other = random_case(3, 200, 1, multilabel=False, skill=0.9)[2]
    each = [compute_ranking_curves(AlignedRuns(space, truth, [(run, None)], ()), **NAMES) for run in (p, other)]
    both = compute_ranking_curves(AlignedRuns(space, truth, [(p, None), (other, None)], ()), **NAMES)
    for one, a, b in zip(both, *each, strict=True):
        assert one.auc == pytest.approx((a.auc + b.auc) / 2)
        expected = np.mean([a.precisions, b.precisions], axis=0)
        np.testing.assert_allclose(one.precisions, expected, atol=1e-4)


def test_labels_of_all_or_no_utterances_and_regression_have_no_curves():
    space = MultiLabelSpace("e", ("all", "none", "some"))
    truth = np.array([[1, 0, 1], [1, 0, 0]], dtype=np.float32)
    found = compute_ranking_curves(AlignedRuns(space, truth, [(np.full((2, 3), 0.5), None)], ()), **NAMES)
    assert [one.label for one in found] == ["some"]
    regression = RegressionSpace("n", "n", (-3.0, 3.0))
    assert (
        compute_ranking_curves(AlignedRuns(regression, np.zeros(2), [(np.zeros((2, 1)), None)], ()), **NAMES)
        == ()
    )


@pytest.mark.parametrize("multilabel", [False, True])
def test_the_interval_of_a_label_contains_its_f1_and_narrows_with_more_dialogues(multilabel):
    widths = []
    for n in (60, 2400):
        space, truth, p = random_case(3, n, 5, multilabel=multilabel, skill=0.3)
        groups = [f"dia{i // 3}" for i in range(n)]
        bounds = compute_label_f1_intervals(AlignedRuns(space, truth, [(p, None)], groups))
        for row, (low, high) in zip(score_per_label(space, truth, p), bounds, strict=True):
            assert low <= row.metrics["f1"] <= high
        widths.append(np.mean([high - low for low, high in bounds]))
    assert widths[1] < widths[0] / 2


def test_one_dialogue_and_regression_give_labels_no_interval():
    space, truth, p = random_case(3, 20, 5, multilabel=False)
    assert compute_label_f1_intervals(AlignedRuns(space, truth, [(p, None)], ["one"] * 20)) == [(None, None)] * 3
    regression = RegressionSpace("n", "n", (-1.0, 1.0))
    found = compute_label_f1_intervals(
        AlignedRuns(regression, np.zeros(4), [(np.zeros((4, 1)), None)], list("aabb"))
    )
    assert found == [(None, None)] * 3
