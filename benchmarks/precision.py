"""bfloat16 against float32 on a CPU: time of a training and its dev score, by kind of network.

Trains fine-tuned MiniLM on text and a small convolutional network on mel spectrograms, with each precision and
some seeds, on one thread. The difference of the mean dev scores stands beside the times. The demo corpus is easy:
give a folder of MELD. Where the processor has no bfloat16 instructions (AVX512-BF16, AMX), bfloat16 is slower.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from sentir.bench.timing import Row, alternate, pin_to_one_core, print_rows
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.training.fitting import fit

BASE = {
    "name": "precision",
    "train": {"batch_size": 32, "patience": 99, "encoder_lr": 1e-4},
    "evaluation": {"resamples": 100, "permutations": 100},
}
NETWORKS = {
    "text": {"model": {"encoder": "finetune", "max_length": 64}, "train": {"group_by_length": True}},
    "audio": {
        "data": {"audio": True},
        "model": {
            "kind": "emotion_model",
            "audio": {"backbone": "mobilenetv3_small_050", "pretrained": False, "max_seconds": 4},
        },
        "train": {"lr": 3e-3},
    },
}


def compare_precisions(name: str, recipe: Recipe, root: Path | None, seeds: int) -> Row:
    recipe = recipe.override(NETWORKS[name])
    corpus, scores = read_corpus(recipe.data, root), {"float32": [], "bfloat16": []}

    def train(precision: str) -> None:
        seed = len(scores[precision])
        trained = fit(recipe.override({"train": {"precision": precision, "seed": seed}}), corpus).training
        scores[precision].append(trained.best_score)

    times = alternate({one: lambda one=one: train(one) for one in scores}, seeds, warm_up=False)
    row = times.row(f"training, {name}", *scores, aim="bfloat16 only where above 1")
    gain = np.mean(scores["bfloat16"]) - np.mean(scores["float32"])
    return replace(row, note=f"(dev {gain:+.3f})")


def rows(networks: list[str], root: Path | None, seeds: int, epochs: int) -> Iterator[Row]:
    data = {"data": {"reader": "meld" if root else "demo-meld"}}
    recipe = Recipe.parse(BASE | data).override({"train": {"epochs": epochs}})
    for name in networks:
        yield compare_precisions(name, recipe, root, seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", type=Path, nargs="?", help="folder of MELD; default: the synthetic corpus")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    given = parser.parse_args()
    pin_to_one_core()
    print_rows(rows(given.networks, given.root, given.seeds, given.epochs))


if __name__ == "__main__":
    main()
