"""How often 95 % intervals hold the truth, on dialogues that differ in emotions and in how hard they are."""

import numpy as np
import pytest

from sentir.corpus.labels import EMOTIONS, LabelSpace
from sentir.evaluation.intervals import by_dialogue, resampled
from sentir.evaluation.metrics import from_statistics

EMOTION = LabelSpace("emotion", EMOTIONS)
SENTIMENT = LabelSpace("intensity", ("sentiment",), bounds=(-3, 3))
SHARES = np.array([345, 68, 50, 402, 1256, 208, 281]) / 2610
EASE = np.array([0.2, -0.9, -1.0, 0.4, 1.6, -0.3, 0.3])
TURNS, WORLD = 9.3, 60_000
METRICS = {"weighted_f1", "macro_f1", "accuracy", "unweighted_average_recall", "mae", "pearson", "acc7"}


def draw(rng, dialogues):
    """Draw dialogues as unlike one another as MELD's: yields space, truth, run, keys, for labels and numbers."""
    of = np.repeat(np.arange(dialogues), 1 + rng.poisson(TURNS - 1, dialogues))
    n, keys = len(of), [f"{d:06d}" for d in of]
    moods = rng.dirichlet(12 * SHARES, dialogues)
    truth = (rng.random(n)[:, None] > moods[of].cumsum(axis=1)).sum(axis=1).clip(max=len(SHARES) - 1)
    right = 1 / (1 + np.exp(-(EASE[truth] + rng.normal(0, 0.8, dialogues)[of])))
    answers = np.where(rng.random(n) < right, truth, rng.choice(len(SHARES), n, p=SHARES))
    yield EMOTION, truth, (np.eye(len(SHARES))[answers], None), keys
    numbers = np.clip(rng.normal(0.3, 0.6, dialogues)[of] + rng.normal(0, 1, n), -3, 3).round(1)
    said = 0.6 * numbers + 0.15 + rng.normal(0, 0.35, dialogues)[of] + rng.normal(0, 0.6, n)
    yield SENTIMENT, numbers, (said[:, None], None), keys


def coverage(dialogues, trials, resamples=1000):
    """Return metric → share of intervals that hold what a world of dialogues says."""
    world = {}
    for space, truth, run, keys in draw(np.random.default_rng(99), WORLD):
        totals = by_dialogue(space, truth, [run], ["all"] * len(keys))
        world |= {name: value.item() for name, value in from_statistics(space, totals[0, 0]).items()}
    rng, held = np.random.default_rng(0), dict.fromkeys(world, 0)
    for trial in range(trials):
        for space, truth, run, keys in draw(rng, dialogues):
            found = resampled(space, by_dialogue(space, truth, [run], keys), resamples=resamples, seed=trial)
            for name, values in found.items():
                low, high = np.quantile(values, [0.025, 0.975])
                held[name] += low <= world[name] <= high
    return {name: count / trials for name, count in held.items() if name in METRICS}


@pytest.mark.slow
def test_intervals_over_as_many_dialogues_as_melds_test_hold_the_truth_in_93_to_97_of_100_cases():
    found = coverage(280, 1500)
    assert found.keys() == METRICS
    assert {name: share for name, share in found.items() if not 0.93 <= share <= 0.97} == {}, found


@pytest.mark.slow
def test_intervals_over_four_dialogues_hold_it_far_less_often():
    assert max(coverage(4, 300).values()) < 0.9


if __name__ == "__main__":
    for count in (4, 10, 20, 30, 50, 100, 280):
        print(count, {name: round(share, 3) for name, share in coverage(count, 1500).items()}, flush=True)
