"""Tuned thresholds against brute force."""

import numpy as np
import pytest
from evaluation_data import briefly, cases, random_case, space_of
from hypothesis import given
from hypothesis import strategies as st

from sentir.errors import PredictionsError
from sentir.evaluation.calibration.thresholds import tune_thresholds


def f1_at(truth, p, threshold):
    truth, predicted = truth > 0, p >= threshold
    return 2 * (truth & predicted).sum() / (truth.sum() + predicted.sum())


@briefly
@given(cases(multilabel=True))
def test_no_other_threshold_gives_a_better_f1(case):
    space, truth, p = case
    tuned = tune_thresholds(space, truth, p)
    assert tuned.shape == (len(space),)
    for k in np.flatnonzero(truth.any(axis=0)):
        scores = [f1_at(truth[:, k], p[:, k], threshold) for threshold in (*np.unique(p[:, k]), 0.0)]
        assert f1_at(truth[:, k], p[:, k], tuned[k]) == pytest.approx(max(scores))


@briefly
@given(cases(multilabel=True), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(case, random):
    space, truth, p = case
    order = list(range(len(truth)))
    random.shuffle(order)
    np.testing.assert_array_equal(
        tune_thresholds(space, truth, p), tune_thresholds(space, truth[order], p[order])
    )


@pytest.mark.parametrize("below", [0.6, np.nextafter(0.6, 1)])
def test_a_threshold_separates_neighboring_floats(below):
    p, truth = np.array([np.nextafter(below, 1), below]), np.array([1, 0], dtype=np.float32)
    threshold = tune_thresholds(space_of(1, True), truth[:, None], p[:, None])[0]
    assert f1_at(truth, p, threshold) == 1


def test_a_threshold_lies_midway_between_its_neighbors():
    truth = np.array([[1], [1], [0], [0]], dtype=np.float32)
    p = np.array([[0.9], [0.3], [0.1], [0.0]])
    assert tune_thresholds(space_of(1, True), truth, p) == pytest.approx([0.2])


def test_of_equally_good_thresholds_the_one_nearest_to_a_half_is_taken():
    truth = np.array([[1], [0], [0], [1]], dtype=np.float32)  # F1 is 2/3 for the first row alone and for all rows
    high = np.array([[0.8], [0.6], [0.15], [0.02]])
    low = np.array([[0.99], [0.96], [0.94], [0.92]])
    assert tune_thresholds(space_of(1, True), truth, high) == pytest.approx([0.7])
    assert tune_thresholds(space_of(1, True), truth, low) == pytest.approx([0.46])


def test_a_label_absent_on_dev_keeps_a_half():
    truth = np.array([[0, 1], [0, 0]], dtype=np.float32)
    assert tune_thresholds(space_of(2, True), truth, np.array([[0.9, 0.8], [0.2, 0.1]]))[0] == 0.5


def test_single_label_tasks_have_no_thresholds():
    assert tune_thresholds(*random_case(3, 10, 0, multilabel=False)) is None


def test_tuning_on_nothing_is_an_error():
    with pytest.raises(PredictionsError, match="cannot be tuned"):
        tune_thresholds(space_of(2, True), np.zeros((0, 2), dtype=np.float32), np.zeros((0, 2)))
