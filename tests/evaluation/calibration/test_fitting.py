"""Calibration: probabilities that mean what they say, the same answers, and a model that may be unsure."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import briefly, cases, dialogues_of, random_case
from hypothesis import given
from hypothesis import strategies as st

from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.evaluation.calibration.fitting import (
    MAX_BIAS,
    MAX_TEMPERATURE,
    MIN_TEMPERATURE,
    Calibration,
    apply_temperature,
    calibration_methods,
    compute_confidence,
    compute_correctness,
    find_confidence_threshold,
    fit_calibration,
    fit_temperature_and_bias,
    select_calibration_method,
)
from sentir.evaluation.calibration.thresholds import tune_thresholds

ONE = LabelSpace("emotion", ("anger", "joy", "sadness"))
EACH = LabelSpace("emotion", ("anger", "joy"), multilabel=True)
NUMBER = LabelSpace("valence", ("valence",), bounds=(-3.0, 3.0))


def sampled(space, n, *, heat, seed=0):
    """Truth drawn from logits, and the probabilities of the same logits made ``heat`` times too large."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, len(space)))
    p = space.probabilities(logits)
    if space.multilabel:
        truth = (rng.random(p.shape) < p).astype(np.float32)
    else:
        truth = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return truth, space.probabilities(logits * np.asarray(heat))


def loss(space, truth, p):
    if space.multilabel:
        return -np.log(np.where(truth > 0, p, 1 - p)).mean(axis=0)
    return -np.log(p[np.arange(len(p)), truth]).mean()


def test_the_temperature_of_a_model_that_exaggerates_is_found():
    truth, p = sampled(ONE, 4000, heat=3.0)
    assert fit_temperature_and_bias(ONE, truth, p, "temperature") == ((pytest.approx(3.0, rel=0.08),), ())


def test_every_label_of_several_has_its_own_temperature_and_bias():
    truth, p = sampled(EACH, 6000, heat=[4.0, 0.5])
    moved = apply_temperature(EACH, p, (1.0, 1.0), (0.0, 1.0))
    temperature, bias = fit_temperature_and_bias(EACH, truth, moved, "per_label")
    assert temperature == (pytest.approx(4.0, rel=0.1), pytest.approx(0.5, rel=0.1))
    assert bias == (pytest.approx(0, abs=0.15), pytest.approx(-2.0, abs=0.15))


@pytest.mark.parametrize("space", [ONE, EACH])
def test_nothing_near_it_has_a_lower_loss(space):
    truth, p = sampled(space, 300, heat=2.0, seed=3)
    best = tuple(map(np.array, fit_temperature_and_bias(space, truth, p, calibration_methods(space)[-1])))
    least = loss(space, truth, apply_temperature(space, p, *best))
    for factor in (0.9, 0.99, 1.01, 1.1):
        assert (loss(space, truth, apply_temperature(space, p, best[0] * factor, best[1])) >= least - 1e-9).all()
    for step in (-0.1, -0.01, 0.01, 0.1):
        assert (loss(space, truth, apply_temperature(space, p, best[0], best[1] + step)) >= least - 1e-9).all()


def test_a_model_that_is_always_right_or_always_wrong_stays_within_the_bounds():
    truth = np.arange(9) % 3
    said = 0.1 + 0.7 * np.eye(3)
    ((cold,), _), ((hot,), _) = (
        fit_temperature_and_bias(ONE, truth, p, "temperature") for p in (said[truth], said[(truth + 1) % 3])
    )
    assert MIN_TEMPERATURE <= cold < 2 * MIN_TEMPERATURE and MAX_TEMPERATURE / 2 < hot <= MAX_TEMPERATURE
    present = np.array([[0.0], [1.0]], dtype=np.float32)
    one = LabelSpace("emotion", ("joy",), multilabel=True)
    for p in (present * 0.8 + 0.1, 0.9 - present * 0.8):
        (temperature,), (bias,) = fit_temperature_and_bias(one, present, p, "per_label")
        assert MIN_TEMPERATURE <= temperature <= MAX_TEMPERATURE * (1 + 1e-9) and abs(bias) <= MAX_BIAS


def test_certainty_survives_and_a_true_label_of_probability_zero_is_no_error():
    p = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    fitted = fit_temperature_and_bias(ONE, np.array([1, 1]), p, "temperature")
    np.testing.assert_array_equal(apply_temperature(ONE, p, *fitted)[p == 0], 0)
    each = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(apply_temperature(EACH, each, (3.0, 3.0), (1.0, -1.0)), each)


def test_a_label_that_dev_never_or_always_has_keeps_its_probabilities():
    truth = np.array([[0.0, 1.0]] * 5, dtype=np.float32)
    assert fit_temperature_and_bias(EACH, truth, np.full((5, 2), 0.3), "per_label") == ((1.0, 1.0), (0.0, 0.0))


@briefly
@given(cases(multilabel=False), st.floats(MIN_TEMPERATURE, MAX_TEMPERATURE))
def test_the_answer_of_one_label_never_changes_and_the_temperature_can_be_undone(case, temperature):
    space, _truth, p = case
    q = apply_temperature(space, p, (temperature,), ())
    assert space.is_valid(q)
    assert (q[np.arange(len(q)), p.argmax(axis=1)] == q.max(axis=1)).all()
    if (q > 1e-200).all():
        np.testing.assert_allclose(apply_temperature(space, q, (1 / temperature,), ()), p, atol=1e-9)


