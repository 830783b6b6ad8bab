"""Batches of equal length: each unit once per epoch, a function of seed and epoch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sentir.models.context import DialogueContextConfig
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.training.batching import EqualLengthBatchSampler, repeat_batch

LENGTHS = st.lists(st.sampled_from([100, 200, 300, 800]), max_size=40)


@given(LENGTHS, st.integers(1, 9), st.integers(0, 3), st.integers(0, 3))
def test_an_epoch_has_each_unit_once_in_batches_of_equal_length(lengths, size, seed, epoch):
    sampler = EqualLengthBatchSampler(lengths, size, seed)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert sorted(n for batch in batches for n in batch) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size and len({lengths[n] for n in batch}) == 1 for batch in batches)
    assert len(batches) == len(sampler)
    partial = [batch for batch in batches if len(batch) < size]
    assert len({lengths[batch[0]] for batch in partial}) == len(partial), (
        "at most one batch of a length is not full"
    )


def sample(seed, epoch, lengths=(100,) * 12 + (200,) * 12):
    sampler = EqualLengthBatchSampler(lengths, 4, seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_batches_are_a_function_of_seed_and_epoch():
    sampler = EqualLengthBatchSampler((100,) * 12 + (200,) * 12, 4, 0)
    for epoch in (0, 1, 2, 1):
        sampler.set_epoch(epoch)
        assert list(sampler) == list(sampler) == sample(0, epoch)
    samples = [sample(seed, epoch) for seed in (0, 1) for epoch in (0, 1, 2)]
    assert all(one != other for n, one in enumerate(samples) for other in samples[:n])


def test_batches_and_the_order_of_lengths_change_between_epochs():
    first = {frozenset(batch) for batch in sample(0, 0)}
    assert first != {frozenset(batch) for batch in sample(0, 1)}
    orders = {tuple(batch[0] < 12 for batch in sample(0, epoch)) for epoch in range(5)}
    assert len(orders) > 1


@pytest.mark.parametrize("lengths", [(), (100,)])
def test_none_and_one_unit(lengths):
    assert sample(0, 0, lengths) == [[n] for n in range(len(lengths))]


@pytest.mark.parametrize("layer", ["gru", "attention"])
def test_a_repeated_batch_gives_repeated_logits(layer):
    dialogue = DialogueContextConfig(layer=layer, speakers=True)
    settings = {"context": "dialogue", "dialogue": dialogue, "hidden_size": 8}
    model = HybridTransformerClassifier("", 2, 3, text_states_shape=(2, 8), **settings).eval()
    generator = torch.Generator().manual_seed(0)
    inputs = {
        "text_states": torch.randn(6, 2, 8, generator=generator),
        "features": torch.randn(6, 2, generator=generator),
        "dialogue": torch.tensor([4, 4, 0, 0, 4, 7]),
        "turn": torch.tensor([0, 1, 0, 1, 2, 0]),
        "speaker": torch.tensor([1, 2, 3, 3, 1, 4]),
    }
    with torch.no_grad():
        once, thrice = model(**inputs), model(**repeat_batch(inputs, 3))
    torch.testing.assert_close(thrice, once.repeat(3, 1))
    assert inputs["dialogue"].max() == 7, "inputs are not changed"
