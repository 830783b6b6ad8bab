"""Reliability: known cases, against plain loops, and intervals that hold the truth."""

import numpy as np
import pytest
from evaluation_data import dialogues_of, random_case

from sentir.corpus.labels import LabelSpace
from sentir.evaluation.calibration.errors import (
    MAX_BINS,
    ClusterResampling,
    assign_bins,
    expected_calibration_error,
    masked_mean,
)
from sentir.evaluation.calibration.fitting import calibration_methods, compute_correctness
from sentir.evaluation.calibration.reliability import (
    RunDecisions,
    cross_fit_decisions,
    decide_with_confidence,
    measure_reliability,
)
from sentir.evaluation.calibration.thresholds import tune_thresholds

SPACE = LabelSpace("emotion", tuple("abcdefg"))
PAIR = LabelSpace("emotion", ("anger", "joy"), multilabel=True)
QUICK = {"metric": "macro_f1", "how": "held_out", "resamples": 100, "confidence": 0.95}


def told(n, *, heat=1.0, seed=0, space=SPACE):
    """Truth drawn from probabilities, and what a model says that makes the logits ``heat`` times too large."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, len(space)))
    p = space.probabilities(logits)
    if space.multilabel:
        return (rng.random(p.shape) < p).astype(np.float32), space.probabilities(logits * heat)
    return (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1), space.probabilities(logits * heat)


def claims_of(truth, p):
    return p.max(axis=1)[:, None], (p.argmax(axis=1) == truth).astype(float)[:, None]


def error_of(n, heat, seed=0, *, resamples=200):
    claims = claims_of(*told(n, heat=heat, seed=seed))
    return expected_calibration_error([claims], ClusterResampling(np.arange(n) // 10, resamples, 0.95))


def test_the_calibration_error_is_that_of_a_plain_loop():
    (stated,), (found,) = claims_of(*told(400, heat=2.0))[0].T, claims_of(*told(400, heat=2.0))[1].T
    bins = assign_bins(stated)
    wanted = sum(abs(stated[bins == b].mean() - found[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    assert error_of(400, 2.0)[0].value == pytest.approx(wanted)
    assert len(set(bins)) == MAX_BINS and np.ptp(np.bincount(bins)) <= 1, "bins have equal mass"


def test_equal_probabilities_share_a_bin_and_few_utterances_make_few_bins():
    assert len(set(assign_bins(np.full(500, 0.4)))) == 1
    assert set(assign_bins(np.linspace(0, 1, 45))) == {0, 1}
    assert set(assign_bins(np.array([0.3]))) == {0}


def test_true_probabilities_are_not_called_wrong_and_exaggerated_ones_are():
    fair, chance = error_of(1000, 1.0)
    assert fair.low == 0 and fair.value == pytest.approx(chance, abs=0.03)
    loud, chance = error_of(1000, 3.0)
    assert loud.low > chance and loud.low < loud.value < loud.high


def test_intervals_of_the_calibration_error_hold_the_true_one():
    wide = claims_of(*told(50_000, heat=1.3, seed=99))
    truth = expected_calibration_error([wide], ClusterResampling(np.zeros(50_000, dtype=int), 1, 0.95))[0].value
    found = [error_of(600, 1.3, seed, resamples=100)[0] for seed in range(20)]
    assert 0.85 <= np.mean([score.low <= truth <= score.high for score in found]) <= 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("metric", ["macro_f1", "subset_accuracy", "jaccard_empty1"])
def test_a_model_that_is_sure_in_few_dialogues_has_an_interval_all_the_same(metric):
    truth, p = told(60, space=PAIR)
    said = decide_with_confidence(PAIR, p, None, 0.5)
    rarely = RunDecisions(said.probabilities, said.decisions, said.confidences, np.arange(60) < 4)
    found = measure_reliability(
        PAIR, truth, [rarely], [f"d{n // 5}" for n in range(60)], **QUICK | {"metric": metric}
    )
    assert (
        found.confident_score.low is None
        or 0 <= found.confident_score.low <= found.confident_score.value <= found.confident_score.high <= 1
    )


def test_a_single_dialogue_has_no_interval():
    truth, p = told(50)
    found = measure_reliability(
        SPACE, truth, [decide_with_confidence(SPACE, p, None, 0.3)], ["one"] * 50, **QUICK
    )
    scores = (found.ece, found.brier, found.aurc, found.coverage, found.error_rate, found.overall_score)
    assert {(score.low, score.high) for score in scores} == {(None, None)}


def test_brier_risk_and_coverage_are_those_of_plain_arithmetic():
    truth, p = told(300)
    run = decide_with_confidence(SPACE, p, None, 0.4)
    found = measure_reliability(SPACE, truth, [run], dialogues_of(300, 20, 0), **QUICK)
    sure, wrong = p.max(axis=1) >= 0.4, p.argmax(axis=1) != truth
    assert found.brier.value == pytest.approx(((p - np.eye(7)[truth]) ** 2).sum(axis=1).mean())
    assert found.coverage.value == pytest.approx(sure.mean())
    assert (found.error_rate.value, found.confident_error_rate.value) == pytest.approx(
        (wrong.mean(), wrong[sure].mean())
    )
    assert found.risk_coverage_curve[-1] == (1.0, pytest.approx(wrong.mean()))
    order = np.argsort(-p.max(axis=1), kind="stable")
    assert found.aurc.value == pytest.approx((wrong[order].cumsum() / np.arange(1, 301)).mean())
    assert all(
        low.low <= low.value <= low.high
        for low in (found.brier, found.aurc, found.coverage, found.confident_score)
    )


def test_each_of_several_labels_has_a_curve_and_its_squared_distances_count():
    truth, p = told(200, space=PAIR)
    found = measure_reliability(
        PAIR, truth, [decide_with_confidence(PAIR, p, None, 0.0)], dialogues_of(200, 12, 0), **QUICK
    )
    assert found.brier.value == pytest.approx(np.mean([np.mean((p[:, k] - truth[:, k]) ** 2) for k in range(2)]))
    assert set(found.reliability_curves) == {"anger", "joy"}
    assert found.reliability_curves["joy"][0].observed_frequency == pytest.approx(
        truth[assign_bins(p[:, 1]) == 0, 1].mean()
    )


def test_surest_first_is_the_best_order():
    truth, p = told(500)
    best, worst = (
        measure_reliability(
            SPACE, truth, [RunDecisions(p, p.argmax(axis=1), held, held > 2)], dialogues_of(500, 50, 0), **QUICK
        )
        for held in (p.max(axis=1), -p.max(axis=1))
    )
    assert best.aurc.high < worst.aurc.low
    assert best.confident_score is None and best.confident_error_rate is None, "it is sure of nothing"


def test_several_seeds_are_averaged():
    truth, p = told(200)
    other = told(200, heat=3)[1]
    runs = [decide_with_confidence(SPACE, q, None, 0.5) for q in (p, other)]
    groups = dialogues_of(200, 20, 0)
    both, first, second = (
        measure_reliability(SPACE, truth, which, groups, **QUICK) for which in (runs, runs[:1], runs[1:])
    )
    for name in ("ece", "brier", "aurc", "covered", "everything", "sure"):
        values = [getattr(one, name).value for one in (first, second)]
        assert getattr(both, name).value == pytest.approx(np.mean(values))
    assert both.ece.sd is not None and first.ece.sd is None
    assert sum(b.n for b in both.reliability_curves[""]) == 400


def test_nothing_among_some_utterances_is_nothing():
    rows = np.arange(12.0)
    found = masked_mean([rows < 0], [rows], ClusterResampling(np.arange(12), 200, 0.95))
    assert (found.value, found.low, found.high) == (0, None, None)


@pytest.mark.parametrize("multilabel", [False, True])
def test_each_half_of_dev_is_judged_by_what_the_other_taught(multilabel):
    space, truth, p = random_case(4, 200, 3, multilabel=multilabel)
    groups = dialogues_of(200, 25, 3)
    method = calibration_methods(space)[-1]
    found = cross_fit_decisions(space, truth, p, groups, method=method)
    for dialogue in set(groups):
        changed = truth.copy()
        own = np.array(groups) == dialogue
        changed[own] = np.roll(changed[own], 1, axis=0) if multilabel else (changed[own] + 1) % 4
        again = cross_fit_decisions(space, changed, p, groups, method=method)
        same = (again.probabilities == found.probabilities).all(axis=1)
        assert same[own].all(), "its own labels have no part in what is said of it"
    assert space.is_valid(found.probabilities)


def test_halves_do_not_care_whether_all_of_dev_taught_before():
    truth, p = told(400, heat=2.5)
    groups = dialogues_of(400, 40, 1)
    raw, taught = (
        cross_fit_decisions(SPACE, truth, SPACE.probabilities(np.log(p) / t), groups, method="temperature")
        for t in (1.0, 2.5)
    )
    np.testing.assert_allclose(raw.probabilities, taught.probabilities, atol=1e-4)


def test_what_is_stated_is_kept_on_other_utterances():
    truth, p = told(3000, heat=2.0, space=PAIR)
    groups = dialogues_of(3000, 300, 0)
    found = measure_reliability(
        PAIR,
        truth,
        [cross_fit_decisions(PAIR, truth, p, groups, method="per_label")],
        groups,
        **QUICK | {"resamples": 200},
    )
    assert found.coverage.value == pytest.approx(found.target_coverage, abs=0.04)
    assert found.confident_error_rate.high < found.error_rate.low
    assert found.ece.low == 0


def test_right_is_a_share_of_decisions():
    truth, p = told(50, space=PAIR)
    cuts = tune_thresholds(PAIR, truth, p)
    np.testing.assert_allclose(
        compute_correctness(PAIR, truth, PAIR.decide(p, cuts)), ((p >= cuts) == (truth > 0)).mean(axis=1)
    )
