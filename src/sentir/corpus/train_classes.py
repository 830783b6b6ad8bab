"""Which labels train can teach: a label that every utterance has, or none has, is learned from nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentir.corpus.corpus import Corpus


@dataclass(frozen=True, slots=True)
class TrainClasses:
    """What the labeled train utterances have in common, all none where there are none.

    Attributes:
        constant: the label, or the number, or the labels, that all of them have and nothing else; ``""`` if they
            differ.
        absent: the labels that none of them has; none of a number.
        always_present: of several labels at once, those that all of them have.
    """

    constant: str
    absent: tuple[str, ...]
    always_present: tuple[str, ...]


def inspect_train_classes(corpus: Corpus, task: str) -> TrainClasses:
    """Look at the labels of train for one task."""
    space = corpus.label_space(task)
    rows = [frozenset(u.labels[task]) for u in corpus.train if task in u.labels]
    if not rows:
        return TrainClasses("", (), ())
    only = " + ".join(map(str, sorted(rows[0], key=str))) or "–" if len(set(rows)) == 1 else ""
    if space.kind == "regression":
        return TrainClasses(only, (), ())
    present = frozenset().union(*rows)
    everywhere = frozenset.intersection(*rows) if space.multilabel else frozenset()
    names = space.names
    return TrainClasses(
        only, tuple(n for n in names if n not in present), tuple(n for n in names if n in everywhere)
    )
