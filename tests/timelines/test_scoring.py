"""Scores by time, against brute force on a grid."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.errors import TimelineError
from sentir.timelines.document import Turn
from sentir.timelines.scoring import match_labels, score_timelines

LABELS = ("anger", "joy", "neutral")
STEPS = 60


@st.composite
def some_turns(draw, min_size=0):
    turns = []
    for _n in range(draw(st.integers(min_size, 4))):
        start = draw(st.integers(0, STEPS - 2))
        end = draw(st.integers(start + 1, STEPS - 1))
        labels = tuple(draw(st.sets(st.sampled_from(LABELS), min_size=int(min_size > 0), max_size=2)))
        turns.append(Turn(start / 10, end / 10, labels=labels))
    return turns


def brute_force(pairs):
    """Return the scores on a grid of 0.1 s."""
    sums, per_label = Counter(), {label: Counter() for label in LABELS}
    for true, predicted in pairs:
        for step in range(STEPS):
            middle = step / 10 + 0.05
            now, guessed = ([t for t in some if t.start < middle < t.end] for some in (true, predicted))
            sums["speech"] += bool(now)
            sums["speech_error"] += bool(now) != bool(guessed)
            if any(not t.labels for t in now):
                continue
            truth, found = ([label for t in some for label in t.labels] for some in (now, guessed))
            left, agreeing = list(found), []
            for label in truth:
                if label in left:
                    left.remove(label)
                    agreeing.append(label)
            sums["true"] += len(truth)
            sums["agreeing"] += len(agreeing)
            sums["missed"] += max(0, len(truth) - len(found))
            sums["false_alarm"] += max(0, len(found) - len(truth))
            sums["confusion"] += min(len(truth), len(found)) - len(agreeing)
            for label in LABELS:
                per_label[label] += Counter(
                    true=truth.count(label), found=found.count(label), both=agreeing.count(label)
                )
    f1 = [2 * c["both"] / (c["true"] + c["found"]) for c in per_label.values() if c["true"]]
    errors = [sums[name] / sums["true"] for name in ("missed", "false_alarm", "confusion")]
    return {
        "emotion_diarization_error": sum(errors), "missed": errors[0], "false_alarm": errors[1],
        "confusion": errors[2], "accuracy": sums["agreeing"] / sums["true"], "macro_f1": np.mean(f1),
        "speech_error": sums["speech_error"] / sums["speech"],
    }  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.tuples(some_turns(1), some_turns()), min_size=1, max_size=3))
def test_scores_equal_those_on_a_grid(pairs):
    scores = score_timelines(pairs)
    expected = brute_force(pairs)
    assert {name: one.value for name, one in scores.scores.items()} == pytest.approx(expected)
    assert scores.recordings == len(pairs) and scores.turns == sum(len(true) for true, _ in pairs)
    for one in scores.scores.values():
        assert one.low is None or one.low <= one.value <= one.high


def test_known_numbers():
    true = [Turn(0, 4, labels=("joy",)), Turn(6, 10, labels=("anger",))]
    predicted = [Turn(1, 4, labels=("joy",)), Turn(5, 8, labels=("anger",)), Turn(8, 10, labels=("joy",))]
    scores = score_timelines([(true, predicted)])
    values = {name: one.value for name, one in scores.scores.items()}
    assert values["missed"] == 1 / 8 and values["false_alarm"] == 1 / 8 and values["confusion"] == 2 / 8
    assert values["emotion_diarization_error"] == 0.5 and values["accuracy"] == 5 / 8
    assert values["speech_error"] == 2 / 8 and scores.seconds == 8
    assert scores.labels["joy"].f1 == 2 * 3 / (4 + 5) and scores.labels["anger"].agreeing == 2


def test_perfect_and_many_recordings():
    true = [[Turn(0, n + 1, labels=("joy",)), Turn(n + 1, 9, labels=("anger",))] for n in [*range(6)] * 2]
    perfect = score_timelines([(one, one) for one in true])
    assert perfect.scores["emotion_diarization_error"].value == 0 and perfect.scores["macro_f1"].value == 1
    wrong = score_timelines([(one, [Turn(0, 9, labels=("joy",))]) for one in true])
    score = wrong.scores["accuracy"]
    assert score.low < score.value < score.high


def test_true_labels_are_matched_to_the_models():
    labels = ("anger", "joy", "neutral")
    of_rttm = match_labels([Turn(0, 1, "happiness"), Turn(1, 2, "anger")], labels)
    assert of_rttm == [Turn(0, 1, labels=("joy",)), Turn(1, 2, labels=("anger",))]
    assert match_labels([Turn(0, 1, "Ana"), Turn(1, 2, "anger")], labels)[0] == Turn(0, 1, "Ana")
    assert match_labels([Turn(0, 1, labels=("bored", "Joy"))], labels)[0].labels == ("bored", "joy")


def test_nothing_to_score():
    with pytest.raises(TimelineError, match="no labels"):
        score_timelines([([Turn(0, 1)], [])])
    with pytest.raises(TimelineError, match="with times"):
        score_timelines([([Turn(labels=("joy",))], [])])
