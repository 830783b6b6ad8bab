"""How often 95 % intervals hold the truth, on dialogues that differ in emotions and in how hard they are."""

import numpy as np
import pytest

from sentir.corpus.labels import EMOTIONS, LabelSpace
from sentir.evaluation.intervals import compute_cluster_statistics, score_with_intervals
from sentir.evaluation.metrics import metrics_from_statistics

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


def coverage(dialogues, trials):
    """Return metric → share of intervals that hold what a world of dialogues says."""
    world = {}
    for space, truth, run, keys in draw(np.random.default_rng(99), WORLD):
        totals = compute_cluster_statistics(space, truth, [run], ["all"] * len(keys))
        world |= {name: value.item() for name, value in metrics_from_statistics(space, totals[0, 0]).items()}
    rng, held = np.random.default_rng(0), dict.fromkeys(METRICS, 0)
    for _trial in range(trials):
        for space, truth, run, keys in draw(rng, dialogues):
            for name, found in score_with_intervals(space, truth, [run], keys, confidence_level=0.95).items():
                if name in METRICS:
                    held[name] += found.low <= world[name] <= found.high
    return {name: count / trials for name, count in held.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("dialogues", "least"), [(280, 0.93), (19, 0.9), (10, 0.88)])
def test_intervals_hold_the_truth_about_as_often_as_they_say_over_few_dialogues_too(dialogues, least):
    found = coverage(dialogues, 1500)
    assert {name: share for name, share in found.items() if not least <= share <= 0.975} == {}, found


if __name__ == "__main__":
    for count in (10, 20, 30, 50, 100, 280):
        print(count, {name: round(share, 3) for name, share in coverage(count, 1500).items()}, flush=True)
