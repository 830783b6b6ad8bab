"""The kinds of context, compared on dev: MELD emotion, text, frozen MiniLM. Test is not used."""

import argparse
from pathlib import Path

import torch

from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.clusters import assign_clusters
from sentir.evaluation.intervals import score_with_intervals
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.training.fitting import fit

RECIPE = Path(__file__).parents[1] / "recipes" / "meld-text.toml"
LAYERS = {
    "gru, bidirectional": {},
    "gru, causal": {"direction": "causal"},
    "gru, bidirectional, speakers": {"speakers": True},
    "attention, bidirectional": {"layer": "attention"},
    "attention, causal": {"layer": "attention", "direction": "causal"},
    "attention, bidirectional, speakers": {"layer": "attention", "speakers": True},
    "attention, window 1": {"layer": "attention", "window": 1},
    "attention, window 4": {"layer": "attention", "window": 4},
}
WINDOWS = {
    "window, 3 previous": {"window_separators": True},
    "window, 3 previous and 1 next": {"window_separators": True, "window_right": 1},
    "window, 3 previous, no separators": {},
}
KINDS = {
    "none": {"context": "none"},
    **{name: {"context": "dialogue", "dialogue": changes} for name, changes in LAYERS.items()},
    **{name: {"context": "window", **changes} for name, changes in WINDOWS.items()},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of MELD")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", default="", help="only kinds whose name starts with this")
    given = parser.parse_args()
    torch.set_num_threads(1)
    recipe = Recipe.load(RECIPE).override({"data": {"task": "emotion"}})
    corpus = read_corpus(recipe.data, given.root)
    space, dev = corpus.label_space("emotion"), corpus.dev
    truth = space.encode([u.labels["emotion"] for u in dev])
    keys = assign_clusters(corpus, "dev", recipe.evaluation.cluster)
    groups = [keys[u.id] for u in dev]
    print(f"n = {len(dev)}, {len(given.seeds)} seeds, weighted F1, 95 % interval over dialogues, macro F1")
    for name, changes in KINDS.items():
        if not name.startswith(given.only):
            continue
        runs = []
        for seed in given.seeds:
            fitted = fit(recipe.override({"model": changes, "train": {"seed": seed}}), corpus)
            runs.append((fitted.dev_predictions.select(u.id for u in dev).probabilities, fitted.thresholds))
        scores = score_with_intervals(AlignedRuns(space, truth, runs, groups))
        f1, macro = scores["weighted_f1"], scores["macro_f1"]
        print(
            f"{name:32}{f1.value:.3f}  {f1.low:.3f} to {f1.high:.3f}  ± {f1.sd or 0:.3f}  {macro.value:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
