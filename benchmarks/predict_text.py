"""The latency of predicting one text, and the time for many, against a pipeline of transformers, on one core.

Both have the same encoder (MiniLM) and a head of two labels, ours frozen or fine-tuned. Sentir also cleans the
text, checks it, and returns calibrated probabilities. Times are CPU times. Prints ratios measured in this run.
"""

import argparse
import os
import time
from collections.abc import Callable
from statistics import median

import torch

from sentir import Recognizer, torchvision_operators  # noqa: F401  (before transformers)
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


def make_pipeline() -> Callable[[list[str]], object]:
    """Return the pipeline that transformers' documentation shows."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    folder = get_text_backbone("minilm").resolve_weights().location
    network = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(LABELS))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return pipeline("text-classification", model=network, tokenizer=tokenizer, top_k=None, device="cpu")


def measure_cpu_milliseconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start)


def compare(name: str, works: dict[str, Callable[[], object]], rounds: int) -> None:
    """Run the works in turns, and print their median times and ratios to the first."""
    for work in works.values():
        work()
    table = [[measure_cpu_milliseconds(work) for work in works.values()] for _ in range(rounds)]
    times = dict(zip(works, map(median, zip(*table, strict=True)), strict=True))
    peer = next(iter(times.values()))
    for work, milliseconds in times.items():
        print(f"{name}, {work}: {milliseconds:.1f} ms, {peer / milliseconds:.2f} times as fast as the pipeline")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--texts", type=int, default=256, help="number of texts predicted together")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    pipe, frozen, tuned = make_pipeline(), make_recognizer("frozen"), make_recognizer("finetune")
    many = [f"{TEXTS[n % 4]} {n}" for n in range(given.texts)]
    one = TEXTS[0]
    compare(
        "one text",
        {
            "transformers": lambda: pipe(one),
            "Sentir, frozen": lambda: frozen.predict(one),
            "Sentir, fine-tuned": lambda: tuned.predict(one),
        },
        given.rounds,
    )
    compare(
        f"{given.texts} texts",
        {
            "transformers": lambda: pipe(many, batch_size=32),
            "Sentir, frozen": lambda: frozen.predict(many),
            "Sentir, fine-tuned": lambda: tuned.predict(many),
        },
        max(1, given.rounds // 20),
    )


if __name__ == "__main__":
    main()
