"""Rows without a named dialogue that come in runs are asked about; others are not."""

from itertools import pairwise

import numpy as np
import pytest

from sentir.audit import audit
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.neighbor_agreement import measure_neighbor_agreement
from sentir.corpus.utterances import Utterance

SPACE = LabelSpace("mood", ("a", "b", "c"))


def moods(n, stay, seed=0):
    """Labels of which each is that of the row before with a chance of ``stay``, else any."""
    rng = np.random.default_rng(seed)
    found = [0]
    for _ in range(n - 1):
        found.append(found[-1] if rng.random() < stay else int(rng.integers(3)))
    return ["abc"[k] for k in found]


def corpus_of(labels, dialogue=lambda n: ""):
    rows = [
        Utterance(
            f"t/{n}",
            ("train", "dev")[n % 5 == 4],
            text=f"row {n}",
            labels={"mood": (label,)},
            dialogue=dialogue(n),
        )
        for n, label in enumerate(labels)
    ]
    return Corpus.build("t", rows, [SPACE])


def warned(corpus):
    return [finding for finding in audit(corpus).findings if finding.kind == "labels_in_runs"]


def test_rows_that_come_in_runs_are_warned_of_unless_their_dialogues_are_named():
    labels = moods(400, 0.5)
    (found,) = warned(corpus_of(labels))
    same = np.mean([a == b for a, b in pairwise(labels)])
    assert found.severity == "warning" and f"{100 * same:.0f} % of cases" in found.message
    assert not warned(corpus_of(labels, lambda n: f"{n % 5 == 4}/{n // 10}"))


@pytest.mark.parametrize("seed", range(5))
def test_rows_in_any_order_and_sorted_rows_are_no_conversations(seed):
    assert measure_neighbor_agreement(moods(400, 0.0, seed)) is None
    assert measure_neighbor_agreement(sorted(moods(400, 0.3, seed))) is None


def test_the_chance_is_that_of_equal_labels_in_any_order():
    labels = moods(2000, 0.5)
    _names, counts = np.unique(labels, return_counts=True)
    found = measure_neighbor_agreement(labels)
    assert found.expected == pytest.approx((counts * (counts - 1)).sum() / (2000 * 1999), abs=0.005)


def test_rows_without_a_label_are_no_neighbors_and_few_rows_say_nothing():
    assert measure_neighbor_agreement(moods(60, 0.9)) is None
    assert (
        measure_neighbor_agreement(["a", None] * 200) is None
        and measure_neighbor_agreement([]) is None
        and measure_neighbor_agreement([None] * 300) is None
    )
