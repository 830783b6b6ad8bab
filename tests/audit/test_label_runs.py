"""Labels that come in runs without dialogues are found; others are not."""

from itertools import pairwise

import numpy as np
import pytest

from sentir.audit import audit
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.neighbor_agreement import measure_neighbor_agreement
from sentir.corpus.utterances import Utterance

SPACE = SingleLabelSpace("mood", ("a", "b", "c"))


def moods(n, stay, seed=0):
    """Return labels that repeat the row before with probability ``stay`` and are random otherwise."""
    rng = np.random.default_rng(seed)
    states = [0]
    for _ in range(n - 1):
        states.append(states[-1] if rng.random() < stay else int(rng.integers(3)))
    return ["abc"[state] for state in states]


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


def run_findings(corpus):
    return [finding for finding in audit(corpus).findings if finding.kind == "labels_in_runs"]


def test_labels_in_runs_are_found_unless_there_are_dialogues():
    labels = moods(400, 0.5)
    (finding,) = run_findings(corpus_of(labels))
    same = np.mean([a == b for a, b in pairwise(labels)])
    assert finding.severity == "warning" and f"{100 * same:.0f}% of cases" in finding.message
    assert not run_findings(corpus_of(labels, lambda n: f"{n % 5 == 4}/{n // 10}"))


@pytest.mark.parametrize("seed", range(5))
def test_rows_in_random_order_and_sorted_rows_are_no_conversations(seed):
    assert measure_neighbor_agreement(moods(400, 0.0, seed)) is None
    assert measure_neighbor_agreement(sorted(moods(400, 0.3, seed))) is None


def test_the_expected_agreement_is_that_of_a_random_order():
    labels = moods(2000, 0.5)
    _names, counts = np.unique(labels, return_counts=True)
    agreement = measure_neighbor_agreement(labels)
    assert agreement.expected == pytest.approx((counts * (counts - 1)).sum() / (2000 * 1999), abs=0.005)


def test_rows_without_a_label_are_no_neighbors_and_few_rows_have_no_result():
    assert measure_neighbor_agreement(moods(60, 0.9)) is None
    assert (
        measure_neighbor_agreement(["a", None] * 200) is None
        and measure_neighbor_agreement([]) is None
        and measure_neighbor_agreement([None] * 300) is None
    )