@briefly
@given(cases(multilabel=True), st.floats(MIN_TEMPERATURE, MAX_TEMPERATURE), st.floats(-MAX_BIAS, MAX_BIAS))
def test_utterances_stand_in_the_same_order_for_every_label(case, temperature, bias):
    space, _truth, p = case
    q = apply_temperature(space, p, (temperature,) * len(space), (bias,) * len(space))
    assert space.is_valid(q)
    assert (np.diff(np.take_along_axis(q, p.argsort(axis=0, kind="stable"), axis=0), axis=0) >= 0).all()


def test_confidence_is_the_share_that_is_right_if_the_probabilities_are():
    for space in (ONE, EACH):
        truth, p = sampled(space, 20_000, heat=1.0)
        cuts = tune_thresholds(space, truth, p)
        held, found = compute_confidence(space, p, cuts), compute_correctness(space, truth, space.decide(p, cuts))
        assert held.mean() == pytest.approx(found.mean(), abs=0.01)


def test_confidence_of_several_labels_follows_what_was_decided():
    p = np.array([[0.3, 0.9]])
    assert compute_confidence(EACH, p)[0] == pytest.approx((0.7 + 0.9) / 2)
    assert compute_confidence(EACH, p, np.array([0.2, 0.5]))[0] == pytest.approx((0.3 + 0.9) / 2)


@briefly
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.01, 1))
def test_as_many_are_sure_as_is_stated_and_no_more_than_needed(held, coverage):
    held = np.array(held)
    cut = find_confidence_threshold(held, coverage)
    assert (held >= cut).mean() >= coverage - 1e-9
    assert (held > cut).mean() < coverage


@pytest.mark.parametrize("multilabel", [False, True])
def test_a_calibration_survives_being_saved(multilabel):
    space, truth, p = random_case(4, 60, 1, multilabel=multilabel)
    found = fit_calibration(space, truth, p, dialogues_of(60, 12, 0))
    assert found.is_valid_for(space) and Calibration(**found.to_dict()) == found
    ids = tuple(map(str, range(60)))
    applied = found.apply(Predictions(ids, p, space, {"seed": "1"}))
    assert applied.ids == ids and applied.source == {"seed": "1"}
    held = compute_confidence(space, applied.probabilities, tune_thresholds(space, truth, applied.probabilities))
    assert (held >= found.confidence_threshold).mean() >= found.coverage


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": ()},
        {"temperature": (1.0, 1.0)},
        {"temperature": (0.0,)},
        {"temperature": (float("inf"),)},
        {"bias": (0.0,)},
        {"sure": float("nan")},
        {"coverage": 0},
        {"method": "per_label"},
        {"method": "magic"},
    ],
)
def test_a_calibration_that_cannot_be_is_refused(change):
    good = Calibration((1.5,), (), 0.4, 0.8)
    assert good.is_valid_for(ONE) and not good.is_valid_for(EACH) and not good.is_valid_for(NUMBER)
    assert not replace(good, **change).is_valid_for(ONE)


def test_a_number_is_not_calibrated():
    assert fit_calibration(NUMBER, np.zeros(3), np.zeros((3, 1)), list("abc")) is None


def test_probabilities_that_are_true_are_left_alone_and_exaggerated_ones_are_not():
    chosen = {}
    for heat in (1.0, 3.0):
        truth, p = sampled(ONE, 600, heat=heat, seed=2)
        chosen[heat] = select_calibration_method(ONE, truth, p, dialogues_of(600, 60, 0))
    assert chosen == {1.0: "none", 3.0: "temperature"}


def test_labels_get_one_temperature_or_each_its_own_as_they_need():
    groups = dialogues_of(600, 60, 0)
    truth, p = sampled(EACH, 600, heat=3.0, seed=2)
    assert select_calibration_method(EACH, truth, p, groups) == "temperature"
    shifted = apply_temperature(
        EACH, sampled(EACH, 600, heat=1.0, seed=2)[1], (1.0,) * len(EACH), (2.0,) * len(EACH)
    )
    assert select_calibration_method(EACH, truth, shifted, groups) == "per_label"


def test_whole_dialogues_are_held_out_when_a_method_is_chosen():
    """What is always the same within a dialogue is a row of its own a hundred times, and no evidence."""
    rng = np.random.default_rng(1)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        truth, p = rng.integers(0, 3, 12), rng.dirichlet(np.ones(3), 12)
        often = select_calibration_method(
            ONE, np.repeat(truth, 100), np.repeat(p, 100, axis=0), np.repeat(np.arange(12), 100)
        )
        assert often == select_calibration_method(ONE, truth, p, list(range(12)))


@pytest.mark.parametrize("multilabel", [False, True])
def test_the_method_is_recorded_and_the_simplest_changes_nothing(multilabel):
    space, truth, p = random_case(4, 60, 1, multilabel=multilabel)
    for method in calibration_methods(space):
        found = fit_calibration(space, truth, p, (), method)
        assert found.method == method and found.is_valid_for(space)
    same = fit_calibration(space, truth, p, (), "none").apply(Predictions(tuple(map(str, range(60))), p, space))
    np.testing.assert_allclose(same.probabilities, p, atol=1e-12)
    assert calibration_methods(NUMBER) == ()


def test_a_single_utterance_teaches_nothing():
    assert select_calibration_method(ONE, np.array([1]), np.array([[0.2, 0.5, 0.3]]), ["a"]) == "none"
