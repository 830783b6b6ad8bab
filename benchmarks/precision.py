"""bfloat16 against float32 on a CPU: time of a training and its dev score, by kind of network.

Trains fine-tuned MiniLM on text and a small convolutional network on mel spectrograms, with each precision and
some seeds, on one thread. Times are CPU times, so that other load does not count. Prints, for each network, how
many times as fast bfloat16 is and the dev scores of both. The demo corpus is easy: give a folder of MELD.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", type=Path, nargs="?", help="folder of MELD; default: the synthetic corpus")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "bfloat16 instructions:",
        torch.cpu._is_avx512_bf16_supported(),
        "AMX:",
        torch.cpu._is_amx_tile_supported(),
    )
    data = {"data": {"reader": "meld" if given.root else "demo-meld"}, "train": {"epochs": given.epochs}}
    for name in given.networks:
        recipe = Recipe.parse(BASE | {"data": data["data"]}).override(data).override(NETWORKS[name])
        corpus = read_corpus(recipe.data, given.root)
        seconds, scores = {}, {}
        for precision in ("float32", "bfloat16"):
            times = []
            for seed in range(given.seeds):
                start = time.process_time()
                trained = fit(recipe.override({"train": {"precision": precision, "seed": seed}}), corpus).training
                times.append(time.process_time() - start)
                scores.setdefault(precision, []).append(trained.best_score)
            seconds[precision] = min(times)
        listed = {key: ", ".join(f"{score:.3f}" for score in values) for key, values in scores.items()}
        print(
            f"{name}: bfloat16 is {seconds['float32'] / seconds['bfloat16']:.2f} times as fast; dev scores",
            end=" ",
        )
        print(f"{listed['float32']} (float32), {listed['bfloat16']} (bfloat16)", end="; ")
        print(f"mean difference {np.mean(np.subtract(scores['bfloat16'], scores['float32'])):+.3f}", flush=True)


if __name__ == "__main__":
    main()
