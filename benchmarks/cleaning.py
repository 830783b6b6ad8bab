"""How each cleaning step changes a bag of words on MELD's dev, in weighted F1.

The baseline of every study is trained on train and scored on dev (its regularization is tuned there too, for
every row alike); test is not used. First each step by itself on the raw text, then the thesis' chain up to each
step. The difference from the raw text is paired, with a 95 % interval over dialogues.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sentir.corpus.cleaning import CLEANING_STEPS, THESIS_CLEANING, clean_text
from sentir.corpus.corpus import Corpus
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.comparison import apply_holm_correction, compare
from sentir.evaluation.metrics import compute_scores
from sentir.readers import read_corpus
from sentir.recipe import DEFAULT_CLEANING, Recipe
from sentir.study.baselines import fit_predict_baseline

METRIC = "weighted_f1"
TASKS = ("emotion", "sentiment")


def cleaning_chains() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield a name and the steps of every row; the first one is the raw text."""
    yield "none", ()
    for step in CLEANING_STEPS:
        yield step, (step,)
    yield "default", DEFAULT_CLEANING
    for n in range(2, len(THESIS_CLEANING) + 1):
        yield f"thesis, to {THESIS_CLEANING[n - 1]}", THESIS_CLEANING[:n]


def predict_dev(corpus: Corpus, task: str, steps: tuple[str, ...]) -> np.ndarray:
    """Return ``(N, K)`` probabilities of the bag of words for the cleaned texts of dev."""
    recipe = Recipe.parse({"name": "cleaning", "data": {"reader": "meld", "task": task, "cleaning": steps}})
    return fit_predict_baseline("bag of words", recipe, corpus, METRIC, ["dev"])["dev"].probabilities


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, nargs="?", default=Path("../shared/data/meld"))
    corpus = read_corpus(
        Recipe.parse({"name": "meld", "data": {"reader": "meld"}}).data, parser.parse_args().root
    )
    truth = {task: corpus.label_space(task).encode([u.labels[task] for u in corpus.dev]) for task in TASKS}
    raw: dict[str, np.ndarray] = {}
    print("| steps | empty dev texts | emotion | difference | sentiment | difference |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, steps in cleaning_chains():
        cells = [name, str(sum(not clean_text(u.text or "", steps).strip() for u in corpus.dev))]
        for task in TASKS:
            probabilities = predict_dev(corpus, task, steps)
            cells += score_cells(
                corpus, task, truth[task], probabilities, raw.setdefault(task, probabilities), name
            )
        print("| " + " | ".join(cells) + " |", flush=True)


def score_cells(
    corpus: Corpus, task: str, truth: np.ndarray, probabilities: np.ndarray, raw: np.ndarray, name: str
) -> tuple[str, str]:
    """Return the score and the difference from the raw text, with its interval."""
    space = corpus.label_space(task)
    value = f"{compute_scores(space, truth, probabilities)[METRIC]:.3f}"
    if probabilities is raw:
        return value, ""
    groups = [u.dialogue for u in corpus.dev]
    paired = compare(
        *(AlignedRuns(space, truth, [(p, None)], groups) for p in (probabilities, raw)),
        metric=METRIC,
        names=(name, "none"),
        corpus=corpus.name,
        split="dev",
        permutations=1000,
    )
    (difference,) = apply_holm_correction([paired])
    return value, f"{difference.difference:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"


if __name__ == "__main__":
    main()
