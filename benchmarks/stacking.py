"""Stacking on rows that the first model learned from flatters it and hurts test; out of fold it does neither.

On the synthetic demo corpus a text model's probabilities are features of `EmotionModel`, beside mel and acoustic
functionals. They are made in three ways, two of them wrong and built only here, and stand beside none at all:

- out of fold: train rows are predicted by models that did not see their dialogue (`cross_predict`);
- learned from train: train rows are predicted by the model that learned from them, dev and test are not;
- learned from train and dev, the thesis' way: train and dev rows are predicted by a model that learned from both.

Test rows are seen by no text model in any of them. The text model has a wide head without dropout, which knows by
heart what it learned from, as a fine-tuned transformer does. It is asked for the emotion itself, and for the
sentiment as in the thesis, which leaves more to be heard. All is scored on test in one opening.

With ``--meld FOLDER`` the same on real text: that text model reads single utterances of MELD, and a model of the
dialogue stacks on it.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.predictions import Predictions
from sentir.evaluation.locked.ledger import get_labels, open_test
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.recognizer.recognizer import Recognizer, with_stacked
from sentir.study.candidates import TrainedModel
from sentir.study.scorer import Scorer
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
        "name": "from sound",
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
    """A corpus, the model that stacks, and the tasks that the text model is asked for."""

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
    """Return the corpus with dev also in train, under other ids: what no study may do."""
    copies = [replace(u, id=f"{u.id}/again", dialogue=f"{u.dialogue}/again", split="train") for u in corpus.dev]
    return Corpus.build(corpus.name, [*corpus.train, *copies, *corpus.dev], corpus.label_spaces.values())


def with_predictions(corpus: Corpus, inner: Recognizer) -> Corpus:
    """Return the corpus with one model's probabilities for all its rows, learned from or not."""
    return replace(
        corpus, utterances=tuple(with_stacked(corpus.utterances, inner.predict_utterances(corpus.utterances)))
    )


def stacked_corpora(corpus: Corpus, inner: Recipe) -> Iterator[tuple[str, Corpus]]:
    """Give the corpus with probabilities made in each way."""
    crossed = cross_predict(inner, corpus, FOLDS)
    yield OUT_OF_FOLD, crossed.attach(corpus)
    yield FIT_ON_TRAIN, with_predictions(corpus, crossed.full_model)
    yield FIT_ON_TRAIN_AND_DEV, with_predictions(corpus, fit_recognizer(inner, with_dev_in_train(corpus))[0])


def train(corpus: Corpus, outer: Recipe) -> Run:
    """Train the sound model, and predict every split with the probabilities that the corpus holds."""
    recognizer, _dev = fit_recognizer(outer, corpus)
    print(
        f"  {outer.name}, seed {outer.train.seed}: dev {METRIC} {recognizer.facts['dev_score']:.3f}", flush=True
    )
    return {split: recognizer.predict_utterances(corpus.split(split)) for split in ("train", "dev", "test")}


def train_all(corpus: Corpus, setup: Setup, seeds: Sequence[int], change: Mapping) -> dict[str, list[Run]]:
    """Train everything with every seed: name → runs."""
    found: dict[str, list[Run]] = {}
    for seed in seeds:
        seeded = {"train": {"seed": seed}}
        outer = setup.outer.override(change).override(seeded)
        alone = outer.override({"name": NO_STACKING, "model": {"features": setup.unstacked_features}})
        found.setdefault(NO_STACKING, []).append(train(corpus, alone))
        for task in setup.tasks:
            inner = setup.inner.override(change).override(seeded | {"data": {"task": task}})
            for way, stacked in stacked_corpora(corpus, inner):
                name = f"{task} {way}"
                found.setdefault(name, []).append(train(stacked, outer.override({"name": name})))
    return found


def make_scorers(
    corpus: Corpus, setup: Setup, found: Mapping[str, Sequence[Run]]
) -> dict[str, tuple[Scorer, dict[str, TrainedModel]]]:
    """Open test once: split → its judge, and the runs by name with their predictions for it."""
    labels = {split: get_labels(corpus, split) for split in ("train", "dev")}
    labels["test"] = open_test(corpus, reason="benchmarks/stacking.py", models=list(found))

    def entrant(name: str, split: str) -> TrainedModel:
        rows = tuple(run[split] for run in found[name])
        return TrainedModel(
            name, "candidate", setup.outer, tuple(range(len(rows))), (), rows, (None,) * len(rows), rows
        )

    return {
        split: (
            Scorer(corpus, split, own, setup.outer.evaluation),
            {name: entrant(name, split) for name in found},
        )
        for split, own in labels.items()
    }


def report(corpus: Corpus, setup: Setup, found: Mapping[str, Sequence[Run]]) -> None:
    """Print comparisons on test, and a table of all splits."""
    judged = make_scorers(corpus, setup, found)
    on_test, entrants = judged["test"]
    pairs = [
        (entrants[f"{task} {OUT_OF_FOLD}"], entrants[other])
        for task in setup.tasks
        for other in (f"{task} {FIT_ON_TRAIN}", f"{task} {FIT_ON_TRAIN_AND_DEV}", NO_STACKING)
    ]
    comparisons = on_test.compare(pairs, METRIC)
    print(f"\nOn test, {METRIC}, {comparisons[0].n} utterances in {comparisons[0].num_clusters} dialogues:")
    for comparison in comparisons:
        print(f"  {comparison.sentence()}")
    print(f"\n{setup.title:38}{'train':>6}{'dev':>7}{'test':>7}{'dev less test':>31}")
    for name in found:
        train, dev, test = (
            judge.score(named[name], "candidate").metrics[METRIC] for judge, named in judged.values()
        )
        print(
            f"{name:38}{train.value:6.3f}{dev.value:7.3f}{test.value:7.3f} "
            f"[{test.low:.3f}, {test.high:.3f}] {100 * (dev.value - test.value):12.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--quick", action="store_true", help="two epochs of everything: whether it runs")
    parser.add_argument("--meld", type=Path, metavar="FOLDER", help="on the texts of MELD, which lies there")
    given = parser.parse_args()
    setup = MELD if given.meld else DEMO
    corpus = read_corpus(setup.outer.data, given.meld)
    report(corpus, setup, train_all(corpus, setup, given.seeds, {"train": {"epochs": 2}} if given.quick else {}))


if __name__ == "__main__":
    main()
