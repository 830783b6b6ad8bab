"""Errors: the surest first, what is mixed up with whom, and labels that other models doubt."""

import numpy as np
import pytest

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.evaluation.analysis.confusions import (
    MAX_HARDEST_EXAMPLES,
    MAX_SPEAKERS,
    Confusion,
    ContextTurn,
    analyze_speakers,
    find_hardest_examples,
    find_label_noise_candidates,
)

ONE = LabelSpace("emotion", ("anger", "joy", "neutral"))
EACH = LabelSpace("emotion", ("anger", "joy"), multilabel=True)
NUMBER = LabelSpace("valence", ("valence",), bounds=(-3.0, 3.0))


def corpus_of(space, labels, split="train"):
    scores = [dict(zip(space.names, row, strict=True)) if space.bounds else {} for row in labels]
    rows = [
        Utterance(f"{n:03}", split, "talk", n, ("Ana", "Ben", None)[n % 3], f"text {n}",
                  labels={} if space.bounds else {space.task: row}, scores=scores[n])
        for n, row in enumerate(labels)
    ]  # fmt: skip
    return Corpus.build("talk", rows, [space])


def predicted(space, p):
    return Predictions(tuple(f"{n:03}" for n in range(len(p))), np.asarray(p, dtype=float), space)


def test_errors_are_listed_surest_first_with_what_was_said_before_and_right_answers_never():
    labels = [("joy",), ("joy",), ("anger",), ("neutral",), ("joy",)]
    p = [[0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.05, 0.9, 0.05], [0.1, 0.1, 0.8], [0.1, 0.7, 0.2]]
    corpus = corpus_of(ONE, labels)
    found = find_hardest_examples(corpus, predicted(ONE, p), None, dict(zip(corpus.by_id, labels, strict=True)))
    assert [(one.id, one.labels, one.predicted, one.error_score) for one in found] == [
        ("002", ("anger",), ("joy",), pytest.approx(0.9)),
        ("001", ("joy",), ("anger",), pytest.approx(0.6)),
    ]
    assert (
        found[0].context == (ContextTurn("Ana", "text 0"), ContextTurn("Ben", "text 1"))
        and found[0].speaker is None
    )
    assert found[0].probabilities == pytest.approx({"anger": 0.05, "joy": 0.9, "neutral": 0.05})


def test_of_several_labels_the_surest_wrong_decision_counts():
    labels = [("anger",), ("joy",), ()]
    p = [[0.9, 0.7], [0.2, 0.45], [0.1, 0.2]]
    found = find_hardest_examples(corpus_of(EACH, labels), predicted(EACH, p), np.array([0.5, 0.5]), dict(
        zip(("000", "001", "002"), labels, strict=True)
    ))  # fmt: skip
    assert [(one.id, one.predicted, one.error_score) for one in found] == [
        ("000", ("anger", "joy"), pytest.approx(0.7)),
        ("001", (), pytest.approx(0.55)),
    ]


def test_numbers_are_wrong_by_how_far_they_are_off():
    corpus = corpus_of(NUMBER, [(1.0,), (-2.0,)])
    gold = {u.id: u.labels["valence"] for u in corpus}
    found = find_hardest_examples(corpus, predicted(NUMBER, [[1.0], [9.0]]), None, gold)
    assert [(one.id, one.labels, one.predicted, one.error_score) for one in found] == [
        ("001", ("-2",), ("3",), 5.0)
    ]


def test_only_so_many_errors_are_listed_and_only_of_what_has_labels():
    labels = [("joy",)] * 30
    found = find_hardest_examples(corpus_of(ONE, labels), predicted(ONE, np.tile([0.9, 0.05, 0.05], (30, 1))), None, {
        f"{n:03}": ("joy",) for n in range(5, 30)
    })  # fmt: skip
    assert len(found) == MAX_HARDEST_EXAMPLES and found[0].id == "005"


