"""The effect of a minimum number of optimizer steps when train is small: dev scores on parts of a train split.

A recipe written for a whole corpus is trained on a tenth, a third and all of its train split, with and without
``train.min_steps``. The parts are stratified by label. Test is not used.
"""

import argparse
import random
from collections import defaultdict
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.evaluation.metrics import resolve_metric
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.training.fitting import fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--candidate", help="candidate of the recipe; default: the first")
    parser.add_argument("--root", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.3, 1.0])
    parser.add_argument("--min-steps", type=int, nargs="+", default=[0, 1800])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    recipe = Recipe.load(given.recipe)
    name = given.candidate or next(iter(recipe.study.candidates))
    recipe = recipe.override(recipe.study.candidates[name])
    full = read_corpus(recipe.data, given.root)
    metric = resolve_metric(full.label_space(recipe.data.task), recipe.evaluation.metric)
    print(f"{recipe.name}, {name}: {metric} on dev")
    print(f"{'share':>6} {'train':>6} {'min_steps':>10} {'epochs':>7} {'steps':>6}  dev by seed")
    for share in given.shares:
        corpus = subsample_train(full, recipe.data.task, share)
        per_epoch = -(-len(corpus.train) // recipe.train.batch_size)
        for min_steps in given.min_steps:
            trainings = [
                fit(recipe.override({"train": {"min_steps": min_steps, "seed": seed}}), corpus).training
                for seed in given.seeds
            ]
            epochs = trainings[0].history[-1]["epoch"]
            scores = "  ".join(f"{one.best_score:.3f}" for one in trainings)
            row = f"{share:6.0%} {len(corpus.train):6} {min_steps:10} {epochs:7.0f} {epochs * per_epoch:6.0f}"
            print(f"{row}  {scores}", flush=True)


def subsample_train(corpus: Corpus, task: str, share: float) -> Corpus:
    """Return the corpus with a share of its train split, stratified by label, and without test."""
    by_label = defaultdict(list)
    for u in corpus.train:
        by_label[u.labels.get(task)].append(u.id)
    draw = random.Random(0)
    sampled = {key for ids in by_label.values() for key in draw.sample(ids, max(1, round(share * len(ids))))}
    rows = [u for u in corpus if u.split == "dev" or u.id in sampled]
    return Corpus.build(corpus.name, rows, corpus.label_spaces.values())


if __name__ == "__main__":
    main()
