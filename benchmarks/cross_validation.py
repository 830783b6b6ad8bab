"""Pooling and training variants for MELD emotion from text, by cross-validation on train and dev together.

Each of five folds of dialogues serves as dev once, so ten times as many utterances as in dev are scored, and
differences of half a point become visible. The epoch is selected on the fold that is scored, for every variant:
compare the rows with one another, not with other tables. Test is not used.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from sentir.corpus.corpus import Corpus
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.comparison import apply_holm_correction, compare
from sentir.evaluation.metrics import compute_scores
from sentir.readers import read_corpus
from sentir.recipe import Recipe, merge_settings
from sentir.study.stacking import assign_folds
from sentir.training.fitting import fit

RECIPE = Path(__file__).parents[1] / "recipes" / "meld-text.toml"
MODEL = {"context": "dialogue", "features": ["lexical"], "token_pooling": ["mean"]}
BASE_SETTINGS = {"model": MODEL, "train": {"class_weights": "sqrt", "ema_decay": 0.0, "rdrop": 0.0}}
MAX_POOLING = {"model": {"token_pooling": ["mean", "max"]}}
EMA, RDROP = {"train": {"ema_decay": 0.99}}, {"train": {"rdrop": 1.0}}
VARIANTS = {
    "base": {},
    "EMA": EMA,
    "EMA, R-Drop": merge_settings(EMA, RDROP),
    "EMA, max pooling": merge_settings(EMA, MAX_POOLING),
    "EMA, max pooling, R-Drop": merge_settings(merge_settings(EMA, MAX_POOLING), RDROP),
}
METRIC = "weighted_f1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of MELD")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument(
        "--only", nargs="+", default=list(VARIANTS), choices=list(VARIANTS), help="the first is the reference"
    )
    given = parser.parse_args()
    recipe = Recipe.load(RECIPE).override({"data": {"task": "emotion"}}).override(BASE_SETTINGS)
    corpus = read_corpus(recipe.data, given.root)
    rows = [u for u in corpus if u.split != "test"]
    fold_of = assign_folds(rows, given.folds, 0)
    parts = [
        _with_dev_fold(corpus, rows, {key for key in fold_of if fold_of[key] == n}) for n in range(given.folds)
    ]
    truth = corpus.label_space("emotion").encode([u.labels["emotion"] for u in rows])
    print(
        f"n = {len(rows)}, {given.folds} folds, {len(given.seeds)} seeds: {METRIC}, macro F1, and the difference"
    )
    runs = {}
    for name in given.only:
        changed = recipe.override(VARIANTS[name])
        runs[name] = [
            _predict_out_of_fold(changed.override({"train": {"seed": seed}}), parts, rows) for seed in given.seeds
        ]
        scores = [compute_scores(corpus.label_space("emotion"), truth, *run) for run in runs[name]]
        means = [f"{np.mean([one[metric] for one in scores]):.4f}" for metric in (METRIC, "macro_f1")]
        print(f"{name:32}{'  '.join(means)}  {_difference(corpus, truth, rows, runs, name)}", flush=True)


def _with_dev_fold(corpus: Corpus, rows: list, fold: set[str]) -> Corpus:
    """Return the corpus with a fold as dev and all other rows as train."""
    split = [replace(u, split="dev" if u.id in fold else "train") for u in rows]
    return Corpus.build(corpus.name, split, corpus.label_spaces.values())


def _predict_out_of_fold(recipe: Recipe, parts: list[Corpus], rows: list) -> tuple[np.ndarray, None]:
    """Return the out-of-fold probabilities of all rows."""
    by_id = {}
    for part in parts:
        dev = fit(recipe, part).dev_predictions
        by_id |= dict(zip(dev.ids, dev.probabilities, strict=True))
    return np.stack([by_id[u.id] for u in rows]), None


def _difference(corpus: Corpus, truth: np.ndarray, rows: list, runs: dict, name: str) -> str:
    first = next(iter(runs))
    if name == first:
        return ""
    space, groups = corpus.label_space("emotion"), [u.dialogue or u.id for u in rows]
    (comparison,) = apply_holm_correction([compare(
        *(AlignedRuns(space, truth, runs[one], groups) for one in (name, first)),
        metric=METRIC, names=(name, first), corpus=corpus.name, split="train and dev", permutations=2000,
    )])  # fmt: skip
    return f"{comparison.difference:+.4f} [{comparison.low:+.4f}, {comparison.high:+.4f}] p = {comparison.p:.4f}"


if __name__ == "__main__":
    main()
