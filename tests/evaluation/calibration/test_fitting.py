"""Calibration: fitted temperatures and biases, unchanged predictions, and confidence thresholds."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import briefly, cases, dialogues_of, random_case
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.corpus.predictions import Predictions
from sentir.evaluation.calibration.confidence import (
    compute_confidence,
    compute_correctness,
    find_confidence_threshold,
)
from sentir.evaluation.calibration.fitting import (
    Calibration,
    apply_temperature,
    calibration_methods,
    fit_calibration,
    fit_temperature_and_bias,
    select_calibration_method,
)
from sentir.evaluation.calibration.kinds import MAX_BIAS, MAX_TEMPERATURE, MIN_TEMPERATURE
from sentir.evaluation.calibration.risk import RiskCurve
from sentir.evaluation.calibration.thresholds import tune_thresholds

SINGLE = SingleLabelSpace("emotion", ("anger", "joy", "sadness"))
MULTI = MultiLabelSpace("emotion", ("anger", "joy"))
REGRESSION = RegressionSpace("valence", "valence", (-3.0, 3.0))


def sample(space, n, *, overconfidence, seed=0):
    """Truth sampled from logits, and the probabilities of these logits times ``overconfidence``."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, len(space)))
    p = space.probabilities(logits)
    if space.kind == "multi":
        truth = (rng.random(p.shape) < p).astype(np.float32)
    else:
        truth = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return truth, space.probabilities(logits * np.asarray(overconfidence))


def loss(space, truth, p):
    if space.kind == "multi":
        return -np.log(np.where(truth > 0, p, 1 - p)).mean(axis=0)
    return -np.log(p[np.arange(len(p)), truth]).mean()


def test_the_temperature_of_an_overconfident_model_is_found():
    truth, p = sample(SINGLE, 4000, overconfidence=3.0)
    assert fit_temperature_and_bias(SINGLE, truth, p, "temperature") == ((pytest.approx(3.0, rel=0.08),), ())


def test_each_label_of_a_multilabel_task_has_its_own_temperature_and_bias():
    truth, p = sample(MULTI, 6000, overconfidence=[4.0, 0.5])
    shifted = apply_temperature(MULTI, p, (1.0, 1.0), (0.0, 1.0))
    temperature, bias = fit_temperature_and_bias(MULTI, truth, shifted, "per_label")
    assert temperature == (pytest.approx(4.0, rel=0.1), pytest.approx(0.5, rel=0.1))
    assert bias == (pytest.approx(0, abs=0.15), pytest.approx(-2.0, abs=0.15))


def test_probabilities_of_0_and_1_have_a_temperature_too():
    truth, p = sample(MULTI, 400, overconfidence=3.0)
    (shared, _again), _bias = fit_temperature_and_bias(MULTI, truth, np.where(p > 0.999, 1.0, p), "temperature")
    assert 3 < shared < 6, "more than without them, and finite"


@pytest.mark.parametrize("space", [SINGLE, MULTI])
def test_the_fit_is_a_local_minimum_of_the_loss(space):
    truth, p = sample(space, 300, overconfidence=2.0, seed=3)
    best = tuple(map(np.array, fit_temperature_and_bias(space, truth, p, calibration_methods(space)[-1])))
    least = loss(space, truth, apply_temperature(space, p, *best))
    for factor in (0.9, 0.99, 1.01, 1.1):
        assert (loss(space, truth, apply_temperature(space, p, best[0] * factor, best[1])) >= least - 1e-9).all()
    for step in (-0.1, -0.01, 0.01, 0.1):
        assert (loss(space, truth, apply_temperature(space, p, best[0], best[1] + step)) >= least - 1e-9).all()


