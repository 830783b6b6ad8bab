"""Methods against class imbalance on dev: MELD and CMU-MOSEI emotion, text, frozen MiniLM, dialogue context.

Test is not used. Multi-label thresholds are tuned on dev, as always.
"""

import argparse
from pathlib import Path

import numpy as np

from sentir.evaluation.metrics import compute_scores
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.training.fitting import fit

RECIPES = Path(__file__).parents[1] / "recipes"
SETTINGS = {
    "none": {},
    "class weights, sqrt": {"class_weights": "sqrt"},
    "class weights, inverse": {"class_weights": "inverse"},
    "focal loss": {"loss": "focal"},
    "focal loss, class weights, sqrt": {"loss": "focal", "class_weights": "sqrt"},
    "balanced sampling of dialogues": {"sampling": "balanced"},
    "label smoothing, 0.1": {"label_smoothing": 0.1},
}
SINGLE_LABEL_SETTINGS = {
    "logit adjustment, tau 0.5": {"logit_adjustment": 0.5},
    "logit adjustment, tau 1": {"logit_adjustment": 1.0},
}
METRICS = {
    "meld": ("weighted_f1", "macro_f1", "unweighted_average_recall"),
    "mosei": ("macro_f1", "micro_f1", "mean_weighted_accuracy"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="folder with meld/ and mosei/")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    for name, metrics in METRICS.items():
        recipe = Recipe.load(RECIPES / f"{name}-text.toml")
        recipe = recipe.override({"data": {"task": "emotion"}, "model": {"context": "dialogue"}})
        corpus = read_corpus(recipe.data, given.data / name)
        truth = corpus.label_space("emotion").encode([u.labels["emotion"] for u in corpus.dev])
        print(f"\n{name}, dev, n = {len(truth)}, {len(given.seeds)} seeds\n{'':32}{'  '.join(metrics)}")
        for title, changes in (SETTINGS | (SINGLE_LABEL_SETTINGS if name == "meld" else {})).items():
            rows = []
            for seed in given.seeds:
                fitted = fit(recipe.override({"train": changes | {"seed": seed}}), corpus)
                rows.append(
                    compute_scores(fitted.space, truth, fitted.dev_predictions.probabilities, fitted.thresholds)
                )
            cells = [_mean([row[metric] for row in rows]) for metric in metrics]
            print(f"{title:32}" + "  ".join(cells), flush=True)


def _mean(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
