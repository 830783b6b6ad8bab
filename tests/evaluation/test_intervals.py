"""The bootstrap over dialogues against a slow one, and how often its interval holds the truth."""

import numpy as np
import pytest
from evaluation_data import dialogues_of, random_case, space_of
from sklearn.metrics import average_precision_score, roc_auc_score

from sentir.corpus.labels import LabelSpace
from sentir.errors import PredictionsError
from sentir.evaluation import intervals
from sentir.evaluation.intervals import bootstrap, ranked_intervals
from sentir.evaluation.metrics import COUNTED, RANKED, from_statistics, score, statistics
from sentir.evaluation.metrics.multi import weighted_ranking


def slow_bootstrap(space, truth, runs, groups, resamples, seed):
    """Repeat the rows of drawn dialogues one by one, with the weights of the fast bootstrap."""
    keys, groups = np.unique(groups), np.asarray(groups)
    rng = np.random.default_rng(seed)
    draws = []
    for weights in rng.multinomial(len(keys), np.full(len(keys), 1 / len(keys)), size=resamples):
        rows = np.concatenate(
            [np.tile(np.flatnonzero(groups == k), w) for k, w in zip(keys, weights, strict=True)]
        )
        scores = [from_statistics(space, statistics(space, truth[rows], p[rows], cuts)) for p, cuts in runs]
        draws.append({name: np.mean([run[name] for run in scores]) for name in scores[0]})
    return draws


def runs_of(multilabel, seeds=2, n=60):
    cases = [random_case(3, n, 7, multilabel=multilabel, skill=s / (seeds + 1)) for s in range(1, seeds + 1)]
    space, truth, _p = cases[0]
    cuts = np.array([0.3, 0.5, 0.7]) if multilabel else None
    return space, truth, [(p, cuts) for _space, _truth, p in cases]


@pytest.mark.parametrize("multilabel", [False, True])
def test_the_bootstrap_agrees_with_a_slow_one(multilabel):
    space, truth, runs = runs_of(multilabel)
    groups = dialogues_of(60, 9, 3)
    fast = bootstrap(space, truth, runs, groups, resamples=50, confidence=0.9, seed=5)
    slow = slow_bootstrap(space, truth, runs, groups, 50, 5)
    for name in COUNTED[space.kind]:
        low, high = np.quantile([draw[name] for draw in slow], [0.05, 0.95])
        assert (fast[name].low, fast[name].high) == pytest.approx((low, high))
        assert fast[name].low < fast[name].high


@pytest.mark.parametrize("multilabel", [False, True])
def test_values_are_means_over_seeds_with_their_deviation(multilabel):
    space, truth, runs = runs_of(multilabel, seeds=3)
    alone = [score(space, truth, p, cuts) for p, cuts in runs]
    scores = bootstrap(space, truth, runs, dialogues_of(60, 9, 3), resamples=20, confidence=0.9)
    assert set(scores) == {*COUNTED[space.kind], *RANKED[space.kind]}
    for name, found in scores.items():
        values = [run[name] for run in alone]
        assert (found.value, found.sd) == pytest.approx((np.mean(values), np.std(values, ddof=1)))


def test_one_seed_has_no_deviation_and_ranks_have_no_interval():
    space, truth, runs = runs_of(True, seeds=1)
    scores = bootstrap(space, truth, runs, dialogues_of(60, 9, 3), resamples=20, confidence=0.9)
    assert all(found.sd is None for found in scores.values())
    assert [(scores[name].low, scores[name].high) for name in RANKED["multi"]] == [(None, None)] * 2


def test_one_dialogue_has_no_interval():
    space, truth, runs = runs_of(False)
    scores = bootstrap(space, truth, runs, ["dia0"] * 60, resamples=20, confidence=0.9)
    assert all(found.low is None and found.high is None for found in scores.values())


def test_neither_the_order_of_rows_nor_the_size_of_chunks_changes_anything(monkeypatch):
    space, truth, runs = runs_of(False)
    groups = dialogues_of(60, 9, 3)
    whole = bootstrap(space, truth, runs, groups, resamples=50, confidence=0.9)
    order = np.random.default_rng(0).permutation(60)
    moved = [(p[order], cuts) for p, cuts in runs]
    assert whole == bootstrap(
        space, truth[order], moved, [groups[n] for n in order], resamples=50, confidence=0.9
    )
    monkeypatch.setattr(intervals, "_CHUNK", 100)
    assert whole == bootstrap(space, truth, runs, groups, resamples=50, confidence=0.9)


