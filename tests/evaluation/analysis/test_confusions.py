"""Hardest examples, confusions by speaker, and label-noise candidates."""

import numpy as np
import pytest

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.analysis.confusions import (
    MAX_HARDEST_EXAMPLES,
    MAX_SPEAKERS,
    Confusion,
    ContextTurn,
    analyze_speakers,
    find_hardest_examples,
    find_label_noise_candidates,
)

SINGLE = SingleLabelSpace("emotion", ("anger", "joy", "neutral"))
MULTI = MultiLabelSpace("emotion", ("anger", "joy"))
REGRESSION = RegressionSpace("valence", "valence", (-3.0, 3.0))


def corpus_of(space, labels, split="train"):
    scores = [dict(zip(space.names, row, strict=True)) if not space.classes else {} for row in labels]
    rows = [
        Utterance(f"{n:03}", split, "talk", n, ("Ana", "Ben", None)[n % 3], f"text {n}",
                  labels={space.task: row} if space.classes else {}, scores=scores[n])
        for n, row in enumerate(labels)
    ]  # fmt: skip
    return Corpus.build("talk", rows, [space])


def predictions_of(space, p):
    return Predictions(tuple(f"{n:03}" for n in range(len(p))), np.asarray(p, dtype=float), space)


def test_errors_are_listed_by_confidence_with_their_context_and_correct_predictions_never():
    labels = [("joy",), ("joy",), ("anger",), ("neutral",), ("joy",)]
    p = [[0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.05, 0.9, 0.05], [0.1, 0.1, 0.8], [0.1, 0.7, 0.2]]
    corpus = corpus_of(SINGLE, labels)
    found = find_hardest_examples(
        corpus, predictions_of(SINGLE, p), None, dict(zip(corpus.by_id, labels, strict=True))
    )
    assert [(one.id, one.labels, one.predicted, one.error_score) for one in found] == [
        ("002", ("anger",), ("joy",), pytest.approx(0.9)),
        ("001", ("joy",), ("anger",), pytest.approx(0.6)),
    ]
    assert found[0].context == (ContextTurn("Ana", "text 0"), ContextTurn("Ben", "text 1"))
    assert found[0].speaker is None
    assert found[0].probabilities == pytest.approx({"anger": 0.05, "joy": 0.9, "neutral": 0.05})


def test_multilabel_errors_are_ranked_by_the_most_confident_wrong_decision():
    labels = [("anger",), ("joy",), ()]
    p = [[0.9, 0.7], [0.2, 0.45], [0.1, 0.2]]
    gold = dict(zip(("000", "001", "002"), labels, strict=True))
    found = find_hardest_examples(corpus_of(MULTI, labels), predictions_of(MULTI, p), np.full(2, 0.5), gold)
    assert [(one.id, one.predicted, one.error_score) for one in found] == [
        ("000", ("anger", "joy"), pytest.approx(0.7)),
        ("001", (), pytest.approx(0.55)),
    ]


def test_regression_errors_are_ranked_by_absolute_error():
    corpus = corpus_of(REGRESSION, [(1.0,), (-2.0,)])
    gold = {u.id: u.labels["valence"] for u in corpus}
    found = find_hardest_examples(corpus, predictions_of(REGRESSION, [[1.0], [9.0]]), None, gold)
    assert [(one.id, one.labels, one.predicted, one.error_score) for one in found] == [
        ("001", ("-2",), ("3",), 5.0)
    ]


def test_the_number_of_errors_is_limited_and_only_labeled_utterances_count():
    labels = [("joy",)] * 30
    predictions = predictions_of(SINGLE, np.tile([0.9, 0.05, 0.05], (30, 1)))
    gold = {f"{n:03}": ("joy",) for n in range(5, 30)}
    found = find_hardest_examples(corpus_of(SINGLE, labels), predictions, None, gold)
    assert len(found) == MAX_HARDEST_EXAMPLES and found[0].id == "005"