def test_the_fit_of_a_model_that_is_always_right_or_always_wrong_stays_within_bounds():
    truth = np.arange(9) % 3
    predicted = 0.1 + 0.7 * np.eye(3)
    ((cold,), _), ((hot,), _) = (
        fit_temperature_and_bias(SINGLE, truth, p, "temperature")
        for p in (predicted[truth], predicted[(truth + 1) % 3])
    )
    assert MIN_TEMPERATURE <= cold < 2 * MIN_TEMPERATURE and MAX_TEMPERATURE / 2 < hot <= MAX_TEMPERATURE
    present = np.array([[0.0], [1.0]], dtype=np.float32)
    one = MultiLabelSpace("emotion", ("joy",))
    for p in (present * 0.8 + 0.1, 0.9 - present * 0.8):
        (temperature,), (bias,) = fit_temperature_and_bias(one, present, p, "per_label")
        assert MIN_TEMPERATURE <= temperature <= MAX_TEMPERATURE * (1 + 1e-9) and abs(bias) <= MAX_BIAS


def test_probabilities_of_0_and_1_stay_and_a_true_label_of_probability_0_is_no_error():
    p = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    fitted = fit_temperature_and_bias(SINGLE, np.array([1, 1]), p, "temperature")
    np.testing.assert_array_equal(apply_temperature(SINGLE, p, *fitted)[p == 0], 0)
    each = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(apply_temperature(MULTI, each, (3.0, 3.0), (1.0, -1.0)), each)


def test_a_label_that_dev_never_or_always_has_keeps_its_probabilities():
    truth = np.array([[0.0, 1.0]] * 5, dtype=np.float32)
    assert fit_temperature_and_bias(MULTI, truth, np.full((5, 2), 0.3), "per_label") == ((1.0, 1.0), (0.0, 0.0))


@briefly
@given(cases(multilabel=False), st.floats(MIN_TEMPERATURE, MAX_TEMPERATURE))
def test_a_temperature_keeps_the_predicted_label_and_can_be_inverted(case, temperature):
    space, _truth, p = case
    q = apply_temperature(space, p, (temperature,), ())
    assert space.is_valid(q)
    assert (q[np.arange(len(q)), p.argmax(axis=1)] == q.max(axis=1)).all()
    if (q > 1e-200).all():
        np.testing.assert_allclose(apply_temperature(space, q, (1 / temperature,), ()), p, atol=1e-9)


@briefly
@given(cases(multilabel=True), st.floats(MIN_TEMPERATURE, MAX_TEMPERATURE), st.floats(-MAX_BIAS, MAX_BIAS))
def test_calibration_keeps_the_ranking_of_utterances_for_each_label(case, temperature, bias):
    space, _truth, p = case
    q = apply_temperature(space, p, (temperature,) * len(space), (bias,) * len(space))
    assert space.is_valid(q)
    assert (np.diff(np.take_along_axis(q, p.argsort(axis=0, kind="stable"), axis=0), axis=0) >= 0).all()


def test_confidence_is_the_share_that_is_correct_if_probabilities_are_calibrated():
    for space in (SINGLE, MULTI):
        truth, p = sample(space, 20_000, overconfidence=1.0)
        thresholds = tune_thresholds(space, truth, p)
        confidences = compute_confidence(space, p, thresholds)
        correctness = compute_correctness(space, truth, space.decide(p, thresholds))
        assert confidences.mean() == pytest.approx(correctness.mean(), abs=0.01)


def test_multilabel_confidence_is_that_of_the_decisions():
    p = np.array([[0.3, 0.9]])
    assert compute_confidence(MULTI, p)[0] == pytest.approx((0.7 + 0.9) / 2)
    assert compute_confidence(MULTI, p, np.array([0.2, 0.5]))[0] == pytest.approx((0.3 + 0.9) / 2)


@briefly
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.01, 1))
def test_the_confidence_threshold_has_the_target_coverage_and_no_more_than_needed(confidences, coverage):
    confidences = np.array(confidences)
    threshold = find_confidence_threshold(confidences, coverage)
    assert (confidences >= threshold).mean() >= coverage - 1e-9
    assert (confidences > threshold).mean() < coverage