def test_a_wider_confidence_gives_a_wider_interval():
    space, truth, runs = runs_of(False)
    groups = dialogues_of(60, 9, 3)
    narrow, wide = (
        bootstrap(space, truth, runs, groups, resamples=200, confidence=c)["accuracy"] for c in (0.6, 0.95)
    )
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_intervals_hold_the_truth_as_often_as_they_say_only_when_dialogues_are_drawn():
    rng, space, dialogues, turns = np.random.default_rng(0), space_of(2, False), 40, 10
    held = {"dialogues": 0, "utterances": 0}
    for _trial in range(200):
        ease = np.repeat(rng.beta(1, 0.5, size=dialogues), turns)  # accuracy differs by dialogue, 2/3 in the mean
        truth = rng.integers(0, 2, size=dialogues * turns)
        answers = np.where(rng.random(dialogues * turns) < ease, truth, 1 - truth)
        rows = np.arange(dialogues * turns)
        for unit, groups in (("dialogues", rows // turns), ("utterances", rows)):
            found = bootstrap(
                space, truth, [(np.eye(2)[answers], None)], groups.tolist(), resamples=300, confidence=0.9
            )["accuracy"]
            held[unit] += found.low <= 2 / 3 <= found.high
    assert 0.84 <= held["dialogues"] / 200 <= 0.95
    assert held["utterances"] / 200 < 0.75


def test_no_predictions_or_too_few_dialogue_keys_are_errors():
    space, truth, runs = runs_of(False)
    with pytest.raises(PredictionsError, match="no predictions to score"):
        bootstrap(space, truth, [], ["a"] * 60, resamples=20, confidence=0.9)
    with pytest.raises(PredictionsError, match="59 dialogue keys do not fit 60"):
        bootstrap(space, truth, runs, ["a"] * 59, resamples=20, confidence=0.9)


def test_ranks_of_weighted_utterances_are_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    for _ in range(10):
        carries, p = rng.random(40) < 0.3, np.round(rng.random(40), 1)
        weights = rng.integers(0, 3, (4, 40)).astype(float)
        found = weighted_ranking(carries, p, weights)
        for r, own in enumerate(weights):
            assert found["auc"][r] == pytest.approx(roc_auc_score(carries, p, sample_weight=own))
            expected = average_precision_score(carries, p, sample_weight=own)
            assert found["average_precision"][r] == pytest.approx(expected)


def test_the_interval_of_ranks_is_that_of_drawn_dialogues():
    rng = np.random.default_rng(4)
    space, n = LabelSpace("feelings", ("a", "b"), multilabel=True), 200
    truth = (rng.random((n, 2)) < 0.3).astype(int)
    p = np.clip(0.3 * truth + 0.7 * rng.random((n, 2)), 0, 1)
    groups = [f"{k // 4:02}" for k in range(n)]
    found = ranked_intervals(space, truth, [(p, None)], groups, resamples=300, confidence=0.9)
    draws = np.random.default_rng(0)
    slow = []
    for _ in range(300):
        times = np.repeat(draws.multinomial(50, np.full(50, 1 / 50)), 4)
        slow.append(score(space, np.repeat(truth, times, axis=0), np.repeat(p, times, axis=0)))
    for name in RANKED["multi"]:
        expected = np.quantile([one[name] for one in slow], [0.05, 0.95])
        assert found[name] == pytest.approx(tuple(expected))


def test_ranks_without_dialogues_to_draw_or_labels_to_rank_have_no_interval():
    space, truth = LabelSpace("feelings", ("a", "b"), multilabel=True), np.array([[0, 1], [0, 1], [0, 1]])
    runs, how = [(np.full((3, 2), 0.5), None)], {"resamples": 100, "confidence": 0.9}
    assert ranked_intervals(space, truth, runs, ["x"] * 3, **how) == {}
    assert ranked_intervals(space, truth, runs, list("xyz"), **how) == {}
