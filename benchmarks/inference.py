"""Exported models (ONNX, float32 and int8) against two usual ways to classify texts, on one core.

These are a pipeline of transformers, and a logistic regression on embeddings of sentence-transformers. All have
the same encoder (MiniLM) and get the texts sorted by length, these two in batches of 32. Sentir also cleans the
text, checks it, and returns calibrated probabilities.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sentir import Recognizer
from sentir.api import export_model
from sentir.bench.predict_text import LABELS, TEXTS, make_pipeline, make_recognizer
from sentir.bench.timing import Row, alternate, pin_to_one_core, print_rows
from sentir.models.text_backbones import get_text_backbone

PEERS = ("pipeline", "sentence-transformers")
AIMS = {("float32", 1): "1.4", ("int8", 1): "3", ("float32", 2): "2", ("int8", 2): "2.5"}


def export(trained: Recognizer, folder: Path) -> dict[str, Recognizer]:
    """Export a recognizer in both precisions; its parity is reported by `sentir export`."""
    return {
        precision: export_model(trained, folder / precision, int8=precision == "int8", allow_loss=True)[0]
        for precision in ("float32", "int8")
    }


def make_sentence_classifier() -> Callable[[list[str], int], object]:
    """Return a logistic regression on sentence embeddings; its speed does not depend on the labels."""
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    encoder = SentenceTransformer(str(get_text_backbone("minilm").resolve_weights().location), device="cpu")

    def encode(texts: list[str], batch_size: int) -> np.ndarray:
        return encoder.encode(texts, batch_size=batch_size, show_progress_bar=False)

    head = LogisticRegression().fit(encode(list(TEXTS), 4), [LABELS[n % 2] for n in range(len(TEXTS))])
    return lambda texts, batch_size: head.predict_proba(encode(texts, batch_size))


def rows(texts: int, rounds: int) -> Iterator[Row]:
    pipe, sentences, trained = make_pipeline(), make_sentence_classifier(), make_recognizer("frozen")
    many = sorted((f"{TEXTS[n % 4]} {n}" for n in range(texts)), key=len)
    with TemporaryDirectory() as folder:
        models = export(trained, Path(folder))
        for aim, (title, given, size, turns) in enumerate(
            (("one text", TEXTS[0], 1, rounds), (f"{texts} texts", many, 32, max(1, rounds // 20))), start=1
        ):
            listed = [given] if isinstance(given, str) else given
            works = {
                "pipeline": lambda given=given, size=size: pipe(given, batch_size=size),
                "sentence-transformers": lambda listed=listed, size=size: sentences(listed, size),
            }
            works |= {
                name: lambda given=given, model=model: model.predict(given) for name, model in models.items()
            }
            times = alternate(works, turns)
            for precision in models:
                for peer in PEERS:
                    wanted = f"at least {AIMS[precision, aim]}" if peer == "pipeline" else ""
                    yield times.row(f"predicting {title}", peer, precision, wanted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--texts", type=int, default=1000, help="number of texts predicted together")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    pin_to_one_core()
    print_rows(rows(given.texts, given.rounds))


if __name__ == "__main__":
    main()
