"""Coverage of 95 % intervals when there are few dialogues, of the bootstrap and the jackknife.

2,000 simulated corpora per row: ten utterances per dialogue, seven labels with MELD's frequencies. Dialogues
differ in their labels (Dirichlet) and in difficulty (a normal intercept on the logit of a correct prediction),
both with the same intraclass correlation: 0.1, 0.2 or 0.3. Two models share 80 % of a dialogue's difficulty and
60 % of an utterance's. The true score is that on 40,000 dialogues. *Bootstrap* is the percentile interval of
1,000 resamples of whole dialogues, with a macro F1 in which absent labels count 0; *jackknife* is the interval of
`sentir.evaluation.intervals` and `sentir.evaluation.comparison`.
"""

import argparse

import numpy as np

from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.labels import EMOTIONS
from sentir.evaluation import jackknife
from sentir.evaluation.comparison import UncorrectedComparison, _permuted_differences, apply_holm_correction
from sentir.evaluation.intervals import jackknife_metrics
from sentir.evaluation.jackknife import jackknife_interval, jackknife_standard_error
from sentir.evaluation.metrics import get_metric, metrics_from_statistics
from sentir.evaluation.metrics.label_counts import counts_from_confusion_matrix, f1
from sentir.evaluation.results import Comparison

SPACE = SingleLabelSpace("emotion", EMOTIONS)
CLASS_FREQUENCIES = np.array([345, 68, 50, 402, 1256, 208, 281]) / 2610
CLASS_LOGITS = np.array([0.2, -0.9, -1.0, 0.4, 1.6, -0.3, 0.3])
K, TURNS_PER_DIALOGUE, SECOND_MODEL_SHIFT = len(CLASS_FREQUENCIES), 10, -0.25
METRICS = ("weighted_f1", "macro_f1", "accuracy", "unweighted_average_recall")


def simulate(rng: np.random.Generator, trials: int, dialogues: int, icc: float) -> list[np.ndarray]:
    """Return the confusion matrices of two models, ``(trials, dialogues, K·K)`` each."""
    spread = np.sqrt(icc / (1 - icc) * np.pi**2 / 3)  # of the intercepts; the logistic's variance is π²/3
    moods = rng.dirichlet((1 / icc - 1) * CLASS_FREQUENCIES, (trials, dialogues))
    chance = rng.random((trials, dialogues, TURNS_PER_DIALOGUE, 1))
    truth = (chance > moods[:, :, None].cumsum(axis=-1)).sum(axis=-1).clip(max=K - 1)
    common, hard = rng.normal(0, spread, (trials, dialogues, 1)), rng.logistic(size=truth.shape)
    counted = []
    for shift in (0.0, SECOND_MODEL_SHIFT):
        own = np.sqrt(0.8) * common + np.sqrt(0.2) * rng.normal(0, spread, common.shape)
        noise = np.where(rng.random(truth.shape) < 0.6, hard, rng.logistic(size=truth.shape))
        correct = CLASS_LOGITS[truth] + shift + own + noise > 0
        cells = truth * K + np.where(correct, truth, rng.choice(K, truth.shape, p=CLASS_FREQUENCIES))
        flat = np.arange(trials * dialogues)[:, None] * K * K + cells.reshape(-1, TURNS_PER_DIALOGUE)
        counts = np.bincount(flat.ravel(), minlength=trials * dialogues * K * K)
        counted.append(counts.reshape(trials, dialogues, K * K).astype(np.float64))
    return counted


def scores(totals: np.ndarray) -> dict[str, np.ndarray]:
    metrics = metrics_from_statistics(SPACE, totals)
    return {name: metrics[name] for name in METRICS}


def true_scores(icc: float) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(99)
    totals = sum(
        np.array([model.sum(axis=(0, 1)) for model in simulate(rng, 200, 10, icc)]) for _part in range(20)
    )
    both = [scores(model) for model in totals]
    return [both[0], {name: both[0][name] - both[1][name] for name in METRICS}]


