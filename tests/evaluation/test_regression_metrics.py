"""Regression metrics against scikit-learn, NumPy and MMSA's definitions, and where they are undefined."""

import warnings

import numpy as np
import pytest
from evaluation_data import briefly, dialogues_of
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from sentir.corpus.label_spaces import RegressionSpace
from sentir.errors import PredictionsError, UnknownNameError
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.intervals import score_with_intervals
from sentir.evaluation.jackknife import jackknife_interval
from sentir.evaluation.metrics import (
    compute_confusion_matrix,
    compute_scores,
    count_metrics,
    get_metric,
    resolve_metric,
    score_per_label,
)

SENTIMENT = RegressionSpace("intensity", "sentiment", (-3, 3))
PLEASURE = RegressionSpace("pleasure", "valence", (1, 5))
THIRDS = st.integers(-9, 9).map(lambda n: n / 3)
PREDICTIONS = st.floats(-5, 5).map(lambda x: round(x, 2)) | st.sampled_from(
    [-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.5]
)
ROWS = st.lists(st.tuples(THIRDS, PREDICTIONS), min_size=1, max_size=40)


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def weighted_f1(truth, prediction):
    return sk.f1_score(truth, prediction, average="weighted", zero_division=0)


def by_mmsa(truth, prediction):
    """What MMSA computes for MOSEI, and three classes by sign."""
    clipped = [(np.clip(truth, -k, k).round(), np.clip(prediction, -k, k).round()) for k in (3, 2)]
    nonzero = truth != 0
    non0 = (truth[nonzero] > 0, prediction[nonzero] > 0)
    return {
        "mae": np.abs(truth - prediction).mean(),
        "acc7": (clipped[0][0] == clipped[0][1]).mean(),
        "acc5": (clipped[1][0] == clipped[1][1]).mean(),
        "has0_acc2": sk.accuracy_score(truth >= 0, prediction >= 0),
        "has0_f1": weighted_f1(truth >= 0, prediction >= 0),
        "non0_acc2": sk.accuracy_score(*non0) if nonzero.any() else 0.0,
        "non0_f1": weighted_f1(*non0) if nonzero.any() else 0.0,
        "sign_accuracy": sk.accuracy_score(np.sign(truth), np.sign(prediction)),
        "sign_weighted_f1": weighted_f1(np.sign(truth), np.sign(prediction)),
    }


@briefly
@given(ROWS)
def test_metrics_of_sentiment_agree_with_mmsa_and_scikit_learn(rows):
    truth, prediction = np.array(rows).T
    found = compute_scores(SENTIMENT, truth, prediction[:, None])
    expected = by_mmsa(truth, prediction)
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert set(found) == {*expected, "pearson", "ccc"} == set(count_metrics(SENTIMENT))


@briefly
@given(ROWS)
def test_correlations_agree_with_numpy_and_are_0_where_they_are_undefined(rows):
    truth, prediction = np.array(rows).T
    found = compute_scores(SENTIMENT, truth, prediction[:, None])
    if len(set(truth)) == 1 or len(set(prediction)) == 1:
        assert found["pearson"] == found["ccc"] == 0
        return
    covariance = np.cov(truth, prediction, ddof=0)
    apart = (truth.mean() - prediction.mean()) ** 2
    assert found["pearson"] == pytest.approx(np.corrcoef(truth, prediction)[0, 1], abs=1e-6)
    assert found["ccc"] == pytest.approx(2 * covariance[0, 1] / (np.trace(covariance) + apart), abs=1e-6)


def test_halves_round_to_even_and_only_classes_clip_predictions_off_the_scale():
    truth = np.array([0.0, 2.0, 2.0, 3.0, -3.0])
    prediction = np.array([0.5, 1.5, 2.5, 4.0, -5.0])
    found = compute_scores(SENTIMENT, truth, prediction[:, None])
    assert found["acc7"] == found["acc5"] == 1
    assert found["mae"] == pytest.approx((0.5 + 0.5 + 0.5 + 1 + 2) / 5)
    assert compute_scores(SENTIMENT, np.array([1.0]), np.array([[0.5]]))["acc7"] == 0


