"""Coverage of 95% intervals, on dialogues that differ in emotions and difficulty."""

import numpy as np
import pytest

from sentir.corpus.label_spaces import RegressionSpace, SingleLabelSpace
from sentir.corpus.labels import EMOTIONS
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.intervals import compute_cluster_statistics, score_with_intervals
from sentir.evaluation.metrics import metrics_from_statistics

EMOTION = SingleLabelSpace("emotion", EMOTIONS)
SENTIMENT = RegressionSpace("intensity", "sentiment", (-3, 3))
CLASS_FREQUENCIES = np.array([345, 68, 50, 402, 1256, 208, 281]) / 2610
CLASS_LOGITS = np.array([0.2, -0.9, -1.0, 0.4, 1.6, -0.3, 0.3])
TURNS_PER_DIALOGUE, POPULATION_DIALOGUES = 9.3, 60_000
METRICS = {"weighted_f1", "macro_f1", "accuracy", "unweighted_average_recall", "mae", "pearson", "acc7"}


def sample(rng, dialogues):
    """Yield space, truth, run and keys of dialogues that vary as MELD's do, for emotions and for sentiment."""
    of = np.repeat(np.arange(dialogues), 1 + rng.poisson(TURNS_PER_DIALOGUE - 1, dialogues))
    n, keys = len(of), [f"{d:06d}" for d in of]
    distributions = rng.dirichlet(12 * CLASS_FREQUENCIES, dialogues)
    truth = (
        (rng.random(n)[:, None] > distributions[of].cumsum(axis=1))
        .sum(axis=1)
        .clip(max=len(CLASS_FREQUENCIES) - 1)
    )
    accuracy = 1 / (1 + np.exp(-(CLASS_LOGITS[truth] + rng.normal(0, 0.8, dialogues)[of])))
    predicted = np.where(
        rng.random(n) < accuracy, truth, rng.choice(len(CLASS_FREQUENCIES), n, p=CLASS_FREQUENCIES)
    )
    yield EMOTION, truth, (np.eye(len(CLASS_FREQUENCIES))[predicted], None), keys
    numbers = np.clip(rng.normal(0.3, 0.6, dialogues)[of] + rng.normal(0, 1, n), -3, 3).round(1)
    predictions = 0.6 * numbers + 0.15 + rng.normal(0, 0.35, dialogues)[of] + rng.normal(0, 0.6, n)
    yield SENTIMENT, numbers, (predictions[:, None], None), keys


def coverage(dialogues, trials):
    """Return metric → share of intervals that cover the value of the whole population."""
    population = {}
    for space, truth, run, keys in sample(np.random.default_rng(99), POPULATION_DIALOGUES):
        statistics = compute_cluster_statistics(AlignedRuns(space, truth, [run], ["all"] * len(keys)))
        population |= {
            name: value.item() for name, value in metrics_from_statistics(space, statistics[0, 0]).items()
        }
    rng, covered = np.random.default_rng(0), dict.fromkeys(METRICS, 0)
    for _trial in range(trials):
        for space, truth, run, keys in sample(rng, dialogues):
            for name, found in score_with_intervals(AlignedRuns(space, truth, [run], keys)).items():
                if name in METRICS:
                    covered[name] += found.low <= population[name] <= found.high
    return {name: count / trials for name, count in covered.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("dialogues", "least"), [(280, 0.93), (19, 0.9), (10, 0.88)])
def test_intervals_have_about_their_nominal_coverage_with_few_dialogues_too(dialogues, least):
    found = coverage(dialogues, 1500)
    assert {name: share for name, share in found.items() if not least <= share <= 0.975} == {}, found


if __name__ == "__main__":
    for count in (10, 20, 30, 50, 100, 280):
        print(count, {name: round(share, 3) for name, share in coverage(count, 1500).items()}, flush=True)
