"""Emotion and sentiment from one model with two heads, against stacking, and against one model each: MELD, text.

All use frozen MiniLM with dialogue context, with the settings of recipes/meld-text.toml. For stacking, the
sentiment model's probabilities, out of fold on train, are features of the emotion model. All are scored on dev;
test is not used.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.evaluation.locked.ledger import get_labels
from sentir.evaluation.scorer import ModelPredictions, Scorer
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.recognizer.recognizer import Recognizer
from sentir.study.stacking import train_recognizer

METRIC, FOLDS = "weighted_f1", 3
SINGLE_TASK, STACKED = "single task", "stacked on sentiment, out of fold"
BASE = Recipe.load(Path(__file__).parents[1] / "recipes" / "meld-text.toml", ["model.context=dialogue"])


def setups(task: str, weights: list[float]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the set-ups of a task: name and changes of the recipe."""
    inner = BASE.to_dict()
    yield SINGLE_TASK, {}
    if task == "emotion":
        stacked = {"task": "sentiment", "folds": FOLDS, "model": inner["model"], "train": inner["train"]}
        yield STACKED, {"model": {"features": ["stacked"], "stacked": stacked}}
    for weight in weights:
        name = f"two heads, weight {weight:g}"
        yield (
            name,
            {"model": {"auxiliary_tasks": ["emotion", "sentiment"]}, "train": {"auxiliary_weight": weight}},
        )


def predict_dev(name: str, trained: list[Recognizer], corpus: Corpus, task: str) -> ModelPredictions:
    """Return the predictions for dev of one set-up's models in a task."""
    predictions = tuple(one.predict_tasks(corpus.dev)[task] for one in trained)
    return ModelPredictions(name, predictions, (None,) * len(predictions))


def train(
    recipe: Recipe, corpus: Corpus, seeds: list[int], weights: list[float]
) -> tuple[dict[str, ModelPredictions], dict[str, ModelPredictions]]:
    """Train every set-up of a task with every seed; return by name its predictions, and those of second heads."""
    task, first, second = recipe.data.task, {}, {}
    other = {"emotion": "sentiment", "sentiment": "emotion"}[task]
    for name, changes in setups(task, weights):
        own = recipe.override(changes | {"name": name})
        trained = [train_recognizer(own.override({"train": {"seed": n}}), corpus)[0] for n in seeds]
        print(f"  {task}, {name}: {[round(one.facts['dev_score'], 3) for one in trained]}", flush=True)
        first[name] = predict_dev(name, trained, corpus, task)
        if own.auxiliary_tasks:
            title = f"{name}, selected by {task}"
            second[title] = predict_dev(title, trained, corpus, other)
    return first, second


def report(corpus: Corpus, recipe: Recipe, models: Mapping[str, ModelPredictions]) -> None:
    """Print the scores of one task, and the comparisons with the single-task model."""
    scorer = Scorer(corpus, "dev", get_labels(corpus, "dev"), recipe.evaluation)
    print(f"\n{recipe.data.task + ', dev':50}{METRIC:>22}{'macro_f1':>24}")
    for name, one in models.items():
        metrics = scorer.score(one, "candidate").metrics
        cells = [
            f"{metrics[m].value:.3f} [{metrics[m].low:.3f}, {metrics[m].high:.3f}]" for m in (METRIC, "macro_f1")
        ]
        print(f"{name:50}{cells[0]:>22}{cells[1]:>24}")
    pairs = [(one, models[SINGLE_TASK]) for name, one in models.items() if name != SINGLE_TASK]
    for comparison in scorer.compare(pairs, METRIC):
        print(f"  {comparison.sentence()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("meld", type=Path, help="folder of MELD")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--weights", type=float, nargs="+", default=[1.0], help="of the second task's loss")
    given = parser.parse_args()
    recipes = [BASE.override({"data": {"task": task}, "study": {}}) for task in ("emotion", "sentiment")]
    corpus = read_corpus(recipes[0].data, given.meld)
    trained = [train(recipe, corpus, given.seeds, given.weights) for recipe in recipes]
    for n, recipe in enumerate(recipes):
        report(corpus, recipe, trained[n][0] | trained[1 - n][1])


if __name__ == "__main__":
    main()
