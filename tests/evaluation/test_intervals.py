"""The jackknife over dialogues against a slow loop, and the coverage of its intervals."""

import numpy as np
import pytest
from evaluation_data import dialogues_of, random_case, space_of
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from sentir.corpus.label_spaces import MultiLabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation import jackknife
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.intervals import compute_ranking_intervals, score_with_intervals
from sentir.evaluation.jackknife import jackknife_interval
from sentir.evaluation.metrics import METRICS_BY_KIND, compute_scores
from sentir.evaluation.metrics.multilabel import RANKING_METRICS, weighted_auc_and_average_precision
from sentir.evaluation.results import MIN_CLUSTERS


def slow_replicates(space, truth, runs, groups):
    """Score all dialogues except one, for each of them."""
    masks = [np.array(groups) != key for key in np.unique(groups)]
    found = [
        [compute_scores(space, truth[rows], p[rows], thresholds) for p, thresholds in runs] for rows in masks
    ]
    return {name: np.array([np.mean([run[name] for run in one]) for one in found]) for name in found[0][0]}


def logit_interval(value, replicates, confidence):
    """The interval of a proportion, by hand."""
    n = len(replicates)
    error = np.sqrt((n - 1) / n * sum((replicates - replicates.mean()) ** 2)) / (value * (1 - value))
    margin = stats.t.ppf((1 + confidence) / 2, n - 1) * error
    return tuple(1 / (1 + np.exp(-(np.log(value / (1 - value)) + side * margin))) for side in (-1, 1))


def runs_of(multilabel, seeds=2, n=60):
    cases = [random_case(3, n, 7, multilabel=multilabel, skill=s / (seeds + 1)) for s in range(1, seeds + 1)]
    space, truth, _p = cases[0]
    thresholds = np.array([0.3, 0.5, 0.7]) if multilabel else None
    return space, truth, [(p, thresholds) for _space, _truth, p in cases]


@pytest.mark.parametrize("multilabel", [False, True])
def test_intervals_agree_with_those_of_a_slow_loop(multilabel):
    space, truth, runs = runs_of(multilabel)
    groups = dialogues_of(60, 12, 3)
    fast = score_with_intervals(AlignedRuns(space, truth, runs, groups), confidence_level=0.9)
    slow = slow_replicates(space, truth, runs, groups)
    for name in METRICS_BY_KIND[space.kind].count_metrics:
        expected = logit_interval(fast[name].value, slow[name], 0.9)
        assert (fast[name].low, fast[name].high) == pytest.approx(expected)
        assert 0 < fast[name].low < fast[name].value < fast[name].high < 1


@pytest.mark.parametrize("multilabel", [False, True])
def test_values_are_means_over_seeds_with_their_deviation(multilabel):
    space, truth, runs = runs_of(multilabel, seeds=3)
    per_run = [compute_scores(space, truth, p, thresholds) for p, thresholds in runs]
    scores = score_with_intervals(AlignedRuns(space, truth, runs, dialogues_of(60, 12, 3)), confidence_level=0.9)
    assert set(scores) == {
        *METRICS_BY_KIND[space.kind].count_metrics,
        *METRICS_BY_KIND[space.kind].ranking_metrics,
    }
    for name, found in scores.items():
        values = [run[name] for run in per_run]
        assert (found.value, found.sd) == pytest.approx((np.mean(values), np.std(values, ddof=1)))


def test_one_seed_has_no_deviation_and_ranking_metrics_have_no_interval():
    space, truth, runs = runs_of(True, seeds=1)
    scores = score_with_intervals(AlignedRuns(space, truth, runs, dialogues_of(60, 12, 3)), confidence_level=0.9)
    assert all(found.sd is None for found in scores.values())
    assert [(scores[name].low, scores[name].high) for name in RANKING_METRICS] == [(None, None)] * 2


@pytest.mark.parametrize(("dialogues", "known"), [(1, False), (MIN_CLUSTERS - 1, False), (MIN_CLUSTERS, True)])
def test_fewer_than_ten_dialogues_have_no_interval(dialogues, known):
    space, truth, runs = runs_of(False)
    scores = score_with_intervals(
        AlignedRuns(space, truth, runs, dialogues_of(60, dialogues, 0)), confidence_level=0.9
    )
    assert {found.low is not None and found.high is not None for found in scores.values()} == {known}


def test_a_score_of_zero_or_one_has_no_interval():
    space, truth, _runs = runs_of(False)
    scores = score_with_intervals(
        AlignedRuns(space, truth, [(np.eye(3)[truth], None)], dialogues_of(60, 12, 0)), confidence_level=0.9
    )
    assert {(found.value, found.low, found.high) for found in scores.values()} == {(1.0, None, None)}


def test_the_order_of_rows_does_not_matter():
    space, truth, runs = runs_of(False)
    groups = dialogues_of(60, 12, 3)
    order = np.random.default_rng(0).permutation(60)
    shuffled = [(p[order], thresholds) for p, thresholds in runs]
    reordered = score_with_intervals(
        AlignedRuns(space, truth[order], shuffled, [groups[n] for n in order]), confidence_level=0.9
    )
    assert score_with_intervals(AlignedRuns(space, truth, runs, groups), confidence_level=0.9) == reordered


