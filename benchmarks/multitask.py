"""Emotion and sentiment from one model with two heads, against stacking, and against one model each: MELD, text.

All read frozen minilm with dialogue context, by the settings of recipes/meld-text.toml. Stacked, the sentiment
model's probabilities, out of fold on train, are features of the emotion model. All is scored on dev; test is not
read.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.evaluation.locked.ledger import get_labels
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.recognizer.recognizer import Recognizer
from sentir.study.candidates import TrainedModel
from sentir.study.scorer import Scorer
from sentir.study.stacking import train_recognizer

METRIC, FOLDS = "weighted_f1", 3
SINGLE_TASK, STACKED = "alone", "stacked on sentiment, out of fold"
BASE = Recipe.load(Path(__file__).parents[1] / "recipes" / "meld-text.toml", ["model.context=dialogue"])


def setups(task: str, weights: list[float]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what is trained for a task: name → changes of the recipe."""
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


def predict_dev(name: str, recipe: Recipe, trained: list[Recognizer], corpus: Corpus, task: str) -> TrainedModel:
    """Return the trainings of one set-up, with what they say of dev in a task."""
    found = tuple(one.predict_tasks(corpus.dev)[task] for one in trained)
    return TrainedModel(
        name, "candidate", recipe, tuple(range(len(found))), (), found, (None,) * len(found), found,
    )  # fmt: skip


def train(
    recipe: Recipe, corpus: Corpus, seeds: list[int], weights: list[float]
) -> tuple[dict[str, TrainedModel], dict[str, TrainedModel]]:
    """Train every set-up of a task with every seed, and return it by name; and what second heads say."""
    task, found, second = recipe.data.task, {}, {}
    other = {"emotion": "sentiment", "sentiment": "emotion"}[task]
    for name, changes in setups(task, weights):
        own = recipe.override(changes | {"name": name})
        trained = [train_recognizer(own.override({"train": {"seed": n}}), corpus)[0] for n in seeds]
        print(f"  {task}, {name}: {[round(one.facts['dev_score'], 3) for one in trained]}", flush=True)
        found[name] = predict_dev(name, own, trained, corpus, task)
        if own.auxiliary_tasks:
            chosen = f"{name}, chosen by {task}"
            asked = own.override({"name": chosen, "data": {"task": other}})
            second[chosen] = predict_dev(chosen, asked, trained, corpus, other)
    return found, second


def report(corpus: Corpus, recipe: Recipe, entrants: Mapping[str, TrainedModel]) -> None:
    """Print the scores of one task, and what differs from one model alone."""
    judge = Scorer(corpus, "dev", get_labels(corpus, "dev"), recipe.evaluation)
    print(f"\n{recipe.data.task + ', dev':50}{METRIC:>22}{'macro_f1':>24}")
    for name, one in entrants.items():
        metrics = judge.score(one, one.role).metrics
        cells = [
            f"{metrics[m].value:.3f} [{metrics[m].low:.3f}, {metrics[m].high:.3f}]" for m in (METRIC, "macro_f1")
        ]
        print(f"{name:50}{cells[0]:>22}{cells[1]:>24}")
    pairs = [(one, entrants[SINGLE_TASK]) for name, one in entrants.items() if name != SINGLE_TASK]
    for comparison in judge.compare(pairs, METRIC):
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
