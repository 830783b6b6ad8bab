"""Reliability: known cases, against plain loops, and coverage of the intervals."""

import numpy as np
import pytest
from evaluation_data import dialogues_of, random_case

from sentir.corpus.label_spaces import MultiLabelSpace, SingleLabelSpace
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.calibration.confidence import compute_correctness
from sentir.evaluation.calibration.errors import (
    MAX_BINS,
    ClusterResampling,
    assign_bins,
    expected_calibration_error,
    masked_mean,
)
from sentir.evaluation.calibration.fitting import calibration_methods
from sentir.evaluation.calibration.reliability import (
    RunDecisions,
    cross_fit_decisions,
    decide_with_confidence,
    measure_reliability,
)
from sentir.evaluation.calibration.thresholds import tune_thresholds

SPACE = SingleLabelSpace("emotion", tuple("abcdefg"))
MULTI = MultiLabelSpace("emotion", ("anger", "joy"))
OPTIONS = {"metric": "macro_f1", "protocol": "held_out", "resamples": 100}


def sample(n, *, overconfidence=1.0, seed=0, space=SPACE):
    """Sampled truth, and probabilities of a model whose logits are ``overconfidence`` times too large."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, len(space)))
    p = space.probabilities(logits)
    if space.kind == "multi":
        return (rng.random(p.shape) < p).astype(np.float32), space.probabilities(logits * overconfidence)
    return (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1), space.probabilities(logits * overconfidence)


def probabilities_and_outcomes(truth, p):
    return p.max(axis=1)[:, None], (p.argmax(axis=1) == truth).astype(float)[:, None]


def calibration_error(n, overconfidence, seed=0, *, resamples=200):
    pairs = probabilities_and_outcomes(*sample(n, overconfidence=overconfidence, seed=seed))
    return expected_calibration_error([pairs], ClusterResampling(np.arange(n) // 10, resamples))


def test_the_calibration_error_agrees_with_a_plain_loop():
    (probabilities,), (found,) = (
        probabilities_and_outcomes(*sample(400, overconfidence=2.0))[0].T,
        probabilities_and_outcomes(*sample(400, overconfidence=2.0))[1].T,
    )
    bins = assign_bins(probabilities)
    expected = sum(
        abs(probabilities[bins == b].mean() - found[bins == b].mean()) * (bins == b).mean() for b in set(bins)
    )
    assert calibration_error(400, 2.0)[0].value == pytest.approx(expected)
    assert len(set(bins)) == MAX_BINS and np.ptp(np.bincount(bins)) <= 1, "bins have equal mass"


def test_equal_probabilities_share_a_bin_and_few_utterances_have_few_bins():
    assert len(set(assign_bins(np.full(500, 0.4)))) == 1
    assert set(assign_bins(np.linspace(0, 1, 45))) == {0, 1}
    assert set(assign_bins(np.array([0.3]))) == {0}


def test_only_miscalibrated_probabilities_have_a_significant_error():
    calibrated, chance = calibration_error(1000, 1.0)
    assert calibrated.low == 0 and calibrated.value == pytest.approx(chance, abs=0.03)
    overconfident, chance = calibration_error(1000, 3.0)
    assert overconfident.low > chance and overconfident.low < overconfident.value < overconfident.high


def test_intervals_of_the_calibration_error_cover_the_true_one():
    population = probabilities_and_outcomes(*sample(50_000, overconfidence=1.3, seed=99))
    truth = expected_calibration_error([population], ClusterResampling(np.zeros(50_000, dtype=int), 1))[0].value
    found = [calibration_error(600, 1.3, seed, resamples=100)[0] for seed in range(20)]
    assert 0.85 <= np.mean([score.low <= truth <= score.high for score in found]) <= 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("metric", ["macro_f1", "subset_accuracy", "jaccard_empty1"])
def test_a_model_that_is_confident_in_few_dialogues_has_no_invalid_interval(metric):
    truth, p = sample(60, space=MULTI)
    decisions = decide_with_confidence(MULTI, p, None, 0.5)
    rarely_confident = RunDecisions(
        decisions.probabilities, decisions.decisions, decisions.confidences, np.arange(60) < 4
    )
    found = measure_reliability(
        AlignedRuns(MULTI, truth, (), [f"d{n // 5}" for n in range(60)]),
        [rarely_confident],
        **OPTIONS | {"metric": metric},
    )
    score = found.confident_score
    assert score.low is None or 0 <= score.low <= score.value <= score.high <= 1


def test_a_confidence_of_exactly_the_threshold_is_confident():
    p = np.array([[0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], [0.7, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05]])
    confidences = decide_with_confidence(SPACE, p, None, 0.0).confidences
    assert confidences[0] < confidences[1]
    assert decide_with_confidence(SPACE, p, None, confidences[1]).is_confident.tolist() == [False, True]


def test_a_single_dialogue_has_no_interval():
    truth, p = sample(50)
    found = measure_reliability(
        AlignedRuns(SPACE, truth, (), ["one"] * 50), [decide_with_confidence(SPACE, p, None, 0.3)], **OPTIONS
    )
    scores = (found.ece, found.brier, found.aurc, found.coverage, found.error_rate, found.overall_score)
    assert {(score.low, score.high) for score in scores} == {(None, None)}


def test_brier_risk_and_coverage_agree_with_plain_arithmetic():
    truth, p = sample(300)
    run = decide_with_confidence(SPACE, p, None, 0.4)
    found = measure_reliability(AlignedRuns(SPACE, truth, (), dialogues_of(300, 20, 0)), [run], **OPTIONS)
    confident, wrong = p.max(axis=1) >= 0.4, p.argmax(axis=1) != truth
    assert found.brier.value == pytest.approx(((p - np.eye(7)[truth]) ** 2).sum(axis=1).mean())
    assert found.coverage.value == pytest.approx(confident.mean())
    assert (found.error_rate.value, found.confident_error_rate.value) == pytest.approx(
        (wrong.mean(), wrong[confident].mean())
    )
    assert found.risk_coverage_curve[-1] == (1.0, pytest.approx(wrong.mean()))
    order = np.argsort(-p.max(axis=1), kind="stable")
    assert found.aurc.value == pytest.approx((wrong[order].cumsum() / np.arange(1, 301)).mean())
    assert all(
        score.low <= score.value <= score.high
        for score in (found.brier, found.aurc, found.coverage, found.confident_score)
    )


def test_each_label_of_a_multilabel_task_has_a_curve_and_brier_is_the_mean():
    truth, p = sample(200, space=MULTI)
    found = measure_reliability(
        AlignedRuns(MULTI, truth, (), dialogues_of(200, 12, 0)),
        [decide_with_confidence(MULTI, p, None, 0.0)],
        **OPTIONS,
    )
    assert found.brier.value == pytest.approx(np.mean([np.mean((p[:, k] - truth[:, k]) ** 2) for k in range(2)]))
    assert set(found.reliability_curves) == {"anger", "joy"}
    assert found.reliability_curves["joy"][0].observed_frequency == pytest.approx(
        truth[assign_bins(p[:, 1]) == 0, 1].mean()
    )


def test_ordering_by_confidence_has_the_lowest_risk():
    truth, p = sample(500)
    best, worst = (
        measure_reliability(
            AlignedRuns(SPACE, truth, (), dialogues_of(500, 50, 0)),
            [RunDecisions(p, p.argmax(axis=1), confidences, confidences > 2)],
            **OPTIONS,
        )
        for confidences in (p.max(axis=1), -p.max(axis=1))
    )
    assert best.aurc.high < worst.aurc.low
    assert best.confident_score is None and best.confident_error_rate is None, "it is confident of nothing"


def test_several_seeds_are_averaged():
    truth, p = sample(200)
    other = sample(200, overconfidence=3)[1]
    runs = [decide_with_confidence(SPACE, q, None, 0.5) for q in (p, other)]
    groups = dialogues_of(200, 20, 0)
    both, first, second = (
        measure_reliability(AlignedRuns(SPACE, truth, (), groups), which, **OPTIONS)
        for which in (runs, runs[:1], runs[1:])
    )
    for name in ("ece", "brier", "aurc", "coverage", "overall_score", "confident_score"):
        values = [getattr(one, name).value for one in (first, second)]
        assert getattr(both, name).value == pytest.approx(np.mean(values))
    assert both.ece.sd is not None and first.ece.sd is None
    assert sum(b.n for b in both.reliability_curves[""]) == 400


def test_the_mean_over_an_empty_mask_is_0():
    rows = np.arange(12.0)
    found = masked_mean([rows < 0], [rows], ClusterResampling(np.arange(12), 200))
    assert (found.value, found.low, found.high) == (0, None, None)


@pytest.mark.parametrize("multilabel", [False, True])
def test_each_half_of_dev_is_calibrated_on_the_other_half_only(multilabel):
    space, truth, p = random_case(4, 200, 3, multilabel=multilabel)
    groups = dialogues_of(200, 25, 3)
    method = calibration_methods(space)[-1]
    found = cross_fit_decisions(space, truth, p, groups, method=method)
    for dialogue in set(groups):
        other_truth = truth.copy()
        mask = np.array(groups) == dialogue
        other_truth[mask] = np.roll(other_truth[mask], 1, axis=0) if multilabel else (other_truth[mask] + 1) % 4
        refitted = cross_fit_decisions(space, other_truth, p, groups, method=method)
        is_equal = (refitted.probabilities == found.probabilities).all(axis=1)
        assert is_equal[mask].all(), "its mask labels have no part in what is decisions of it"
    assert space.is_valid(found.probabilities)


def test_cross_fitting_does_not_depend_on_an_earlier_calibration():
    truth, p = sample(400, overconfidence=2.5)
    groups = dialogues_of(400, 40, 1)
    raw, calibrated = (
        cross_fit_decisions(SPACE, truth, SPACE.probabilities(np.log(p) / t), groups, method="temperature")
        for t in (1.0, 2.5)
    )
    np.testing.assert_allclose(raw.probabilities, calibrated.probabilities, atol=1e-4)


def test_target_coverage_is_reached_on_other_utterances():
    truth, p = sample(3000, overconfidence=2.0, space=MULTI)
    groups = dialogues_of(3000, 300, 0)
    found = measure_reliability(
        AlignedRuns(MULTI, truth, (), groups),
        [cross_fit_decisions(MULTI, truth, p, groups, method="per_label")],
        **OPTIONS | {"resamples": 200},
    )
    assert found.coverage.value == pytest.approx(found.target_coverage, abs=0.04)
    assert found.confident_error_rate.high < found.error_rate.low
    assert found.ece.low == 0


def test_correctness_is_a_share_of_decisions():
    truth, p = sample(50, space=MULTI)
    thresholds = tune_thresholds(MULTI, truth, p)
    np.testing.assert_allclose(
        compute_correctness(MULTI, truth, MULTI.decide(p, thresholds)),
        ((p >= thresholds) == (truth > 0)).mean(axis=1),
    )
