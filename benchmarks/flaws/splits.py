"""Splits that share what should be apart: dialogues, copies, actors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from sklearn.model_selection import GroupKFold, KFold

from flaws.baselines import Inputs, labeled, learn, say, words
from flaws.held_out import FOLDS, Finding, Ground, Rows, Said, encode, find
from sentir.corpus.utterances import Utterance
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.results import Run

FeatureFunction = Callable[[Rows, Rows], tuple[Inputs, Inputs]]  # rows that teach, rows to predict → their inputs
COPIES, DROPPED_SHARE = 2, 0.1  # copies of an utterance, each of which loses a tenth of its words


def random_split(ground: Ground) -> Iterator[Finding]:
    """Every row of train is predicted from other rows, by whole dialogues or at random."""

    def counted(rest: Rows, part: Rows) -> tuple[Inputs, Inputs]:
        count = words(rest)
        return count(rest), count(part)

    yield compare_cross_validation("utterances split at random, dialogues on both sides", ground, counted, 3.0)


def compare_cross_validation(flaw: str, ground: Ground, compute_features: FeatureFunction, C: float) -> Finding:
    """Compare cross-validation over rows with that over whole dialogues; ``compute_features`` are fitted on what learns."""
    space, rows = ground.label_space("emotion"), labeled([*ground.train, *ground.held], "emotion")
    dialogues = [u.dialogue for u in rows]
    sides = []
    for kind, groups in ((GroupKFold, dialogues), (KFold, None)):
        runs: list[Run] = []
        for seed in range(ground.num_repeats):
            p = np.zeros((len(rows), len(space)))
            for others, own in kind(FOLDS, shuffle=True, random_state=seed).split(rows, groups=groups):
                rest, part = ([rows[n] for n in side] for side in (others, own))
                x, x_part = compute_features(rest, part)
                p[own] = learn(space, x, rest, C)(x_part)
            runs.append((p, tune_thresholds(space, encode(space, rows), p)))
        sides.append(Said(space, rows, runs))
    return find(flaw, ground, *sides)


def augmentation_before_split(ground: Ground) -> Iterator[Finding]:
    """Copies of train utterances are made; the split is drawn among all of them, or was there before."""
    space, draw = ground.label_space("emotion"), np.random.default_rng(0)
    train, dev, held = (labeled(rows, "emotion") for rows in (ground.train, ground.dev, ground.held))
    wrong: list[list[Utterance]] = [[], []]
    for u in augment([*train, *held], draw):
        wrong[draw.random() < 1 / FOLDS].append(u)
    sides: list[Said] = []
    for learned, judged in ((augment(train, draw), held), wrong):
        count = words(learned)
        sides += say(space, learn(space, count(learned), learned), (count(dev), dev), (count(judged), judged))
    yield find("copies with words left out, made before a random split", ground, *sides)


def augment(rows: Rows, draw: np.random.Generator) -> list[Utterance]:
    """Return every utterance and its copies."""
    return [copy for u in rows for copy in (u, *(_copy(u, n, draw) for n in range(COPIES)))]


def _copy(u: Utterance, n: int, draw: np.random.Generator) -> Utterance:
    kept = [word for word in (u.text or "").split() if draw.random() >= DROPPED_SHARE]
    return replace(u, id=f"{u.id}/copy{n}", text=" ".join(kept))
