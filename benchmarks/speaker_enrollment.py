"""Speaker normalization on RAVDESS: what unlabeled clips of an unknown speaker are worth.

Five folds by actor of actors 1 to 20 (labels of 21 to 24 are not read). A model is trained on 14 actors; its
epoch is selected on two others, without enrollment; the four actors of the fold are scored. It is the same head
with and without ``model.speaker_normalization``, on the features ``functionals``, and with ``--network`` on a
frozen ``efficientnet_lite0`` too. Without it the model is one of text, and all clips have the same text. A clip
is never enrolled for itself. Intervals are over actors, differences are paired.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from sentir.audio.store import attach_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.utterances import Clip, Utterance
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.comparison import apply_holm_correction, compare
from sentir.evaluation.intervals import score_with_intervals
from sentir.recipe import Recipe, merge_settings
from sentir.recognizer.recognizer import Recognizer
from sentir.study.enrollment_curve import EnrollmentSample, make_samples, predict_enrolled
from sentir.training.recognizers import fit_recognizer

METRIC, ACTORS, NUM_FOLDS = "unweighted_average_recall", range(1, 21), 5
TEXT = "."  # of all clips: a model of text has no other inputs than the functionals
BASE = {
    "name": "ravdess",
    "data": {"reader": "table", "audio": True},
    "model": {"kind": "hybrid_transformer", "features": ["functionals"], "hidden_size": 256, "dropout": 0.5},
    "train": {
        "epochs": 25, "patience": 25, "ema_decay": 0.98, "batch_size": 64, "lr": 1e-3, "weight_decay": 0.05,
        "label_smoothing": 0.1,
    },
    "evaluation": {"metric": METRIC},
}  # fmt: skip
NETWORK = {
    "model": {
        "kind": "emotion_model",
        "audio": {"backbone": "efficientnet_lite0", "encoder": "frozen", "max_seconds": 3},
    }
}
NORMALIZED = {"model": {"speaker_normalization": True}}
NONE = EnrollmentSample(0)
NEUTRAL = EnrollmentSample(4, "neutral")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of RAVDESS with its manifest.csv")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument(
        "--network", action="store_true", help="add a frozen network, which takes ten times as long"
    )
    arguments = parser.parse_args()
    rows = attach_audio(list(read_clips(arguments.root)))  # once, from the store
    space = SingleLabelSpace("emotion", tuple(sorted({u.labels["emotion"][0] for u in rows})))
    labels = {u.id: u.labels["emotion"] for u in rows}
    samples = [NONE, NEUTRAL, *make_samples(space.names)]
    runs: dict[str, list[dict[str, np.ndarray]]] = {}
    for seed in range(arguments.seeds):
        for name, changes in (("unnormalized", {}), ("normalized", NORMALIZED)):
            settings = merge_settings(BASE, NETWORK) if arguments.network else BASE
            recipe = Recipe.parse(merge_settings(merge_settings(settings, changes), {"train": {"seed": seed}}))
            runs.setdefault(name, []).append(predict_folds(recipe, rows, space, samples, labels))
    print_table(rows, space, {describe(*key): value for key, value in collect(runs).items()})


def read_clips(root: Path) -> Iterator[Utterance]:
    """Yield the clips of the actors that may be used."""
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if int(row["speaker"].removeprefix("actor")) in ACTORS:
                clip = Clip(root / row["path"])
                yield Utterance(
                    row["path"], "train", dialogue=row["path"], speaker=row["speaker"], text=TEXT, clip=clip,
                    labels={"emotion": (row["label"],)},
                )  # fmt: skip


def predict_folds(
    recipe: Recipe,
    rows: list[Utterance],
    space: SingleLabelSpace,
    samples: list[EnrollmentSample],
    labels: dict[str, tuple[str, ...]],
) -> dict[EnrollmentSample, np.ndarray]:
    """Return the ``(N, K)`` probabilities of all clips for each sample, from models trained on other actors."""
    by_id: dict[EnrollmentSample, dict[str, np.ndarray]] = {sample: {} for sample in samples}
    for fold in range(NUM_FOLDS):
        held_out = {f"actor{n:02}" for n in ACTORS if n % NUM_FOLDS == fold}
        dev = {f"actor{n:02}" for n in ACTORS if n % NUM_FOLDS == (fold + 1) % NUM_FOLDS and n <= 2 * NUM_FOLDS}
        recognizer = train(recipe, [u for u in rows if u.speaker not in held_out], dev, space)
        blind = [u.blind() for u in rows if u.speaker in held_out]
        used = samples if recognizer.speaker_normalizer else [NONE]
        predicted = (
            predict_enrolled(recognizer, blind, used, labels)
            if recognizer.speaker_normalizer
            else {NONE: recognizer.predict_utterances(blind)}
        )
        for sample, found in predicted.items():
            by_id[sample] |= dict(zip(found.ids, found.probabilities, strict=True))
    return {sample: np.stack([own[u.id] for u in rows]) for sample, own in by_id.items() if own}


def train(recipe: Recipe, rows: list[Utterance], dev: set[str], space: SingleLabelSpace) -> Recognizer:
    split = [replace(u, split="dev" if u.speaker in dev else "train") for u in rows]
    return fit_recognizer(recipe, Corpus.build("ravdess", split, [space]))[0]


def collect(runs: dict[str, list[dict[EnrollmentSample, np.ndarray]]]) -> dict[tuple, list[np.ndarray]]:
    return {(name, sample): [one[sample] for one in seeds] for name, seeds in runs.items() for sample in seeds[0]}


def describe(name: str, sample: EnrollmentSample) -> str:
    if name == "unnormalized":
        return name
    if sample.label:
        return f"{sample.clips} {sample.label}"
    return "all others" if sample.clips is None else f"{sample.clips} random"


def print_table(rows: list[Utterance], space: SingleLabelSpace, runs: dict[str, list[np.ndarray]]) -> None:
    truth, groups = space.encode([u.labels["emotion"] for u in rows]), [u.speaker or "" for u in rows]
    aligned = {name: AlignedRuns(space, truth, [(p, None) for p in own], groups) for name, own in runs.items()}
    base = aligned.pop("unnormalized")
    score = score_with_intervals(base)[METRIC]
    print(f"\n| enrolled clips of each speaker | UAR [95 %] | minus unnormalized |\n|---|--:|--:|\n"
          f"| unnormalized model | {score.value:.3f} [{score.low:.3f}, {score.high:.3f}] | |")  # fmt: skip
    for name, own in aligned.items():
        score = score_with_intervals(own)[METRIC]
        (gain,) = apply_holm_correction([compare(
            own, base, metric=METRIC, names=(name, "unnormalized"), corpus="ravdess", split="held out",
            permutations=2000,
        )])  # fmt: skip
        print(f"| {name} | {score.value:.3f} [{score.low:.3f}, {score.high:.3f}] | "
              f"{gain.difference:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] |")  # fmt: skip


if __name__ == "__main__":
    main()
