"""Stacking on in-sample predictions of the first model inflates dev scores and lowers test scores.

On the synthetic demo corpus a text model's probabilities are features of `EmotionModel`, besides a mel
spectrogram and acoustic functionals. They are made in three ways, two of them wrong and built only here, and
compared with no stacking at all:

- out of fold: train rows are predicted by models that were not trained on their dialogue (`cross_predict`);
- fitted on train: train rows are predicted by the model that was trained on them; dev and test are not;
- fitted on train and dev, as in the thesis: train and dev rows are predicted by a model that was trained on both.

In none of them was the text model trained on test rows. It has a wide head without dropout, which memorizes its
training rows, as a fine-tuned transformer does. It predicts either the emotion itself or, as in the thesis, the
sentiment, which leaves more for the audio to add. Test is opened once to score everything.

With ``--meld FOLDER`` the same on real text: the text model takes single utterances of MELD, and a model with
dialogue context stacks on it.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Predictions
from sentir.evaluation.locked.ledger import get_labels, open_test
from sentir.evaluation.scorer import ModelPredictions, Scorer
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.recognizer.recognizer import Recognizer, with_stacked
from sentir.study.stacking import cross_predict
from sentir.training.recognizers import fit_recognizer

FOLDS = 3
METRIC = "weighted_f1"
DATA = {"reader": "demo-meld", "audio": True}
INNER = Recipe.parse(
    {
        "name": "from text",
        "data": DATA | {"task": "sentiment"},
        "model": {"layers": [2, 4, 6], "layer_pooling": "concat", "hidden_size": 512, "dropout": 0.0},
        "train": {"epochs": 40, "patience": 40, "weight_decay": 0.0},
    }
)
OUTER = Recipe.parse(
    {
        "name": "from audio",
        "data": DATA,
        "model": {
            "kind": "emotion_model",
            "audio": {"backbone": "mobilenetv3_small_050", "pretrained": False},
            "hidden_size": 128,
            "dropout": 0.5,
            "features": ["functionals", "stacked"],
            "stacked": {},
        },
        "train": {
            "epochs": 10,
            "batch_size": 32,
            "lr": 2e-3,
            "augment": {"masks": 1, "gain_db": 3.0, "shift_seconds": 0.2},
        },
    }
)
DIALOGUE_MODEL = Recipe.parse(
    {
        "name": "from dialogues",
        "data": {"reader": "meld"},
        "model": {
            "layers": [2, 4, 6],
            "layer_pooling": "concat",
            "context": "dialogue",
            "hidden_size": 128,
            "dropout": 0.5,
            "features": ["stacked"],
            "stacked": {},
        },
        "train": {"epochs": 20, "batch_size": 256},
    }
)
OUT_OF_FOLD, FIT_ON_TRAIN, FIT_ON_TRAIN_AND_DEV = (
    "out of fold",
    "fitted on train",
    "fitted on train and dev",
)
NO_STACKING = "no stacking"


@dataclass(frozen=True)
class Setup:
    """A corpus, the model that stacks, and the tasks that the text model predicts."""

    title: str
    outer: Recipe
    tasks: tuple[str, ...]

    @property
    def inner(self) -> Recipe:
        """The text model."""
        return INNER.override({"data": {"reader": self.outer.data.reader, "audio": False}})

    @property
    def unstacked_features(self) -> list[str]:
        """Feature sets of the model that does not stack."""
        return [name for name in self.outer.model.features if name != "stacked"]


DEMO = Setup("SYNTHETIC CORPUS", OUTER, ("emotion", "sentiment"))
MELD = Setup("MELD, TEXT", DIALOGUE_MODEL, ("emotion",))

Run = Mapping[str, Predictions]  # split → predictions


def with_dev_in_train(corpus: Corpus) -> Corpus:
    """Return the corpus with dev also in train, under other ids, as no study may do."""
    copies = [replace(u, id=f"{u.id}/again", dialogue=f"{u.dialogue}/again", split="train") for u in corpus.dev]
    return Corpus.build(corpus.name, [*corpus.train, *copies, *corpus.dev], corpus.label_spaces.values())


def with_predictions(corpus: Corpus, inner: Recognizer) -> Corpus:
    """Return the corpus with one model's probabilities for all its rows, also those it was trained on."""
    return replace(
        corpus, utterances=tuple(with_stacked(corpus.utterances, inner.predict_utterances(corpus.utterances)))
    )