def bootstrap_intervals(
    models: list[np.ndarray], rng: np.random.Generator
) -> list[dict[str, tuple[float, float]]]:
    """Return the percentile intervals of one corpus: of the first model, and of the difference."""
    n = models[0].shape[0]
    weights = rng.multinomial(n, np.full(n, 1 / n), size=1000).astype(np.float64)
    drawn = []
    for model in models:
        totals = weights @ model
        macro = f1(counts_from_confusion_matrix(totals.reshape(-1, K, K))).mean(axis=-1)
        drawn.append(scores(totals) | {"macro_f1": macro})
    both = [drawn[0], {name: drawn[0][name] - drawn[1][name] for name in METRICS}]
    return [{name: tuple(np.quantile(v, [0.025, 0.975])) for name, v in one.items()} for one in both]


def jackknife_intervals(models: list[np.ndarray], seed: int) -> list[dict[str, tuple[float, float]]]:
    n, (a, b) = models[0].shape[0], (model[None] for model in models)
    without = [jackknife_metrics(SPACE, side) for side in (a, b)]
    values = [scores(model.sum(axis=0)) for model in models]
    own = {
        name: jackknife_interval(
            float(values[0][name]),
            without[0][name],
            is_proportion=get_metric(name).is_proportion,
            confidence_level=0.95,
        )
        for name in METRICS
    }
    differences = {}
    for name in METRICS:
        d = float(values[0][name] - values[1][name])
        swapped = np.sort(np.abs(_permuted_differences(SPACE, name, a, b, 500, seed)))[::-1]
        p = (1 + int((swapped >= abs(d) - 1e-12).sum())) / 501
        row = Comparison("a", "b", "", "", "dev", name, d, None, None, p, p, n * TURNS_PER_DIALOGUE, n)
        (comparison,) = apply_holm_correction(
            [
                UncorrectedComparison(
                    row, float(jackknife_standard_error(without[0][name] - without[1][name])), swapped
                )
            ]
        )
        differences[name] = (comparison.low, comparison.high)
    return [own, differences]


def covers(bounds: tuple[float | None, float | None], truth: float) -> float:
    """Return 1 or 0; NaN without an interval, as for a difference over fewer than ten dialogues."""
    low, high = bounds
    return np.nan if low is None or high is None else float(low <= truth <= high)


def percent(covered: np.ndarray) -> str:
    """Return the percentage of the intervals that cover the true score; a dash if there are none."""
    known = covered[~np.isnan(covered)]
    return f"{100 * known.mean():.1f}" if len(known) else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--dialogues", type=int, nargs="+", default=[4, 10, 19, 30, 50, 100])
    given = parser.parse_args()
    jackknife.MIN_CLUSTERS = 2  # also where Sentir gives no interval
    print("percent of intervals that cover the true score, bootstrap → jackknife")
    print(f"{'':24}" + "".join(f"{name[:17]:>18}" for name in METRICS))
    for dialogues in given.dialogues:
        for icc in (0.1, 0.2, 0.3):
            truths, rng = true_scores(icc), np.random.default_rng(1)
            covered = np.full((2, 2, given.trials, len(METRICS)), np.nan)  # method, score or difference
            for trial, models in enumerate(zip(*simulate(rng, given.trials, dialogues, icc), strict=True)):
                for method, intervals in enumerate(
                    (bootstrap_intervals(list(models), rng), jackknife_intervals(list(models), trial))
                ):
                    for what, bounds in enumerate(intervals):
                        truth = truths[what]
                        covered[method, what, trial] = [covers(bounds[m], float(truth[m])) for m in METRICS]
            for what, name in enumerate(("score", "difference")):
                old, new = ([percent(column) for column in method.T] for method in covered[:, what])
                cells = "".join(f"{both[0]:>11} → {both[1]:>4}" for both in zip(old, new, strict=True))
                print(f"{dialogues:4} ICC {icc:.1f} {name:12} {cells}", flush=True)


if __name__ == "__main__":
    main()
