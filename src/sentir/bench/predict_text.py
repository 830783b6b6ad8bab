"""The latency of predicting one text, and the time for many, against a pipeline of transformers, on one core.

Both have the same encoder (MiniLM) and a head of two labels, ours frozen or fine-tuned. Sentir also cleans the
text, checks it, and returns calibrated probabilities.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial

from sentir import Recognizer, torchvision_operators  # noqa: F401  (before transformers)
from sentir.bench.timing import Row, alternate, pin_to_one_core, print_rows
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.utterances import Utterance
from sentir.models.text_backbones import get_text_backbone
from sentir.recipe import Recipe
from sentir.training.recognizers import fit_recognizer

LABELS = ("a", "b")
TEXTS = (
    "I cannot believe that you did that to me, after all these years!",
    "Fine.",
    "We left early because she did not feel well, and nobody knew what to say to her mother about the party.",
    "What a day!",
)


def make_recognizer(encoder: str) -> Recognizer:
    """Train a head for one epoch on a few texts with arbitrary labels; its speed does not depend on them."""
    utterances = [
        Utterance(
            f"u{n}",
            split="train" if n < 16 else "dev",
            dialogue=f"d{n // 2}",
            text=TEXTS[n % 4],
            labels={"label": (LABELS[n % 2],)},
        )
        for n in range(24)
    ]
    tree = {
        "name": "speed",
        "data": {"reader": "table", "task": "label"},
        "model": {"encoder": encoder},
        "train": {"epochs": 1},
    }
    return fit_recognizer(
        Recipe.parse(tree), Corpus.build("speed", utterances, [SingleLabelSpace("label", LABELS)])
    )[0]


def make_pipeline() -> Callable[..., object]:
    """Return the pipeline that transformers' documentation shows."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    folder = get_text_backbone("minilm").resolve_weights().location
    network = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(LABELS))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return pipeline("text-classification", model=network, tokenizer=tokenizer, top_k=None, device="cpu")


def rows(texts: int = 256, rounds: int = 60) -> Iterator[Row]:
    """Yield the table."""
    pipe, frozen, tuned = make_pipeline(), make_recognizer("frozen"), make_recognizer("finetune")
    many = [f"{TEXTS[n % 4]} {n}" for n in range(texts)]
    for title, given, batch_size, turns in (
        ("one text", TEXTS[0], 1, rounds),
        (f"{texts} texts", many, 32, max(1, rounds // 20)),
    ):
        works: dict[str, Callable[[], object]] = {
            "pipeline": partial(pipe, given, batch_size=batch_size),
            "Sentir, frozen": partial(frozen.predict, given),
            "Sentir, fine-tuned": partial(tuned.predict, given),
        }
        times = alternate(works, turns)
        for ours in ("Sentir, frozen", "Sentir, fine-tuned"):
            yield times.row(f"predicting {title}", "pipeline", ours, "at least 1")


def main() -> None:
    """Print the table for other numbers of texts and rounds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--texts", type=int, default=256, help="number of texts predicted together")
    given = parser.parse_args()
    pin_to_one_core()
    print_rows(rows(given.texts, given.rounds))


if __name__ == "__main__":
    main()
