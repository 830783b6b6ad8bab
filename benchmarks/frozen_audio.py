"""Frozen networks on mel spectrograms and acoustic functionals, with several heads: RAVDESS, actors 1 to 20.

Five folds by actor (scikit-learn's `GroupKFold`), nothing selected in them; unweighted average recall of all
held-out clips, intervals over actors. Heads: a support vector machine, Sentir's kernel ridge regression, Sentir's
network averaged over seeds, and the last two together (mean of log probabilities). With ``--normalize-speakers``
every column is standardized within its speaker first, which uses all of a speaker's clips, without labels. Actors
21 to 24 are not read.
"""

import argparse
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold
from sklearn.svm import SVC
from torch.nn.functional import cross_entropy

from sentir.audio.store import attach_audio
from sentir.corpus.utterances import Clip, Utterance
from sentir.features import compute_features
from sentir.models.device import to_tensors
from sentir.models.emotion_model import EmotionModel
from sentir.preprocessing.preprocessor import ModelInputs, Preprocessor
from sentir.recipe import DataSettings, ModelSettings
from sentir.recognizer.encoders import Encoders
from sentir.recognizer.torch_backend import TorchBackend
from sentir.training.kernel_ridge import fit_kernel_ridge

Array = NDArray[np.float32]
NUM_ACTORS, NUM_FOLDS, NUM_RESAMPLES = 20, 5, 1000
NUM_CENTERS, HIDDEN_SIZE, DROPOUT, LABEL_SMOOTHING, BATCH_SIZE, LR = 512, 256, 0.5, 0.1, 32, 2e-3


@dataclass(frozen=True)
class Clips:
    """Inputs of N clips, their classes and actors; a column of ``inputs`` is of the network or a functional."""

    states: Array
    functionals: Array
    classes: NDArray[np.int64]
    actors: NDArray[np.str_]

    def inputs(self, names: str) -> Array:
        parts = {"network": self.states, "functionals": self.functionals}
        return np.hstack([parts[name] for name in names.split(" + ")])


def read_clips(root: Path, backbone: str) -> Clips:
    with (root / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if int(row["speaker"][-2:]) <= NUM_ACTORS]
    utterances = attach_audio([Utterance(row["path"], "train", clip=Clip(root / row["path"])) for row in rows])
    model = ModelSettings.model_validate(
        {"kind": "emotion_model", "audio": {"backbone": backbone, "encoder": "frozen"}}
    )
    inputs = Encoders.load(model).embed(
        Preprocessor(DataSettings(reader="table"), model, None).transform(utterances)
    )
    functionals = compute_features(("functionals",), utterances).values
    _names, classes = np.unique([row["label"] for row in rows], return_inverse=True)
    states = inputs.arrays["audio_states"][:, 0]
    return Clips(states, functionals.astype(np.float32), classes, np.array([row["speaker"] for row in rows]))


def standardize(x: Array, reference: Array) -> Array:
    return (x - reference.mean(0)) / np.maximum(reference.std(0), 1e-6)


def normalize_speakers(x: Array, actors: NDArray[np.str_]) -> Array:
    normalized = np.empty_like(x)
    for actor in np.unique(actors):
        normalized[actors == actor] = standardize(x[actors == actor], x[actors == actor])
    return normalized


Head = Callable[[Array, NDArray[np.int64], Array], NDArray[np.floating]]


def svm(x: Array, y: NDArray[np.int64], held_out: Array) -> NDArray[np.floating]:
    return SVC(C=10, class_weight="balanced").fit(x, y).decision_function(held_out)


def split(x: Array, num_functionals: int) -> dict[str, Any]:
    """Return the inputs of `EmotionModel` for columns, the last of which are functionals."""
    states, features = np.split(x, [x.shape[1] - num_functionals], axis=1)
    return {"audio_states": states[:, None], "features": features, "has_audio": np.ones(len(x), dtype=bool)}


