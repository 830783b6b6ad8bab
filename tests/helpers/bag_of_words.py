"""A saved bag of words, which uses the turn before, and tables for it."""

import csv

from tiny_corpora import tiny_recipe

from sentir.study.baseline_model import BaselineModel
from sentir.study.baselines import fit_baseline

WORDS = ("I am happy.", "so lonely", "", "They look fine!", "What?", "hello")


def save_bag_of_words(corpus, folder):
    """Fit and save the model, and return its folder."""
    recipe, name, space = tiny_recipe("none"), "bag of words", corpus.label_space("emotion")
    BaselineModel(name, recipe, space, fit_baseline(name, recipe, corpus, "weighted_f1")).save_pretrained(folder)
    return folder


def write_talks(path, num_rows):
    """Write a table of dialogues of five turns; every sixth row has no text, so it cannot be predicted."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = ([f"{WORDS[n % 6]} {n}" if n % 6 != 2 else "", f"d{n // 5}", n] for n in range(num_rows))
        csv.writer(file).writerows([["text", "dialogue", "label"], *rows])
    return path
