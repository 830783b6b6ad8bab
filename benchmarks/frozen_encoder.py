"""What a frozen encoder saves: an epoch of each mode, and encoding against cached embeddings.

Prints ratios measured in this run, on this machine.
"""

import os
import tempfile
import time
from collections.abc import Callable

from sentir.preprocessing.preprocessor import Preprocessor
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.recognizer.encoders import Encoders
from sentir.training.fitting import fit

RECIPE = Recipe.parse({"name": "frozen-encoder", "data": {"reader": "demo-meld"}, "model": {"layers": [2, 4, 6]}})


def measure_seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def seconds_per_epoch(recipe: Recipe, corpus, *, epochs: int) -> float:
    """Return the time of an epoch after the first: a long training less a short one, without the start-up."""
    times = []
    for n in (1, epochs):
        changed = recipe.override({"train": {"epochs": n, "patience": n}})
        times.append(measure_seconds(lambda changed=changed: fit(changed, corpus)))
    return (times[1] - times[0]) / (epochs - 1)


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SENTIR_CACHE_DIR"] = cache
        corpus = read_corpus(RECIPE.data)
        encoders = Encoders.load(RECIPE.model)
        preprocessor = Preprocessor.fit(RECIPE.data, RECIPE.model, corpus.train, **encoders.processors())
        first, cached = (
            measure_seconds(lambda: encoders.embed(preprocessor.transform(corpus.train))) for _ in range(2)
        )
        print(
            f"encoding {len(corpus.train)} texts {first:.2f} s, cached {cached:.2f} s: {first / cached:.0f} times"
        )
        frozen = seconds_per_epoch(RECIPE, corpus, epochs=21)
        tuned = RECIPE.override({"model": {"encoder": "finetune", "layers": [6]}, "train": {"batch_size": 16}})
        finetuned = seconds_per_epoch(tuned, corpus, epochs=3)
        print(f"an epoch fine-tuned {finetuned:.2f} s, frozen {frozen:.3f} s: {finetuned / frozen:.0f} times")


if __name__ == "__main__":
    main()