def test_a_higher_confidence_level_gives_a_wider_interval():
    space, truth, runs = runs_of(False)
    groups = dialogues_of(60, 12, 3)
    narrow, wide = (
        score_with_intervals(AlignedRuns(space, truth, runs, groups), confidence_level=c)["accuracy"]
        for c in (0.6, 0.95)
    )
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_intervals_have_their_nominal_coverage_only_over_dialogues():
    rng, space, dialogues, turns = np.random.default_rng(0), space_of(2, False), 15, 10
    covered = {"dialogues": 0, "utterances": 0}
    for _trial in range(300):
        easiness = np.repeat(
            rng.beta(1, 0.5, size=dialogues), turns
        )  # accuracy differs by dialogue, 2/3 in the mean
        truth = rng.integers(0, 2, size=dialogues * turns)
        predictions = np.where(rng.random(dialogues * turns) < easiness, truth, 1 - truth)
        rows = np.arange(dialogues * turns)
        for unit, groups in (("dialogues", rows // turns), ("utterances", rows)):
            run = (np.eye(2)[predictions], None)
            found = score_with_intervals(AlignedRuns(space, truth, [run], groups.tolist()), confidence_level=0.9)[
                "accuracy"
            ]
            covered[unit] += found.low <= 2 / 3 <= found.high
    assert 0.86 <= covered["dialogues"] / 300 <= 0.96
    assert covered["utterances"] / 300 < 0.75


def test_no_predictions_or_too_few_dialogue_keys_are_errors():
    space, truth, runs = runs_of(False)
    with pytest.raises(PredictionsError, match="no predictions to score"):
        score_with_intervals(AlignedRuns(space, truth, [], ["a"] * 60), confidence_level=0.9)
    with pytest.raises(PredictionsError, match="59 dialogue keys do not fit 60"):
        score_with_intervals(AlignedRuns(space, truth, runs, ["a"] * 59), confidence_level=0.9)


def test_ranking_metrics_of_weighted_utterances_agree_with_scikit_learn():
    rng = np.random.default_rng(3)
    for _ in range(10):
        has_label, p = rng.random(40) < 0.3, np.round(rng.random(40), 1)
        weights = rng.integers(0, 3, (4, 40)).astype(float)
        found = weighted_auc_and_average_precision(has_label, p, weights)
        for r, own in enumerate(weights):
            assert found["auc"][r] == pytest.approx(roc_auc_score(has_label, p, sample_weight=own))
            expected = average_precision_score(has_label, p, sample_weight=own)
            assert found["average_precision"][r] == pytest.approx(expected)


@pytest.mark.parametrize("chunk", [jackknife._CHUNK_SIZE, 500])
def test_intervals_of_ranking_metrics_leave_out_dialogues(monkeypatch, chunk):
    rng = np.random.default_rng(4)
    space, n = MultiLabelSpace("feelings", ("a", "b")), 200
    truth = (rng.random((n, 2)) < 0.3).astype(int)
    p = np.clip(0.3 * truth + 0.7 * rng.random((n, 2)), 0, 1)
    groups = [f"{k // 4:02}" for k in range(n)]
    monkeypatch.setattr(jackknife, "_CHUNK_SIZE", chunk)
    found = compute_ranking_intervals(AlignedRuns(space, truth, [(p, None)], groups), confidence_level=0.9)
    slow, overall = slow_replicates(space, truth, [(p, None)], groups), compute_scores(space, truth, p)
    for name in RANKING_METRICS:
        assert found[name] == pytest.approx(logit_interval(overall[name], slow[name], 0.9))


def test_many_dialogues_are_left_out_in_groups_with_about_the_same_interval(monkeypatch):
    rng = np.random.default_rng(5)
    space, n = MultiLabelSpace("feelings", ("a", "b")), 900
    truth = (rng.random((n, 2)) < 0.3).astype(int)
    p = np.clip(0.2 * truth + 0.8 * rng.random((n, 2)), 0, 1)
    widths = []
    for limit in (n, 300):
        monkeypatch.setattr(jackknife, "_MAX_GROUPS", limit)
        low, high = compute_ranking_intervals(
            AlignedRuns(space, truth, [(p, None)], [f"{k:03}" for k in range(n)]), confidence_level=0.9
        )["mean_auc"]
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0], rel=0.2)


def test_ranking_metrics_without_dialogues_or_both_classes_have_no_interval():
    space, truth = MultiLabelSpace("feelings", ("a", "b")), np.array([[0, 1], [0, 1], [0, 1]])
    runs, no_intervals = (
        [(np.full((3, 2), 0.5), None)],
        dict.fromkeys(RANKING_METRICS, (None, None)),
    )
    assert compute_ranking_intervals(AlignedRuns(space, truth, runs, ["x"] * 3), confidence_level=0.9) == {}
    assert (
        compute_ranking_intervals(AlignedRuns(space, truth, runs, list("xyz")), confidence_level=0.9)
        == no_intervals
    )


def test_an_undefined_leave_one_out_value_means_no_interval():
    replicates = np.append(np.full(11, 0.5), np.nan)
    assert jackknife_interval(0.5, replicates, is_proportion=True) == (None, None)
    assert jackknife_interval(0.5, replicates[:11], is_proportion=True) == (0.5, 0.5)
