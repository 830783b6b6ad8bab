"""The speed of jackknife intervals over 280 dialogues, on a split of MELD's size, against a plain loop.

Prints ratios measured in this run, on this machine.
"""

import time

import numpy as np
from sklearn.metrics import f1_score
from threadpoolctl import threadpool_limits

from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.labels import EMOTIONS
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.intervals import compute_cluster_statistics, jackknife_metrics, score_with_intervals

ROWS, DIALOGUES = 2_610, 280
COUNTS = np.array([345, 68, 50, 402, 1256, 208, 281])  # MELD's test labels


def leave_one_out_loop(truth: np.ndarray, predicted: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the weighted F1 without each dialogue, scored one by one."""
    kept = (groups != d for d in range(DIALOGUES))
    return np.array([f1_score(truth[rows], predicted[rows], average="weighted") for rows in kept])


def main() -> None:
    rng = np.random.default_rng(0)
    space = SingleLabelSpace("emotion", EMOTIONS)
    groups = np.concatenate([np.arange(DIALOGUES), rng.integers(0, DIALOGUES, ROWS - DIALOGUES)])
    truth = rng.permutation(np.repeat(np.arange(len(EMOTIONS)), COUNTS))
    predicted = np.where(rng.random(ROWS) < 0.6, truth, rng.integers(0, len(EMOTIONS), ROWS))
    run, keys = (np.eye(len(EMOTIONS))[predicted], None), [f"{group:03d}" for group in groups]
    with threadpool_limits(1):
        start = time.process_time()
        score_with_intervals(AlignedRuns(space, truth, [run], keys))
        ours = time.process_time() - start
        start = time.process_time()
        plain = leave_one_out_loop(truth, predicted, groups)
        loop = time.process_time() - start
        same = jackknife_metrics(space, compute_cluster_statistics(AlignedRuns(space, truth, [run], keys)))[
            "weighted_f1"
        ]
    print(f"{DIALOGUES} dialogues left out in turn, every metric: {1000 * ours:.1f} ms")
    print(f"weighted F1 only, in a loop over dialogues: {loop / ours:.0f} times as long")
    print(f"largest difference between the two: {np.abs(same - plain).max():.0e}")


if __name__ == "__main__":
    main()
