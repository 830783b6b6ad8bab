"""Learning curves: scores on dev of models trained on 1 to 100 % of train.

Each share is drawn once per seed, as whole dialogues, or as clips stratified by label where a corpus has none; a
larger share of a draw contains the smaller ones. Scores are means over the draws, with their standard deviation.
Test is not used. ``--out`` takes the rows that `tools/learning_curves_figure.py` draws.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Predictions
from sentir.evaluation.metrics import compute_scores, resolve_metric
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.study.baselines import BASELINES, fit_predict_baseline
from sentir.training.fitting import fit

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0)


def order_train(corpus: Corpus, task: str, seed: int) -> list[list[str]]:
    """Return the ids of train in random order, grouped by dialogue; single clips alternate between labels."""
    groups = defaultdict(list)
    for u in corpus.train:
        groups[u.dialogue or u.id].append(u)
    shuffled = random.Random(seed).sample(list(groups.values()), len(groups))
    by_label = defaultdict(list)
    for group in shuffled:
        by_label[None if group[0].dialogue else group[0].labels[task]].append([u.id for u in group])
    ranked = [(n / len(one), ids) for one in by_label.values() for n, ids in enumerate(one)]
    return [ids for _rank, ids in sorted(ranked, key=lambda pair: pair[0])]


def take_share(corpus: Corpus, ordered: list[list[str]], share: float) -> Corpus:
    """Return dev and the first groups of train that hold at least this share of its utterances."""
    wanted, kept = share * len(corpus.train), set[str]()
    for ids in ordered:
        if len(kept) >= round(wanted):
            break
        kept.update(ids)
    rows = [u for u in corpus if u.split == "dev" or u.id in kept]
    return Corpus.build(corpus.name, rows, corpus.label_spaces.values())


def score(recipe: Recipe, corpus: Corpus, dev: Predictions, thresholds: Any = None) -> float:
    """Return the recipe's metric on dev."""
    space = corpus.label_space(recipe.data.task)
    truth = space.encode([u.labels[space.task] for u in corpus.dev])
    assert list(dev.ids) == [u.id for u in corpus.dev]
    metric = resolve_metric(space, recipe.evaluation.metric)
    return float(compute_scores(space, truth, dev.probabilities, thresholds)[metric])


def measure(
    recipe: Recipe, full: Corpus, names: list[str], shares: list[float], seeds: list[int]
) -> Iterator[dict[str, Any]]:
    """Yield a row per share and model; a name is a baseline or a candidate of the recipe."""
    task = recipe.data.task
    metric = resolve_metric(full.label_space(task), recipe.evaluation.metric)
    for share in shares:
        scores, sizes = defaultdict(list), []
        for seed in seeds:
            corpus = take_share(full, order_train(full, task, seed), share)
            sizes.append(len(corpus.train))
            for name in names:
                if name in BASELINES:
                    dev = fit_predict_baseline(name, recipe, corpus, metric, ["dev"])["dev"]
                    scores[name].append(score(recipe, corpus, dev))
                else:
                    candidate = recipe.override(recipe.study.candidates[name])
                    result = fit(candidate.override({"train": {"seed": seed}}), corpus)
                    scores[name].append(score(recipe, corpus, result.dev_predictions, result.thresholds))
        for name, values in scores.items():
            yield {"recipe": recipe.name, "task": task, "metric": metric, "model": name, "share": share,
                   "train": round(float(np.mean(sizes))), "value": round(float(np.mean(values)), 4),
                   "sd": round(float(np.std(values, ddof=1)), 4), "draws": len(values)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--root", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--models", nargs="+", required=True, help="baselines and candidates of the recipe")
    parser.add_argument("--task", default="emotion")
    parser.add_argument("--min-steps", type=int, help="default: the recipe's")
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, help="rows of other recipes in it are kept")
    given = parser.parse_args()
    recipe = Recipe.load(given.recipe).override({"data": {"task": given.task}})
    if given.min_steps is not None:
        recipe = recipe.override({"train": {"min_steps": given.min_steps}})
    rows = []
    for row in measure(recipe, read_corpus(recipe.data, given.root), given.models, given.shares, given.seeds):
        rows.append(row)
        print(json.dumps(row), flush=True)
    if given.out:
        others = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else []
        others = [row for row in others if row["recipe"] != recipe.name]
        lines = ",\n".join(f" {json.dumps(row)}" for row in others + rows)
        given.out.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
