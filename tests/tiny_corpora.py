"""Small corpora whose labels can be read from the words, and recipes that train on them in a second."""

import csv
import random

from sentir.corpus.labels import LabelSpace
from sentir.corpus.types import Corpus, Utterance
from sentir.recipe import Recipe, merge

WORDS = {"joy": "happy glad", "neutral": "fine normal", "sadness": "crying lonely"}
SHELLS = ("I am {}.", "She is {} today.", "They look {}!", "How {}, {}!", "So {} that we left.")
SPACES = (
    LabelSpace("emotion", tuple(sorted(WORDS))),
    LabelSpace("feelings", ("joy", "sadness"), multilabel=True),
)
SPLITS = ("train",) * 6 + ("dev",) * 3 + ("test",) * 3
TURNS = 5


def tiny_corpus(change=None, *, tasks=SPACES):
    """12 dialogues of 5 turns, half of them train; ``change`` may replace any utterance."""
    draw = random.Random(0)
    utterances = []
    for n, split in enumerate(SPLITS):
        for turn in range(TURNS):
            emotion = sorted(WORDS)[(n + turn) % 3]
            word = draw.choice(WORDS[emotion].split())
            both = () if emotion == "neutral" else (emotion,) if turn else ("joy", "sadness")
            utterance = Utterance(
                id=f"tiny/{split}/dia{n}/utt{turn}",
                split=split,
                dialogue=f"tiny/{split}/dia{n}",
                turn=turn,
                speaker=("Ana", "Ben")[turn % 2],
                text=draw.choice(SHELLS).format(word, word) + (" both" if len(both) == 2 else ""),
                labels={"emotion": (emotion,), "feelings": both},
                numbers={"duration": 1.0 + turn},
            )
            utterances.append(change(utterance) if change else utterance)
    return Corpus.build("tiny", utterances, tasks)


def tiny_recipe(weights, **changes):
    """A frozen encoder, a small head, two epochs; ``changes`` are nested overrides."""
    tree = {
        "name": "tiny",
        "data": {"reader": "table", "task": "emotion"},
        "model": {"backbone": "roberta-base", "weights": str(weights), "hidden": 16, "dropout": 0.0},
        "train": {"epochs": 2, "batch": 8, "lr": 0.01, "encoder_lr": 0.001},
        "evaluation": {"resamples": 100, "permutations": 100},
    }
    return Recipe.parse(merge(tree, changes))


def write_table(corpus, path, labels):
    """Write a corpus with one label per row as CSV; ``labels`` gives id → label, for test too."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "split", "dialogue", "speaker", "text", "label"])
        for u in corpus:
            table.writerow([u.id, u.split, u.dialogue, u.speaker, u.text, labels[u.id]])
    return path