def test_errors_by_speaker_count_confusions():
    gold = [("joy",)] * 6
    p = np.array([[0.9, 0.05, 0.05]] * 4 + [[0.05, 0.9, 0.05]] * 2)
    speakers = ["Ana"] * 5 + [None]
    (found,) = analyze_speakers(
        AlignedRuns(SINGLE, SINGLE.encode(gold), [(p, None)], speakers), speakers, gold, "accuracy"
    )
    assert (found.speaker, found.n, found.score) == ("Ana", 5, pytest.approx(0.2))
    assert found.confusions == (Confusion("joy", "anger", 4),)
    assert (
        analyze_speakers(
            AlignedRuns(SINGLE, SINGLE.encode(gold), [(p, None)], [None] * 6), [None] * 6, gold, "accuracy"
        )
        == ()
    )
    limited = analyze_speakers(
        AlignedRuns(SINGLE, SINGLE.encode(gold), [(p, None)], [str(n % 9) for n in range(6)]),
        [str(n % 9) for n in range(6)],
        gold,
        "accuracy",
    )
    assert len(limited) == MAX_SPEAKERS


def test_confusions_are_means_over_seeds_and_rare_ones_are_left_out():
    gold, right = [("joy",)] * 6, np.tile([0.05, 0.9, 0.05], (6, 1))
    rarely_wrong, mostly_wrong = right.copy(), right.copy()
    rarely_wrong[0], mostly_wrong[1:] = [0.9, 0.05, 0.05], [0.05, 0.05, 0.9]
    (found,) = analyze_speakers(
        AlignedRuns(
            SINGLE, SINGLE.encode(gold), [(p, None) for p in (rarely_wrong, mostly_wrong, right)], ["Ana"] * 6
        ),
        ["Ana"] * 6,
        gold,
        "accuracy",
    )
    assert found.confusions == (Confusion("joy", "neutral", 2),)


def test_multilabel_confusions_are_labels_missed_or_predicted_wrongly():
    gold = [("anger",), ("anger",)]
    p = np.array([[0.1, 0.9], [0.1, 0.1]])
    (found,) = analyze_speakers(
        AlignedRuns(MULTI, MULTI.encode(gold), [(p, None)], ["Ana"] * 2), ["Ana"] * 2, gold, "micro_f1"
    )
    assert set(found.confusions) == {Confusion("anger", "", 2), Confusion("", "joy", 1)}


def noisy_case(space, n, *, flipped, seed=0):
    """Corpus, mostly correct out-of-fold predictions, and labels, the first ``flipped`` of them wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(space), n)
    p = rng.dirichlet(np.ones(len(space)), n) * 0.3 + 0.7 * np.eye(len(space))[truth]
    labels = [(space.names[k],) for k in truth]
    for row in range(flipped):
        labels[row] = (space.names[(truth[row] + 1) % len(space)],)
    return (
        corpus_of(space, labels),
        predictions_of(space, p),
        dict(zip((f"{k:03}" for k in range(n)), labels, strict=True)),
    )


def test_flipped_labels_are_found_and_correct_ones_are_not():
    corpus, predictions, gold = noisy_case(SINGLE, 120, flipped=8)
    found = find_label_noise_candidates(corpus, predictions, gold)
    assert len(found) >= 3 and {one.id for one in found} <= {f"{k:03}" for k in range(8)}
    for one in found:
        assert one.labels == gold[one.id] != one.predicted and one.predicted_probability > one.label_probability
    assert [one.predicted_probability - one.label_probability for one in found] == sorted(
        (one.predicted_probability - one.label_probability for one in found), reverse=True
    )
    assert find_label_noise_candidates(*noisy_case(SINGLE, 120, flipped=0)) == ()


def test_a_multilabel_candidate_toggles_the_doubtful_label():
    labels = [("anger",)] * 5 + [("joy",)] * 5
    p = np.array([[0.9, 0.1]] * 5 + [[0.1, 0.9]] * 4 + [[0.95, 0.9]])
    corpus = corpus_of(MULTI, labels)
    (found,) = find_label_noise_candidates(
        corpus, predictions_of(MULTI, p), dict(zip(corpus.by_id, labels, strict=True))
    )
    assert (found.id, found.labels, found.predicted) == ("009", ("joy",), ("anger", "joy"))
    assert (found.predicted_probability, found.label_probability) == pytest.approx((0.95, 0.05))


def test_regression_has_no_label_noise_candidates():
    corpus = corpus_of(REGRESSION, [(1.0,), (-2.0,)])
    gold = {u.id: u.labels["valence"] for u in corpus}
    assert find_label_noise_candidates(corpus, predictions_of(REGRESSION, [[3.0], [3.0]]), gold) == ()
