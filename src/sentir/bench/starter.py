"""The starter, the exported model that comes with Sentir: one text, many texts, and loading it."""

from __future__ import annotations

from collections.abc import Iterator

from sentir.api import load
from sentir.bench.timing import Row, alternate

TEXT = "I cannot believe that you did that to me, after all these years!"
MANY, ROUNDS = 256, 40


def rows() -> Iterator[Row]:
    """Yield the table."""
    model = load()
    many = [f"{TEXT} {n}" for n in range(MANY)]
    works = {
        "one text": lambda: model.predict(TEXT),
        f"{MANY} texts": lambda: model.predict(many),
        "loading": load,
    }
    for name, work in works.items():
        times = alternate({"Sentir": work}, ROUNDS if name == "one text" else 5)
        yield Row(f"starter, {name}", {"Sentir": times.seconds("Sentir")})
