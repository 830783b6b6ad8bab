"""The speed of jackknife intervals over 280 dialogues, on a split of MELD's size, against a plain loop."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.metrics import f1_score

from sentir.bench.timing import Row, alternate
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


def rows() -> Iterator[Row]:
    """Yield the table."""
    rng = np.random.default_rng(0)
    space = SingleLabelSpace("emotion", EMOTIONS)
    groups = np.concatenate([np.arange(DIALOGUES), rng.integers(0, DIALOGUES, ROWS - DIALOGUES)])
    truth = rng.permutation(np.repeat(np.arange(len(EMOTIONS)), COUNTS))
    predicted = np.where(rng.random(ROWS) < 0.6, truth, rng.integers(0, len(EMOTIONS), ROWS))
    runs = AlignedRuns(space, truth, [(np.eye(len(EMOTIONS))[predicted], None)], [f"{one:03d}" for one in groups])
    computed = jackknife_metrics(space, compute_cluster_statistics(runs))["weighted_f1"]
    assert np.allclose(computed, leave_one_out_loop(truth, predicted, groups), rtol=0, atol=1e-12)
    loop, ours = "loop, weighted F1 alone", "Sentir, every metric"
    works = {
        loop: lambda: leave_one_out_loop(truth, predicted, groups),
        ours: lambda: score_with_intervals(runs),
    }
    yield alternate(works, 5).row(f"intervals over {DIALOGUES} dialogues", loop, ours, "250")
