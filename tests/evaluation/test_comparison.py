"""Paired comparisons: interval, p-value against exhaustive swaps, and Holm's correction."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from evaluation_data import briefly, dialogues_of, random_case, space_of
from hypothesis import given
from hypothesis import strategies as st

from sentir.errors import PredictionsError, UnknownNameError
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.comparison import apply_holm_correction, compare
from sentir.evaluation.metrics import compute_scores, compute_statistics, metrics_from_statistics
from sentir.evaluation.results import Comparison, few_clusters_note, format_p_value


def paired(space, truth, a, b, groups, **changes):
    options = {
        "metric": "macro_f1",
        "names": ("one", "other"),
        "corpus": "toy",
        "split": "dev",
        "permutations": 300,
    }
    aligned = (AlignedRuns(space, truth, runs, groups) for runs in (a, b))
    return compare(*aligned, **(options | changes))


def compared(*args, **changes):
    return apply_holm_correction([paired(*args, **changes)])[0]


def predict(truth, accuracy, rng, k=3):
    """Return predictions that are correct with the given probability."""
    wrong = (truth + rng.integers(1, k, size=len(truth))) % k
    return np.eye(k)[np.where(rng.random(len(truth)) < accuracy, truth, wrong)]


def macro_f1(space, truth, p):
    return metrics_from_statistics(space, compute_statistics(space, truth, p))["macro_f1"].item()


def three_labels(n, seed):
    space, truth, _p = random_case(3, n, seed, multilabel=False)
    return space, truth, np.random.default_rng([seed, 1])


def test_the_difference_is_that_of_the_means_over_seeds():
    space, truth, rng = three_labels(60, 0)
    a = [(predict(truth, accuracy, rng), None) for accuracy in (0.9, 0.6, 0.7)]
    b = [(predict(truth, accuracy, rng), None) for accuracy in (0.5, 0.4)]
    found = compared(space, truth, a, b, dialogues_of(60, 12, 0))
    mean_a, mean_b = (
        np.mean([compute_scores(space, truth, p)["macro_f1"] for p, _thresholds in side]) for side in (a, b)
    )
    assert found.difference == pytest.approx(mean_a - mean_b)
    assert found.low < found.difference < found.high
    assert (found.a, found.b, found.n, found.num_clusters, found.metric) == ("one", "other", 60, 12, "macro_f1")


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("counts", [(1, 1), (2, 2), (3, 1)])
def test_the_p_value_is_that_of_all_swaps_of_whole_dialogues(multilabel, counts):
    n, dialogues = 40, 7
    space, truth, _p = random_case(3, n, 4, multilabel=multilabel)
    a, b = (
        [(random_case(3, n, 4, multilabel=multilabel, skill=s + 0.1 * i)[2], None) for i in range(count)]
        for count, s in zip(counts, (0.5, 0.3), strict=True)
    )
    groups = np.array(dialogues_of(n, dialogues, 1))
    found = compared(space, truth, a, b, groups.tolist(), permutations=5000)
    pairs = [(a[i % len(a)][0], b[i % len(b)][0]) for i in range(max(counts))]
    is_extreme = []
    for swaps in product([False, True], repeat=dialogues):
        swapped = np.isin(groups, np.unique(groups)[list(swaps)])[:, None]
        differences = [
            macro_f1(space, truth, np.where(swapped, q, p)) - macro_f1(space, truth, np.where(swapped, p, q))
            for p, q in pairs
        ]
        is_extreme.append(abs(np.mean(differences)) >= abs(found.difference) - 1e-12)
    assert found.p == pytest.approx(np.mean(is_extreme), abs=0.03)


def test_swapping_the_models_flips_the_sign():
    space, truth, rng = three_labels(80, 1)
    a, b = ([(predict(truth, accuracy, rng), None)] for accuracy in (0.8, 0.5))
    groups = dialogues_of(80, 16, 0)
    forward, reverse = compared(space, truth, a, b, groups), compared(space, truth, b, a, groups)
    assert (reverse.difference, reverse.low, reverse.high) == pytest.approx(
        (-forward.difference, -forward.high, -forward.low)
    )
    assert reverse.p == forward.p


def test_a_model_compared_with_itself_has_no_difference():
    space, truth, rng = three_labels(40, 2)
    a = [(predict(truth, 0.5, rng), None)]
    found = compared(space, truth, a, a, dialogues_of(40, 10, 0))
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert paired(space, truth, a, a, dialogues_of(40, 10, 0)).standard_error == 0, "of the difference"


def test_a_large_effect_has_a_small_p_and_an_interval_above_zero():
    space, truth, rng = three_labels(300, 3)
    a, b = ([(predict(truth, accuracy, rng), None)] for accuracy in (0.8, 0.5))
    found = compared(space, truth, a, b, dialogues_of(300, 30, 0))
    assert found.p == pytest.approx(1 / 301)
    assert found.low > 0


def test_without_an_effect_p_values_are_uniform():
    values = []
    for trial in range(200):
        space, truth, rng = three_labels(100, trial)
        a, b = ([(predict(truth, 0.6, rng), None) for _seed in range(2)] for _side in "ab")
        found = compared(space, truth, a, b, dialogues_of(100, 20, trial), permutations=199, seed=trial)
        values.append(found.p)
    for level in (0.1, 0.3, 0.5, 0.7):
        assert np.mean(np.array(values) <= level) == pytest.approx(level, abs=0.1)


def test_a_difference_that_is_not_significant_is_stated_with_its_sign():
    space, truth, rng = three_labels(40, 5)
    a, b = ([(predict(truth, accuracy, rng), None)] for accuracy in (0.6, 0.5))
    worse = replace(compared(space, truth, a, b, dialogues_of(40, 10, 0)), difference=-0.021, p_holm=0.5)
    assert "are not significantly different: a difference of -2.1 points" in worse.sentence()


MANY = Comparison("one", "other", "toy", "t", "dev", "macro_f1", 0.021, 0.008, 0.034, 0.002, 0.002, 900, 90)


def test_a_significant_difference_is_stated_with_its_interval_in_either_direction():
    text = "by 2.1 points (95% interval 0.8 to 3.4, p = 0.002)."
    assert MANY.sentence() == f"“one” is better than “other” {text}"
    worse = replace(MANY, difference=-0.021, low=-0.034, high=-0.008)
    assert worse.sentence() == f"“one” is worse than “other” {text}"
    assert replace(MANY, p_holm=0.0001).sentence().endswith("p < 0.001).")


def test_a_lower_error_is_better_and_is_stated_in_its_own_units():
    text = "by 0.021 (95% interval 0.008 to 0.034, p = 0.002)."
    errors = replace(MANY, metric="mae", difference=-0.021, low=-0.034, high=-0.008)
    assert errors.sentence() == f"“one” is better than “other” {text}"
    assert replace(MANY, metric="mae").sentence() == f"“one” is worse than “other” {text}"
    assert replace(MANY, metric="pearson").sentence() == f"“one” is better than “other” {text}"


def test_a_comparison_over_few_dialogues_has_a_note():
    assert replace(MANY, num_clusters=4).sentence().endswith(few_clusters_note(4))
    assert "only 4 dialogues" in few_clusters_note(4)
    assert few_clusters_note(10) not in replace(MANY, num_clusters=10).sentence()


def test_holm_agrees_with_values_computed_by_hand():
    space, truth, rng = three_labels(40, 5)
    a, b = ([(predict(truth, accuracy, rng), None)] for accuracy in (0.6, 0.5))
    one = paired(space, truth, a, b, dialogues_of(40, 10, 0))

    def with_p(p):
        return replace(one, comparison=replace(one.comparison, p=p))

    table = apply_holm_correction([with_p(p) for p in (0.01, 0.04, 0.03, 0.005)])
    assert [row.p_holm for row in table] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [row.p for row in table] == [0.01, 0.04, 0.03, 0.005]
    assert [row.p_holm for row in apply_holm_correction([with_p(p) for p in (0.8, 0.6)])] == [1, 1]
    assert apply_holm_correction([]) == ()


@briefly
@given(
    st.integers(2, 40), st.integers(1, 6), st.sampled_from([19, 99, 400]), st.integers(0, 2**32 - 1),
    st.sampled_from(["macro_f1", "accuracy", "weighted_f1"]),
)  # fmt: skip
def test_sentence_p_value_and_interval_never_contradict_each_other(dialogues, m, permutations, seed, metric):
    rng = np.random.default_rng(seed)
    n = dialogues * int(rng.integers(1, 6))
    space, truth, groups = space_of(3, False), rng.integers(0, 3, n), [f"{k % dialogues}" for k in range(n)]
    base = [(predict(truth, 0.5, rng), None)]
    others = [[(predict(truth, rng.choice([0.2, 0.4, 0.5, 0.6]), rng), None)] for _ in range(m)]
    options = {"metric": metric, "permutations": permutations, "seed": seed}
    for found in apply_holm_correction(
        [paired(space, truth, base, other, groups, **options) for other in others]
    ):
        is_significant, text = found.p_holm < 0.05, found.sentence()
        assert ("not significantly different" in text) == (not is_significant)
        assert (found.low is None) == (found.high is None)
        if is_significant:
            assert ("better" in text) == (found.difference > 0) and ("worse" in text) == (found.difference < 0)
        if found.low is not None and found.high is not None:
            assert found.low <= found.difference <= found.high
            assert (found.low <= 0 <= found.high) == (not is_significant)
        shown = [float(bound) for bound in re.findall(r"-?\d+\.\d+", text.partition("interval ")[2])[:2]]
        if shown:
            assert (shown[0] <= 0 <= shown[1]) == (not is_significant), text
        assert ("interval" in text.partition(").")[0]) == (found.low is not None)


def test_intervals_of_differences_cover_the_true_one():
    """Two models with independent errors, in dialogues of different difficulty."""
    covered, trials, rng = 0, 300, np.random.default_rng(0)
    space, groups = space_of(3, False), [f"{k // 10:02}" for k in range(150)]
    for trial in range(trials):
        easiness, truth = np.repeat(rng.normal(0, 0.15, 15), 10), rng.integers(0, 3, 150)
        sides = ([(predict(truth, base + easiness, rng), None)] for base in (0.6, 0.45))
        found = compared(space, truth, *sides, groups, metric="accuracy", permutations=200, seed=trial)
        covered += found.low <= 0.15 <= found.high
    assert 0.91 <= covered / trials <= 0.99


def test_a_value_near_a_boundary_is_formatted_so_that_its_side_shows():
    texts = [format_p_value(p) for p in (0.0499, 0.0501, 0.05)]
    assert texts == ["p = 0.0499", "p = 0.0501", "p = 0.050"]
    assert "interval 0.003 to 3.4" in replace(MANY, low=0.00003).sentence()
    table = replace(MANY, p_holm=0.01, num_comparisons=6).sentence()
    assert table == (
        "“one” is better than “other” by 2.1 points "
        "(95% interval 0.8 to 3.4, p = 0.010, corrected for 6 comparisons)."
    )
    few = replace(MANY, low=None, high=None, num_clusters=8).sentence()
    assert few.startswith("“one” is better than “other” by 2.1 points (p = 0.002). Based on only 8")


def test_one_dialogue_and_ranking_metrics_cannot_be_compared():
    space, truth, p = random_case(3, 20, 0, multilabel=True)
    with pytest.raises(PredictionsError, match="'one' and 'other' cannot be compared on one dialogue"):
        compared(space, truth, [(p, None)], [(p, None)], ["dia0"] * 20)
    with pytest.raises(UnknownNameError, match="no metric called 'mean_auc'"):
        compared(space, truth, [(p, None)], [(p, None)], dialogues_of(20, 4, 0), metric="mean_auc")
