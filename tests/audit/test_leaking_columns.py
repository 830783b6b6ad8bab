"""Columns that leak the label are rejected as features in any corpus; others never are."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.audit import audit, check_recipe_leakage
from sentir.audit.leaking_columns import WARNING_THRESHOLD, find_leaking_columns
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import MultiLabelSpace, SingleLabelSpace
from sentir.corpus.leakage import LEAKAGE_THRESHOLD, score_leakage
from sentir.corpus.utterances import Utterance
from sentir.errors import RecipeError
from sentir.recipe import Recipe

NAMES = ("anger", "joy", "neutral", "sadness")
SPACE = SingleLabelSpace("emotion", NAMES)
seeds = st.integers(0, 2**32 - 1)


def corpus_of(column, labels, *, space=SPACE, groups=None):
    """Return a train split with one number or ``None`` per row, and a row of dev and of test."""
    rows = [
        Utterance(
            f"c/train/{n}",
            "train",
            f"{n}",
            labels={"emotion": label},
            numeric_features={} if x is None else {"x": x},
        )
        for n, (x, label) in enumerate(zip(column, labels, strict=True))
    ]
    rows += [Utterance(f"c/{split}/0", split, split, labels={"emotion": labels[0]}) for split in ("dev", "test")]
    return Corpus.build("c", rows, (space,), groups=groups)


def recipe_of(features=("tabular",), **table):
    data = {"reader": "table", "table": {"label": "label", **table}}
    return Recipe.parse({"name": "r", "data": data, "model": {"features": list(features)}})


def random_labels(seed, n, names=NAMES):
    draw = random.Random(seed)
    return [(draw.choice(names),) for _row in range(n)], draw


DISGUISES = {
    "a code": lambda label, draw: float(NAMES.index(label)),
    "a code of another order": lambda label, draw: float((3, 0, 7, 1)[NAMES.index(label)]),
    "a code with noise": lambda label, draw: NAMES.index(label) + draw.uniform(-0.3, 0.3),
    "one of its labels": lambda label, draw: float(label == "joy"),
    "a number only where there is no joy": lambda label, draw: None if label == "joy" else draw.random(),
    "a number above a threshold": lambda label, draw: draw.uniform(0, 1) + 2 * (label == "anger"),
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
@settings(max_examples=10)
@given(seed=seeds, n=st.integers(150, 400))
def test_the_label_in_any_disguise_is_rejected(disguise, seed, n):
    labels, draw = random_labels(seed, n)
    corpus = corpus_of([disguise(label, draw) for (label,) in labels], labels)
    with pytest.raises(RecipeError, match="'x' leaks the label"):
        check_recipe_leakage(recipe_of(), corpus)
    check_recipe_leakage(recipe_of(features=()), corpus)
    assert audit(corpus).grade == "E" and audit(corpus).problem_count == 1


HARMLESS = {
    "a length to the millisecond, unique in each row": lambda n, draw: (
        round(draw.lognormvariate(1, 0.6), 3) + n * 1e-9
    ),
    "a length to the tenth": lambda n, draw: round(draw.lognormvariate(1, 0.6), 1),
    "an id in an order of its own": lambda n, draw: float((n * 7919 + 13) % 10_007),
    "a position in a dialogue": lambda n, draw: float(n % 12),
    "a gender": lambda n, draw: float(draw.random() < 0.5),
    "a constant": lambda n, draw: 1.0,
    "nothing": lambda n, draw: None,
}


@pytest.mark.parametrize("harmless", HARMLESS.values(), ids=HARMLESS)
@settings(max_examples=10)
@given(seed=seeds, n=st.integers(3, 400), rare=st.floats(0.02, 0.5))
def test_numbers_independent_of_the_label_are_never_rejected_nor_warned_of(harmless, seed, n, rare):
    draw = random.Random(seed)
    labels = [("joy",) if draw.random() < rare else ("neutral",) for _row in range(n)]
    corpus = corpus_of([harmless(row, draw) for row in range(n)], labels)
    assert find_leaking_columns(corpus, "emotion") == []
    check_recipe_leakage(recipe_of(), corpus)


@settings(max_examples=15)
@given(seed=seeds, overlap=st.floats(0.3, 0.8))
def test_a_good_feature_with_overlapping_classes_is_accepted(seed, overlap):
    draw = random.Random(seed)
    labels = [("joy",) if draw.random() < 0.5 else ("neutral",) for _row in range(300)]
    column = [draw.gauss(1.0 if label == ("joy",) else 0.0, overlap) for label in labels]
    check_recipe_leakage(recipe_of(), corpus_of(column, labels))


def test_a_column_that_nearly_leaks_is_warned_of_and_lowers_the_grade():
    labels, draw = random_labels(0, 400, NAMES[:2])
    column = [float(draw.random() < (0.95 if label == ("joy",) else 0.05)) for label in labels]
    corpus = corpus_of(column, labels)
    (leak,) = find_leaking_columns(corpus, "emotion")
    assert WARNING_THRESHOLD <= leak.score < LEAKAGE_THRESHOLD
    check_recipe_leakage(recipe_of(), corpus)
    (finding,) = [f for f in audit(corpus).findings if f.kind == "possible_label_leak"]
    assert (finding.severity, finding.grade, finding.examples) == ("warning", "C", ("x",))


def test_multiple_labels_are_scored_separately():
    space = MultiLabelSpace("emotion", NAMES)
    draw = random.Random(0)
    labels = [tuple(name for name in NAMES if draw.random() < 0.3) for _row in range(300)]
    (leak,) = find_leaking_columns(
        corpus_of([float("joy" in row) for row in labels], labels, space=space), "emotion"
    )
    assert (leak.label, leak.score) == ("joy", 1.0)
    assert not find_leaking_columns(
        corpus_of([float(len(row)) for row in labels], labels, space=space), "emotion"
    )


@given(seeds, st.integers(20, 60), st.integers(1, 40))
def test_the_score_is_between_0_and_1_whatever_the_order_and_scale(seed, n, values):
    draw = np.random.default_rng(seed)
    column = draw.integers(0, values, n).astype(float)
    column[draw.random(n) < 0.1] = np.nan
    present = draw.random(n) < 0.5
    score, order = score_leakage(column, present), draw.permutation(n)
    assert 0 <= score <= 1
    assert score_leakage(column[order], present[order]) == pytest.approx(score)
    assert score_leakage(column * 4 - 2, present) == pytest.approx(score)
    assert score_leakage(column, ~present) == pytest.approx(score)


def test_a_group_in_two_splits_is_rejected_only_if_the_recipe_names_it():
    labels, _draw = random_labels(1, 30)
    groups = {"actor": {"c/train/0": "A", "c/dev/0": "A", "c/test/0": "B"}}
    corpus = corpus_of([None] * 30, labels, groups=groups)
    with pytest.raises(RecipeError, match="'A' of 'actor' is in train and in dev"):
        check_recipe_leakage(recipe_of(features=(), group="actor", split="split"), corpus)
    check_recipe_leakage(recipe_of(features=()), corpus)
    check_recipe_leakage(
        recipe_of(features=(), group="actor"), replace(corpus, groups={"actor": {"c/train/0": "A"}})
    )
