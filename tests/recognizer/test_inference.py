"""Predictions are keyed by utterance id and do not depend on the batch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pipelines import Pipeline
from tiny_corpora import tiny_recipe

from sentir.errors import SentirError
from sentir.recognizer.inference import make_batches, predict_task
from sentir.recognizer.torch_backend import TorchBackend


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(1, 12))
def test_batches_have_all_rows_in_order_and_whole_units(lengths, size):
    numbers = iter(range(sum(lengths)))
    units = [[next(numbers) for _row in range(length)] for length in lengths]
    batches = list(make_batches(units, size))
    assert [row for rows in batches for row in rows] == list(range(sum(lengths)))
    batch_of = {row: n for n, rows in enumerate(batches) for row in rows}
    assert all(len({batch_of[row] for row in unit}) == 1 for unit in units)
    assert all(len(rows) <= max(size, *map(len, units)) for rows in batches)


@pytest.mark.parametrize("encoder", ["frozen", "finetune"])
@pytest.mark.parametrize("context", ["none", "window", "dialogue"])
def test_predictions_do_not_depend_on_the_batch(encoder, context, corpus, weights):
    recipe = tiny_recipe(weights, model={"encoder": encoder, "context": context, "features": ["dialogue"]})
    space = corpus.label_space("emotion")
    pipeline = Pipeline(recipe, corpus.train)
    torch.manual_seed(0)
    model = pipeline.build(space)
    everything = predict_task(TorchBackend(model), pipeline.transform(corpus.train), space)
    assert everything.ids == tuple(u.id for u in corpus.train)
    assert len(np.unique(everything.probabilities.round(9), axis=0)) > 20
    for batch in (1, 7):
        small = predict_task(TorchBackend(model), pipeline.transform(corpus.train), space, batch_size=batch)
        np.testing.assert_allclose(small.probabilities, everything.probabilities, atol=1e-5)
    backwards = predict_task(TorchBackend(model), pipeline.transform(corpus.train[::-1]), space)
    np.testing.assert_allclose(
        backwards.select(everything.ids).probabilities, everything.probabilities, atol=1e-5
    )
    one = corpus.train[10:15]
    alone = predict_task(TorchBackend(model), pipeline.transform(one), space)
    expected = everything.select(u.id for u in one).probabilities
    np.testing.assert_allclose(alone.probabilities, expected, atol=1e-5)


def test_predicting_does_not_change_the_training_mode(corpus, weights):
    recipe = tiny_recipe(weights, model={"dropout": 0.5})
    pipeline = Pipeline(recipe)
    model = pipeline.build(corpus.label_space("emotion")).train()
    inputs = pipeline.transform(corpus.dev)
    first, second = (
        predict_task(TorchBackend(model), inputs, corpus.label_space("emotion")) for _time in range(2)
    )
    assert model.training and np.array_equal(first.probabilities, second.probabilities)


def test_no_utterances_give_no_predictions(corpus, weights):
    recipe = tiny_recipe(weights, model={"context": "dialogue"})
    pipeline = Pipeline(recipe)
    model = pipeline.build(corpus.label_space("emotion"))
    assert len(predict_task(TorchBackend(model), pipeline.transform([]), corpus.label_space("emotion"))) == 0


def test_outputs_that_are_not_finite_are_an_error(corpus, weights):
    recipe = tiny_recipe(weights)
    pipeline = Pipeline(recipe)
    model = pipeline.build(corpus.label_space("emotion"))
    torch.nn.init.constant_(model.head[-1].bias, float("nan"))
    with pytest.raises(SentirError, match=r"Training diverged.*lower train\.lr"):
        predict_task(TorchBackend(model), pipeline.transform(corpus.dev), corpus.label_space("emotion"))
