"""Labels that cannot be learned from train because all of its utterances have them, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentir.corpus.corpus import Corpus


@dataclass(frozen=True, slots=True)
class TrainClasses:
    """What the labels of the train utterances have in common; empty if none is labeled.

    Attributes:
        constant: the label, labels or number of all utterances if they are equal; else ``""``.
        absent: the labels that no utterance has; none in a regression task.
        always_present: the labels that all utterances have; none in a regression task.
    """

    constant: str
    absent: tuple[str, ...]
    always_present: tuple[str, ...]


def inspect_train_classes(corpus: Corpus, task: str) -> TrainClasses:
    """Compare the labels of the train utterances in one task."""
    space = corpus.label_space(task)
    rows = [frozenset(u.labels[task]) for u in corpus.train if task in u.labels]
    if not rows:
        return TrainClasses("", (), ())
    constant = " + ".join(map(str, sorted(rows[0], key=str))) or "–" if len(set(rows)) == 1 else ""
    present, in_all = frozenset().union(*rows), frozenset.intersection(*rows)
    absent = tuple(name for name in space.classes if name not in present)
    return TrainClasses(constant, absent, tuple(name for name in space.classes if name in in_all))