def make_kernel_head(num_functionals: int) -> Head:
    """Return a head that fits kernel ridge regression."""

    def fit(x: Array, y: NDArray[np.int64], held_out: Array) -> NDArray[np.floating]:
        torch.manual_seed(0)
        targets, num_classes = torch.from_numpy(y), int(y.max()) + 1
        shape = (1, x.shape[1] - num_functionals)
        model = EmotionModel("efficientnet_lite0", num_functionals, num_classes, audio_states_shape=shape,
                             hidden_size=NUM_CENTERS, head="kernel_ridge")  # fmt: skip
        rows = [[n] for n in range(len(x))]
        inputs = ModelInputs(tuple(map(str, range(len(x)))), split(x, num_functionals), rows, [])
        counts = torch.bincount(targets, minlength=num_classes)
        weights = len(targets) / (num_classes * counts)
        fit_kernel_ridge(model, inputs, targets, class_weights=weights, dev_score=lambda: 0.0)
        logits = TorchBackend(model).logits(split(held_out, num_functionals))
        return torch.from_numpy(logits).log_softmax(1).numpy()

    return fit


def make_network_head(num_functionals: int, seeds: int, epochs: int, weight_decay: float) -> Head:
    """Return a head that trains `EmotionModel` on columns, the last of which are functionals."""

    def train(x: Array, y: NDArray[np.int64], held_out: Array, seed: int) -> NDArray[np.floating]:
        torch.manual_seed(seed)
        shape, num_classes = (1, x.shape[1] - num_functionals), int(y.max()) + 1
        model = EmotionModel("efficientnet_lite0", num_functionals, num_classes, audio_states_shape=shape,
                             hidden_size=HIDDEN_SIZE, dropout=DROPOUT)  # fmt: skip
        optimizer = torch.optim.AdamW(model.parameters(), LR, weight_decay=weight_decay)
        steps = epochs * -(-len(x) // BATCH_SIZE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=steps, pct_start=0.1)
        inputs, targets = to_tensors(split(x, num_functionals)), torch.from_numpy(y)
        for _epoch in range(epochs):
            for rows in torch.randperm(len(x)).split(BATCH_SIZE):
                logits = model(**{name: tensor[rows] for name, tensor in inputs.items()})
                optimizer.zero_grad()
                cross_entropy(logits, targets[rows], label_smoothing=LABEL_SMOOTHING).backward()
                optimizer.step()
                schedule.step()
        with torch.inference_mode():
            return model.eval()(**to_tensors(split(held_out, num_functionals))).log_softmax(1).numpy()

    return lambda x, y, held_out: np.mean([train(x, y, held_out, seed) for seed in range(seeds)], axis=0)


def predict_folds(clips: Clips, x: Array, head: Head) -> NDArray[np.floating]:
    scores = np.zeros((len(x), int(clips.classes.max()) + 1))
    for train, test in GroupKFold(NUM_FOLDS).split(x, groups=clips.actors):
        standardized = standardize(x, x[train])
        scores[test] = head(standardized[train], clips.classes[train], standardized[test])
    return scores


def describe(clips: Clips, scores: NDArray[np.floating]) -> str:
    predicted, rng = scores.argmax(1), np.random.default_rng(0)
    rows_of = [np.flatnonzero(clips.actors == actor) for actor in np.unique(clips.actors)]

    def recall(rows: NDArray[np.int64]) -> float:
        return float(recall_score(clips.classes[rows], predicted[rows], average="macro", zero_division=0))

    samples = [[rows_of[n] for n in rng.integers(len(rows_of), size=len(rows_of))] for _ in range(NUM_RESAMPLES)]
    low, high = np.percentile([recall(np.concatenate(sample)) for sample in samples], [2.5, 97.5])
    return f"{recall(np.arange(len(predicted))):.3f} [{low:.3f}, {high:.3f}]"


def compare(clips: Clips, options: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """Yield inputs, head and score."""
    for names in ("functionals", "network", "network + functionals"):
        x = clips.inputs(names)
        x = normalize_speakers(x, clips.actors) if options.normalize_speakers else x
        yield names, "support vector machine", describe(clips, predict_folds(clips, x, svm))
        if names == "functionals":
            continue
        width = clips.functionals.shape[1] if "functionals" in names else 0
        head = make_network_head(width, options.seeds, options.epochs, options.weight_decay)
        network, kernel = (predict_folds(clips, x, one) for one in (head, make_kernel_head(width)))
        yield names, "kernel ridge regression", describe(clips, kernel)
        yield names, f"Sentir's network, {options.seeds} seeds", describe(clips, network)
        yield names, "network and kernel ridge", describe(clips, network + kernel)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ravdess", type=Path, help="folder with manifest.csv")
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--normalize-speakers", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--weight-decay", type=float, default=0.5)
    options = parser.parse_args()
    clips = read_clips(options.ravdess, options.backbone)
    print("| inputs | head | UAR |\n|---|---|--:|")
    for row in compare(clips, options):
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