def stacked_corpora(corpus: Corpus, inner: Recipe) -> Iterator[tuple[str, Corpus]]:
    """Yield each way of making the probabilities, and the corpus with them."""
    crossed = cross_predict(inner, corpus, FOLDS)
    yield OUT_OF_FOLD, crossed.attach(corpus)
    yield FIT_ON_TRAIN, with_predictions(corpus, crossed.full_model)
    yield FIT_ON_TRAIN_AND_DEV, with_predictions(corpus, fit_recognizer(inner, with_dev_in_train(corpus))[0])


def train(corpus: Corpus, outer: Recipe) -> Run:
    """Train the model that stacks, and predict every split with the probabilities that the corpus holds."""
    recognizer, _dev = fit_recognizer(outer, corpus)
    print(
        f"  {outer.name}, seed {outer.train.seed}: dev {METRIC} {recognizer.facts['dev_score']:.3f}", flush=True
    )
    return {split: recognizer.predict_utterances(corpus.split(split)) for split in ("train", "dev", "test")}


def train_all(corpus: Corpus, setup: Setup, seeds: Sequence[int], change: Mapping) -> dict[str, list[Run]]:
    """Train everything with every seed: name → runs."""
    runs: dict[str, list[Run]] = {}
    for seed in seeds:
        seeded = {"train": {"seed": seed}}
        outer = setup.outer.override(change).override(seeded)
        unstacked = outer.override({"name": NO_STACKING, "model": {"features": setup.unstacked_features}})
        runs.setdefault(NO_STACKING, []).append(train(corpus, unstacked))
        for task in setup.tasks:
            inner = setup.inner.override(change).override(seeded | {"data": {"task": task}})
            for way, stacked in stacked_corpora(corpus, inner):
                name = f"{task} {way}"
                runs.setdefault(name, []).append(train(stacked, outer.override({"name": name})))
    return runs


def make_scorers(
    corpus: Corpus, setup: Setup, runs: Mapping[str, Sequence[Run]]
) -> dict[str, tuple[Scorer, dict[str, ModelPredictions]]]:
    """Open the labels of test once; return for each split its scorer, and the predictions by name."""
    labels = {split: get_labels(corpus, split) for split in ("train", "dev")}
    labels["test"] = open_test(corpus, reason="benchmarks/stacking.py", models=list(runs))

    def predictions(name: str, split: str) -> ModelPredictions:
        return ModelPredictions(name, tuple(run[split] for run in runs[name]), (None,) * len(runs[name]))

    return {
        split: (
            Scorer(corpus, split, own, setup.outer.evaluation),
            {name: predictions(name, split) for name in runs},
        )
        for split, own in labels.items()
    }


def report(corpus: Corpus, setup: Setup, runs: Mapping[str, Sequence[Run]]) -> None:
    """Print comparisons on test, and a table of all splits."""
    by_split = make_scorers(corpus, setup, runs)
    test_scorer, models = by_split["test"]
    pairs = [
        (models[f"{task} {OUT_OF_FOLD}"], models[other])
        for task in setup.tasks
        for other in (f"{task} {FIT_ON_TRAIN}", f"{task} {FIT_ON_TRAIN_AND_DEV}", NO_STACKING)
    ]
    comparisons = test_scorer.compare(pairs, METRIC)
    print(f"\nOn test, {METRIC}, {comparisons[0].n} utterances in {comparisons[0].num_clusters} dialogues:")
    for comparison in comparisons:
        print(f"  {comparison.sentence()}")
    print(f"\n{setup.title:38}{'train':>6}{'dev':>7}{'test':>7}{'dev less test':>31}")
    for name in runs:
        train, dev, test = (
            scorer.score(named[name], "candidate").metrics[METRIC] for scorer, named in by_split.values()
        )
        print(
            f"{name:38}{train.value:6.3f}{dev.value:7.3f}{test.value:7.3f} "
            f"[{test.low:.3f}, {test.high:.3f}] {100 * (dev.value - test.value):12.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--quick", action="store_true", help="two epochs of everything, as a smoke test")
    parser.add_argument("--meld", type=Path, metavar="FOLDER", help="use the texts of MELD in this folder")
    given = parser.parse_args()
    setup = MELD if given.meld else DEMO
    corpus = read_corpus(setup.outer.data, given.meld)
    report(corpus, setup, train_all(corpus, setup, given.seeds, {"train": {"epochs": 2}} if given.quick else {}))


if __name__ == "__main__":
    main()
