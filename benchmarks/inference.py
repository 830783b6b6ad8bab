"""Exported models (ONNX, float32 and int8) against a pipeline of transformers, on one core.

All have the same encoder (MiniLM). The pipeline gets the texts sorted by length, in batches of 32. Sentir also
cleans the text, checks it, and returns calibrated probabilities.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from predict_text import TEXTS, make_pipeline, make_recognizer
from ratios import Row, alternate, pin_to_one_core, print_rows

from sentir import Recognizer
from sentir.api import export_model

AIMS = {("float32", 1): "1.4", ("int8", 1): "3", ("float32", 2): "2", ("int8", 2): "2.5"}


def export(trained: Recognizer, folder: Path) -> dict[str, Recognizer]:
    """Export a recognizer in both precisions; its parity is reported by `sentir export`."""
    return {
        precision: export_model(trained, folder / precision, int8=precision == "int8", allow_loss=True)[0]
        for precision in ("float32", "int8")
    }


def rows(texts: int, rounds: int) -> Iterator[Row]:
    pipe, trained = make_pipeline(), make_recognizer("frozen")
    many = sorted((f"{TEXTS[n % 4]} {n}" for n in range(texts)), key=len)
    with TemporaryDirectory() as folder:
        models = export(trained, Path(folder))
        for aim, (title, given, size, turns) in enumerate(
            (("one text", TEXTS[0], 1, rounds), (f"{texts} texts", many, 32, max(1, rounds // 20))), start=1
        ):
            works = {"pipeline": lambda given=given, size=size: pipe(given, batch_size=size)}
            works |= {
                name: lambda given=given, model=model: model.predict(given) for name, model in models.items()
            }
            times = alternate(works, turns)
            for precision in models:
                yield times.row(f"predicting {title}", "pipeline", precision, f"at least {AIMS[precision, aim]}")


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
