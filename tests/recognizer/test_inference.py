"""Predictions are keyed, and neither the batch nor the company decides them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pipelines import Pipeline
from tiny_corpora import tiny_recipe

from sentir.errors import SentirError
from sentir.recognizer.inference import make_batches, predict_task


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(1, 12))
def test_batches_hold_every_row_once_in_order_and_never_cut_a_unit(lengths, size):
    numbers = iter(range(sum(lengths)))
    units = [[next(numbers) for _row in range(length)] for length in lengths]
    found = list(make_batches(units, size))
    assert [row for rows in found for row in rows] == list(range(sum(lengths)))
    batch_of = {row: n for n, rows in enumerate(found) for row in rows}
    assert all(len({batch_of[row] for row in unit}) == 1 for unit in units)
    assert all(len(rows) <= max(size, *map(len, units)) for rows in found)


@pytest.mark.parametrize("encoder", ["frozen", "finetune"])
@pytest.mark.parametrize("context", ["none", "window", "dialogue"])
def test_a_dialogue_is_predicted_alike_in_any_batch_order_and_company(encoder, context, corpus, weights):
    recipe = tiny_recipe(weights, model={"encoder": encoder, "context": context, "features": ["dialogue"]})
    space = corpus.label_space("emotion")
    preparer = Pipeline(recipe, corpus.train)
    torch.manual_seed(0)
    model = preparer.build(space)
    everything = predict_task(model, preparer.transform(corpus.train), space)
    assert everything.ids == tuple(u.id for u in corpus.train)
    assert len(np.unique(everything.probabilities.round(9), axis=0)) > 20
    for batch in (1, 7):
        small = predict_task(model, preparer.transform(corpus.train), space, batch_size=batch)
        np.testing.assert_allclose(small.probabilities, everything.probabilities, atol=1e-5)
    backwards = predict_task(model, preparer.transform(corpus.train[::-1]), space)
    np.testing.assert_allclose(
        backwards.select(everything.ids).probabilities, everything.probabilities, atol=1e-5
    )
    one = corpus.train[10:15]
    alone = predict_task(model, preparer.transform(one), space)
    expected = everything.select(u.id for u in one).probabilities
    np.testing.assert_allclose(alone.probabilities, expected, atol=1e-5)


def test_predicting_leaves_a_training_model_in_training(corpus, weights):
    recipe = tiny_recipe(weights, model={"dropout": 0.5})
    preparer = Pipeline(recipe)
    model = preparer.build(corpus.label_space("emotion")).train()
    prepared = preparer.transform(corpus.dev)
    first, second = (predict_task(model, prepared, corpus.label_space("emotion")) for _time in range(2))
    assert model.training and np.array_equal(first.probabilities, second.probabilities)


def test_no_utterances_are_no_predictions(corpus, weights):
    recipe = tiny_recipe(weights, model={"context": "dialogue"})
    preparer = Pipeline(recipe)
    model = preparer.build(corpus.label_space("emotion"))
    assert len(predict_task(model, preparer.transform([]), corpus.label_space("emotion"))) == 0


def test_a_model_without_finite_numbers_has_diverged(corpus, weights):
    recipe = tiny_recipe(weights)
    preparer = Pipeline(recipe)
    model = preparer.build(corpus.label_space("emotion"))
    torch.nn.init.constant_(model.head[-1].bias, float("nan"))
    with pytest.raises(SentirError, match=r"Training diverged.*lower train\.lr"):
        predict_task(model, preparer.transform(corpus.dev), corpus.label_space("emotion"))