def test_errors_by_speaker_count_what_is_taken_for_what():
    gold = [("joy",)] * 6
    p = np.array([[0.9, 0.05, 0.05]] * 4 + [[0.05, 0.9, 0.05]] * 2)
    speakers = ["Ana"] * 5 + [None]
    (found,) = analyze_speakers(ONE, speakers, ONE.encode(gold), [(p, None)], gold, "accuracy")
    assert (found.speaker, found.n, found.score) == ("Ana", 5, pytest.approx(0.2))
    assert found.confusions == (Confusion("joy", "anger", 4),)
    assert analyze_speakers(ONE, [None] * 6, ONE.encode(gold), [(p, None)], gold, "accuracy") == ()
    many = analyze_speakers(ONE, [str(n % 9) for n in range(6)], ONE.encode(gold), [(p, None)], gold, "accuracy")
    assert len(many) == MAX_SPEAKERS


def test_over_several_seeds_mix_ups_are_means_and_those_of_hardly_any_are_left_out():
    gold, right = [("joy",)] * 6, np.tile([0.05, 0.9, 0.05], (6, 1))
    once, always = right.copy(), right.copy()
    once[0], always[1:] = [0.9, 0.05, 0.05], [0.05, 0.05, 0.9]
    (found,) = analyze_speakers(
        ONE, ["Ana"] * 6, ONE.encode(gold), [(p, None) for p in (once, always, right)], gold, "accuracy"
    )
    assert found.confusions == (Confusion("joy", "neutral", 2),)


def test_of_several_labels_those_missed_and_those_said_wrongly_are_counted():
    gold = [("anger",), ("anger",)]
    p = np.array([[0.1, 0.9], [0.1, 0.1]])
    (found,) = analyze_speakers(EACH, ["Ana"] * 2, EACH.encode(gold), [(p, None)], gold, "micro_f1")
    assert set(found.confusions) == {Confusion("anger", "", 2), Confusion("", "joy", 1)}


def noisy(space, n, *, flipped, seed=0):
    """Good out-of-fold predictions, and labels of which the first ``flipped`` were changed."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(space), n)
    p = rng.dirichlet(np.ones(len(space)), n) * 0.3 + 0.7 * np.eye(len(space))[truth]
    labels = [(space.names[k],) for k in truth]
    for row in range(flipped):
        labels[row] = (space.names[(truth[row] + 1) % len(space)],)
    return (
        corpus_of(space, labels),
        predicted(space, p),
        dict(zip((f"{k:03}" for k in range(n)), labels, strict=True)),
    )


def test_changed_labels_are_found_and_good_ones_are_left_alone():
    corpus, predictions, gold = noisy(ONE, 120, flipped=8)
    found = find_label_noise_candidates(corpus, predictions, gold)
    assert len(found) >= 3 and {one.id for one in found} <= {f"{k:03}" for k in range(8)}
    for one in found:
        assert one.labels == gold[one.id] != one.predicted and one.predicted_probability > one.label_probability
    assert [one.predicted_probability - one.label_probability for one in found] == sorted(
        (one.predicted_probability - one.label_probability for one in found), reverse=True
    )
    assert find_label_noise_candidates(*noisy(ONE, 120, flipped=0)) == ()


def test_of_several_labels_the_doubtful_one_is_turned_around():
    labels = [("anger",)] * 5 + [("joy",)] * 5
    p = np.array([[0.9, 0.1]] * 5 + [[0.1, 0.9]] * 4 + [[0.95, 0.9]])
    corpus = corpus_of(EACH, labels)
    (found,) = find_label_noise_candidates(
        corpus, predicted(EACH, p), dict(zip(corpus.by_id, labels, strict=True))
    )
    assert (found.id, found.labels, found.predicted) == ("009", ("joy",), ("anger", "joy"))
    assert (found.predicted_probability, found.label_probability) == pytest.approx((0.95, 0.05))


def test_nothing_is_doubted_where_a_number_is_annotated():
    corpus = corpus_of(NUMBER, [(1.0,), (-2.0,)])
    assert (
        find_label_noise_candidates(
            corpus, predicted(NUMBER, [[3.0], [3.0]]), {u.id: u.labels["valence"] for u in corpus}
        )
        == ()
    )
