"""Splits that share what they should not: dialogues, copies, actors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from sklearn.model_selection import GroupKFold, KFold

from flaws.baselines import Inputs, fit_logistic_regression, fit_tfidf, labeled, predict_sides
from flaws.held_out import FOLDS, Finding, HeldOutCorpus, PredictedRows, Rows, compare_scores, encode_labels
from sentir.corpus.utterances import Utterance
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.results import Run

FeatureFunction = Callable[
    [Rows, Rows], tuple[Inputs, Inputs]
]  # rows to train on, rows to predict → their inputs
COPIES, DROPPED_SHARE = 2, 0.1  # copies of an utterance, each without a tenth of its words


def random_split(data: HeldOutCorpus) -> Iterator[Finding]:
    """Predict every row of train from other rows, split by dialogue or at random."""

    def counted(rest: Rows, part: Rows) -> tuple[Inputs, Inputs]:
        vectorize = fit_tfidf(rest)
        return vectorize(rest), vectorize(part)

    yield compare_cross_validation("utterances split at random, dialogues on both sides", data, counted, 3.0)


def compare_cross_validation(
    flaw: str, data: HeldOutCorpus, compute_features: FeatureFunction, c: float
) -> Finding:
    """Compare cross-validation over rows with that over dialogues; features are fitted on training folds."""
    space, rows = data.label_space("emotion"), labeled([*data.train, *data.held_out], "emotion")
    dialogues = [u.dialogue for u in rows]
    sides = []
    for kind, groups in ((GroupKFold, dialogues), (KFold, None)):
        runs: list[Run] = []
        for seed in range(data.num_repeats):
            p = np.zeros((len(rows), len(space)))
            for others, own in kind(FOLDS, shuffle=True, random_state=seed).split(rows, groups=groups):
                rest, part = ([rows[n] for n in side] for side in (others, own))
                x, x_part = compute_features(rest, part)
                p[own] = fit_logistic_regression(space, x, rest, c)(x_part)
            runs.append((p, tune_thresholds(space, encode_labels(space, rows), p)))
        sides.append(PredictedRows(space, rows, runs))
    return compare_scores(flaw, data, *sides)


def augmentation_before_split(data: HeldOutCorpus) -> Iterator[Finding]:
    """Train utterances are augmented before a random split, or after the split by dialogue."""
    space, draw = data.label_space("emotion"), np.random.default_rng(0)
    train, dev, held = (labeled(rows, "emotion") for rows in (data.train, data.dev, data.held_out))
    wrong: list[list[Utterance]] = [[], []]
    for u in augment([*train, *held], draw):
        wrong[draw.random() < 1 / FOLDS].append(u)
    sides: list[PredictedRows] = []
    for fitted, scored in ((augment(train, draw), held), wrong):
        vectorize = fit_tfidf(fitted)
        sides += predict_sides(
            space,
            fit_logistic_regression(space, vectorize(fitted), fitted),
            (vectorize(dev), dev),
            (vectorize(scored), scored),
        )
    yield compare_scores("augmented copies made before a random split", data, *sides)


def augment(rows: Rows, draw: np.random.Generator) -> list[Utterance]:
    """Return every utterance and its copies."""
    return [copy for u in rows for copy in (u, *(_copy(u, n, draw) for n in range(COPIES)))]


def _copy(u: Utterance, n: int, draw: np.random.Generator) -> Utterance:
    kept = [word for word in (u.text or "").split() if draw.random() >= DROPPED_SHARE]
    return replace(u, id=f"{u.id}/copy{n}", text=" ".join(kept))
