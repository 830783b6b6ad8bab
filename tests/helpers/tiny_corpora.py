"""Small corpora with labels that depend on words or audio, and recipes that train on them in a second."""

import csv
import random
from dataclasses import replace

import numpy as np
import torch
from audio_files import tone, write_wav

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import MultiLabelSpace, SingleLabelSpace
from sentir.corpus.utterances import Clip, Utterance
from sentir.recipe import Recipe, merge_settings

torch.set_num_threads(1)
WORDS = {"joy": "happy glad", "neutral": "fine normal", "sadness": "crying lonely"}
TEMPLATES = ("I am {}.", "She is {} today.", "They look {}!", "How {}, {}!", "So {} that we left.")
SPACES = (
    SingleLabelSpace("emotion", tuple(sorted(WORDS))),
    MultiLabelSpace("feelings", ("joy", "sadness")),
)
SPLITS = ("train",) * 6 + ("dev",) * 3 + ("test",) * 3
TURNS = 5
LOUD_AND_HIGH, SOFT_AND_LOW = (1.0, 1800), (0.02, 200)
SECONDS = (0.3, 0.7, 1.0, 1.2, 1.9)
TINY_NETWORK = "test_efficientnet.r160_in1k"


def tiny_corpus(change=None, *, tasks=SPACES):
    """Return 12 dialogues of 5 turns, half of them train; ``change`` may replace any utterance."""
    rng = random.Random(0)
    utterances = []
    for n, split in enumerate(SPLITS):
        for turn in range(TURNS):
            emotion = sorted(WORDS)[(n + turn) % 3]
            word = rng.choice(WORDS[emotion].split())
            both = () if emotion == "neutral" else (emotion,) if turn else ("joy", "sadness")
            utterance = Utterance(
                id=f"tiny/{split}/dia{n}/utt{turn}",
                split=split,
                dialogue=f"tiny/{split}/dia{n}",
                turn=turn,
                speaker=("Ana", "Ben")[turn % 2],
                text=rng.choice(TEMPLATES).format(word, word) + (" both" if len(both) == 2 else ""),
                labels={"emotion": (emotion,), "feelings": both},
                numeric_features={"duration": 1.0 + turn},
            )
            utterances.append(change(utterance) if change else utterance)
    return Corpus.build("tiny", utterances, tasks)


def tiny_recipe(weights, **changes):
    """Return a recipe of a frozen encoder, a small head and two epochs; ``changes`` are nested overrides."""
    tree = {
        "name": "tiny",
        "data": {"reader": "table", "task": "emotion"},
        "model": {"backbone": "roberta-base", "weights": str(weights), "hidden_size": 16, "dropout": 0.0},
        "train": {"epochs": 2, "batch_size": 8, "lr": 0.01, "encoder_lr": 0.001},
        "evaluation": {"resamples": 100, "permutations": 100},
    }
    return Recipe.parse(merge_settings(tree, changes))


def spoken_corpus(folder, change=None):
    """Return the tiny corpus with a WAV of each utterance, where text and audio are both needed.

    The words of joy are those of neutral, the audio of neutral is that of sadness.
    """
    rng, plain = random.Random(1), tiny_corpus()
    labels = {u.id: u.labels for u in plain} | plain.sealed._reveal()[0]
    folder.mkdir(exist_ok=True)

    def speak(u):
        (emotion,) = labels[u.id]["emotion"]
        loudness, hz = LOUD_AND_HIGH if emotion == "joy" else SOFT_AND_LOW
        waveform = loudness * tone(rng.choice(SECONDS), hz * rng.uniform(0.8, 1.2))
        noise = np.random.default_rng(rng.randrange(99)).normal(0, 0.001, len(waveform)).astype(np.float32)
        path = folder / f"{u.id.replace('/', '_')}.wav"
        u = replace(u, clip=Clip(write_wav(path, waveform + noise, 16_000)))
        for happy, fine in zip(WORDS["joy"].split(), WORDS["neutral"].split(), strict=True):
            u = replace(u, text=u.text.replace(happy, fine))
        return change(u) if change else u

    return tiny_corpus(speak)


def spoken_recipe(weights, **changes):
    """Return `tiny_recipe` for a model of audio with random weights, by default an `EmotionModel`."""
    audio = {"backbone": TINY_NETWORK, "pretrained": False, "max_seconds": 2}
    tree = {"data": {"audio": True}, "model": {"kind": "emotion_model", "audio": audio}}
    return tiny_recipe(weights, **merge_settings(tree, changes))


def stacking_on_text(weights, *, folds=3, **changes):
    """Return the changes of a recipe that make it stack on a text model."""
    inner = {"backbone": "roberta-base", "weights": str(weights), "hidden_size": 16, "dropout": 0.0}
    stacked = {"folds": folds, "model": inner, "train": {"epochs": 2, "batch_size": 8, "lr": 0.01}}
    return {"model": {"features": ["stacked"], "stacked": merge_settings(stacked, changes)}}


def write_table(corpus, path, labels):
    """Write a corpus with one label per row as CSV; ``labels`` is id → label, for test too."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "split", "dialogue", "speaker", "text", "label"])
        for u in corpus:
            table.writerow([u.id, u.split, u.dialogue, u.speaker, u.text, labels[u.id]])
    return path