@pytest.mark.parametrize("multilabel", [False, True])
def test_a_calibration_can_be_saved_and_applied(multilabel):
    space, truth, p = random_case(4, 60, 1, multilabel=multilabel)
    fitted = fit_calibration(space, truth, p, dialogues_of(60, 12, 0))
    assert fitted.is_valid_for(space)
    assert TypeAdapter(Calibration).validate_json(json.dumps(fitted.to_dict())) == fitted
    ids = tuple(map(str, range(60)))
    applied = fitted.apply(Predictions(ids, p, space, {"seed": "1"}))
    assert applied.ids == ids and applied.source == {"seed": "1"}
    confidences = compute_confidence(
        space, applied.probabilities, tune_thresholds(space, truth, applied.probabilities)
    )
    assert (confidences >= fitted.confidence_threshold).mean() >= fitted.coverage


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": ()},
        {"temperature": (1.0, 1.0)},
        {"temperature": (0.0,)},
        {"temperature": (float("inf"),)},
        {"bias": (0.0,)},
        {"confidence_threshold": float("nan")},
        {"coverage": 0},
        {"method": "per_label"},
        {"method": "magic"},
        {"risk_curve": RiskCurve((0.5, 0.4), (0.5, 0.4), (1.0, 0.5))},
    ],
)
def test_an_impossible_calibration_is_not_valid(change):
    valid = Calibration((1.5,), (), 0.4, 0.8)
    assert valid.is_valid_for(SINGLE) and not valid.is_valid_for(MULTI) and not valid.is_valid_for(REGRESSION)
    assert not replace(valid, **change).is_valid_for(SINGLE)


def test_regression_is_not_calibrated():
    assert fit_calibration(REGRESSION, np.zeros(3), np.zeros((3, 1)), list("abc")) is None


def test_calibrated_probabilities_are_kept_and_overconfident_ones_are_not():
    selected = {}
    for overconfidence in (1.0, 3.0):
        truth, p = sample(SINGLE, 600, overconfidence=overconfidence, seed=2)
        selected[overconfidence] = select_calibration_method(SINGLE, truth, p, dialogues_of(600, 60, 0))
    assert selected == {1.0: "none", 3.0: "temperature"}


def test_labels_share_a_temperature_or_have_their_own_as_needed():
    groups = dialogues_of(600, 60, 0)
    truth, p = sample(MULTI, 600, overconfidence=3.0, seed=2)
    assert select_calibration_method(MULTI, truth, p, groups) == "temperature"
    shifted = apply_temperature(
        MULTI, sample(MULTI, 600, overconfidence=1.0, seed=2)[1], (1.0,) * len(MULTI), (2.0,) * len(MULTI)
    )
    assert select_calibration_method(MULTI, truth, shifted, groups) == "per_label"


def test_cross_validation_holds_out_whole_dialogues():
    """Repeating the only utterance of each dialogue a hundred times adds no evidence."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        truth, p = rng.integers(0, 3, 12), rng.dirichlet(np.ones(3), 12)
        repeated = select_calibration_method(
            SINGLE, np.repeat(truth, 100), np.repeat(p, 100, axis=0), np.repeat(np.arange(12), 100)
        )
        assert repeated == select_calibration_method(SINGLE, truth, p, list(range(12)))


@pytest.mark.parametrize("multilabel", [False, True])
def test_the_method_is_recorded_and_none_changes_nothing(multilabel):
    space, truth, p = random_case(4, 60, 1, multilabel=multilabel)
    for method in calibration_methods(space):
        fitted = fit_calibration(space, truth, p, (), method)
        assert fitted.method == method and fitted.is_valid_for(space)
    unchanged = fit_calibration(space, truth, p, (), "none").apply(
        Predictions(tuple(map(str, range(60))), p, space)
    )
    np.testing.assert_allclose(unchanged.probabilities, p, atol=1e-12)
    assert calibration_methods(REGRESSION) == ()


def test_a_single_utterance_selects_no_calibration():
    assert select_calibration_method(SINGLE, np.array([1]), np.array([[0.2, 0.5, 0.3]]), ["a"]) == "none"
