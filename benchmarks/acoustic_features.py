"""Acoustic feature sets on RAVDESS: unweighted average recall over five folds of actors 1 to 20.

Each fold holds out four actors (`sklearn.model_selection.GroupKFold` in its default order); C and gamma are
selected by four inner folds of actors. Labels of actors 21 to 24, the test split, are not read.
*Speaker-normalized* means that each column is standardized within its speaker, without labels, also within those
held out: a score that uses unlabelled clips of its test speakers. Intervals are bootstraps over speakers. A clip
that RAVDESS holds twice, both of one actor, counts twice.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sentir.audio.store import attach_audio
from sentir.corpus.utterances import Clip, Utterance
from sentir.features import compute_features

LAST_ACTOR = 20
REDRAWS = 1000
Array = NDArray[np.float64]


def read_clips(root: Path) -> tuple[list[Utterance], list[str], NDArray[np.intp]]:
    """Return the clips of actors 1 to 20, their labels and their actors."""
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["speaker"].removeprefix("actor")) <= LAST_ACTOR]
    clips = attach_audio([Utterance(row["path"], split="train", clip=Clip(root / row["path"])) for row in rows])
    actors = [int(row["speaker"].removeprefix("actor")) for row in rows]
    return clips, [row["label"] for row in rows], np.array(actors)


def standardize_within_speakers(values: Array, actors: NDArray[np.intp]) -> Array:
    normalized = np.zeros_like(values)
    for actor in np.unique(actors):
        own = values[actors == actor]
        deviation = own.std(axis=0)
        normalized[actors == actor] = (own - own.mean(axis=0)) / np.where(deviation > 1e-9, deviation, np.inf)
    return normalized


def heads(columns: int) -> dict[str, tuple[object, dict[str, list[float]]]]:
    """Head → classifier and grid; the kernel's widths are in units of the number of columns."""
    gammas = [factor / columns for factor in (0.1, 0.3, 1)]
    return {
        "SVM": (SVC(class_weight="balanced"), {"svc__C": [1, 3, 10], "svc__gamma": gammas}),
        "logistic regression": (
            LogisticRegression(class_weight="balanced", max_iter=2000),
            {"logisticregression__C": [0.003, 0.01, 0.03, 0.1]},
        ),
    }


def predict_held_out(classifier, grid, values: Array, truth, actors, workers: int):
    predicted = np.empty_like(truth)
    for train, held_out in GroupKFold(5).split(values, truth, actors):
        search = GridSearchCV(
            make_pipeline(StandardScaler(), classifier),
            grid,
            scoring="balanced_accuracy",
            cv=GroupKFold(4),
            n_jobs=workers,
        )
        search.fit(values[train], truth[train], groups=actors[train])
        predicted[held_out] = search.predict(values[held_out])
    return predicted


def score(truth, predicted, actors) -> tuple[float, float, float]:
    """Return the unweighted average recall and its 95 % interval over speakers."""
    rng, by_actor = np.random.default_rng(0), [np.flatnonzero(actors == actor) for actor in np.unique(actors)]

    def recall(rows) -> float:
        return float(recall_score(truth[rows], predicted[rows], average="macro"))

    drawn = (rng.integers(len(by_actor), size=len(by_actor)) for _redraw in range(REDRAWS))
    redraws = [recall(np.concatenate([by_actor[k] for k in draw])) for draw in drawn]
    return recall(slice(None)), *np.percentile(redraws, [2.5, 97.5]).tolist()


def lines(root: Path, sets: list[str], workers: int) -> Iterator[str]:
    yield "| features | columns | head | no speaker information | speaker-normalized |"
    yield "|---|--:|---|--:|--:|"
    clips, labels, actors = read_clips(root)
    truth = np.array(labels)
    for name in sets:
        values = compute_features([name], clips).values.astype(np.float64)
        for head, (classifier, grid) in heads(values.shape[1]).items():
            cells = []
            for inputs in (values, standardize_within_speakers(values, actors)):
                predicted = predict_held_out(classifier, grid, inputs, truth, actors, workers)
                cells.append("{:.3f} [{:.3f}, {:.3f}]".format(*score(truth, predicted, actors)))
            yield f"| {name} | {values.shape[1]} | {head} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ravdess", type=Path, help="folder with manifest.csv and audio/")
    parser.add_argument("--sets", nargs="+", default=["thesis", "functionals"])
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    for line in lines(given.ravdess, given.sets, given.workers):
        print(line, flush=True)


if __name__ == "__main__":
    main()