def test_0_is_not_negative_and_a_truth_of_0_is_left_out_of_non0():
    truth, prediction = np.array([0.0, -1.0, 1.0, 1.0]), np.array([-0.1, -1.0, 0.0, 2.0])
    found = compute_scores(SENTIMENT, truth, prediction[:, None])
    assert found["has0_acc2"] == pytest.approx(3 / 4)
    assert found["non0_acc2"] == pytest.approx(2 / 3)
    assert compute_scores(SENTIMENT, np.zeros(3), prediction[:3, None])["non0_acc2"] == 0


def test_constant_predictions_and_a_single_utterance_have_no_correlation():
    truth = np.linspace(-3, 3, 50)
    assert compute_scores(SENTIMENT, truth, np.full((50, 1), 0.1))["pearson"] == 0
    assert compute_scores(SENTIMENT, truth[:1], np.array([[0.3]]))["pearson"] == 0
    assert compute_scores(SENTIMENT, truth, truth[:, None])["pearson"] == pytest.approx(1)
    with pytest.raises(PredictionsError, match="nothing to score for 'intensity'"):
        compute_scores(SENTIMENT, np.zeros(0), np.zeros((0, 1)))


def test_other_scales_have_no_sentiment_classes():
    truth = np.array([1.0, 3.0, 5.0])
    assert set(compute_scores(PLEASURE, truth, truth[:, None])) == {"mae", "pearson", "ccc"}
    prediction = np.array([2.0, 2.0, 4.0])
    apart = np.cov(truth, prediction, ddof=0).trace() + (truth.mean() - prediction.mean()) ** 2
    ccc = 2 * np.cov(truth, prediction, ddof=0)[0, 1] / apart
    assert compute_scores(PLEASURE, truth, prediction[:, None])["ccc"] == pytest.approx(ccc)
    with pytest.raises(UnknownNameError, match="no metric called 'acc7'"):
        resolve_metric(PLEASURE, "acc7")


def test_the_default_metric_is_an_error():
    assert resolve_metric(SENTIMENT) == "mae" and resolve_metric(SENTIMENT, {"intensity": "pearson"}) == "pearson"
    assert resolve_metric(SENTIMENT, {"emotion": "macro_f1"}) == "mae"
    assert get_metric("mae").sign == -1 and get_metric("pearson").sign == 1


def test_steps_of_the_scale_have_the_mean_prediction_and_error_of_the_nearest_truths():
    truth, prediction = np.array([-0.33, 0.33, 2.67, 3.0]), np.array([0.0, 1.0, 1.0, 2.0])
    rows = {row.label: row for row in score_per_label(SENTIMENT, truth, prediction[:, None])}
    assert list(rows) == ["-3", "-2", "-1", "0", "1", "2", "3"]
    assert (rows["0"].support, rows["3"].support, rows["1"].support) == (2, 2, 0)
    assert rows["0"].metrics == pytest.approx({"mean_prediction": 0.5, "mae": 0.5})
    assert rows["1"].metrics == {}
    assert compute_confusion_matrix(SENTIMENT, truth, prediction[:, None]) is None
    assert tune_thresholds(SENTIMENT, truth, prediction[:, None]) is None


def test_intervals_leave_out_dialogues():
    rng = np.random.default_rng(0)
    truth = rng.uniform(-3, 3, 60).round(1)
    prediction = (truth + rng.normal(size=60))[:, None]
    groups = np.array(dialogues_of(60, 12, 3))
    found = score_with_intervals(
        AlignedRuns(SENTIMENT, truth, [(prediction, None)], groups.tolist()), confidence_level=0.9
    )
    replicates = [
        compute_scores(SENTIMENT, truth[groups != k], prediction[groups != k]) for k in np.unique(groups)
    ]
    for name in count_metrics(SENTIMENT):
        values = np.array([one[name] for one in replicates])
        expected = jackknife_interval(
            found[name].value, values, is_proportion=get_metric(name).is_proportion, confidence_level=0.9
        )
        assert (found[name].low, found[name].high) == pytest.approx(expected)
