"""Batches of equal length: every unit once, drawn anew in each epoch, and the engine says which epoch it is."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sentir.models.context import DialogueContextConfig
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.training.batching import EqualLengthBatchSampler, repeat_batch

LENGTHS = st.lists(st.sampled_from([100, 200, 300, 800]), max_size=40)


@given(LENGTHS, st.integers(1, 9), st.integers(0, 3), st.integers(0, 3))
def test_an_epoch_has_every_unit_once_and_only_equal_lengths_share_a_batch(lengths, size, seed, epoch):
    sampler = EqualLengthBatchSampler(lengths, size, seed)
    sampler.set_epoch(epoch)
    found = list(sampler)
    assert sorted(n for batch in found for n in batch) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size and len({lengths[n] for n in batch}) == 1 for batch in found)
    assert len(found) == len(sampler)
    partial = [batch for batch in found if len(batch) < size]
    assert len({lengths[batch[0]] for batch in partial}) == len(partial), (
        "at most one batch of a length is not full"
    )


def drawn(seed, epoch, lengths=(100,) * 12 + (200,) * 12):
    sampler = EqualLengthBatchSampler(lengths, 4, seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_the_draw_is_a_function_of_seed_and_epoch_alone():
    sampler = EqualLengthBatchSampler((100,) * 12 + (200,) * 12, 4, 0)
    for epoch in (0, 1, 2, 1):
        sampler.set_epoch(epoch)
        assert list(sampler) == list(sampler) == drawn(0, epoch)
    draws = [drawn(seed, epoch) for seed in (0, 1) for epoch in (0, 1, 2)]
    assert all(one != other for n, one in enumerate(draws) for other in draws[:n])


def test_company_and_the_order_of_lengths_change_from_epoch_to_epoch():
    together = {frozenset(batch) for batch in drawn(0, 0)}
    assert together != {frozenset(batch) for batch in drawn(0, 1)}
    orders = {tuple(batch[0] < 12 for batch in drawn(0, epoch)) for epoch in range(5)}
    assert len(orders) > 1


@pytest.mark.parametrize("lengths", [(), (100,)])
def test_nothing_and_one_are_no_special_cases(lengths):
    assert drawn(0, 0, lengths) == [[n] for n in range(len(lengths))]


@pytest.mark.parametrize("layer", ["gru", "attention"])
def test_a_repeated_batch_is_answered_as_often_and_alike(layer):
    kind = DialogueContextConfig(layer=layer, speakers=True)
    over = {"context": "dialogue", "dialogue": kind, "hidden_size": 8}
    model = HybridTransformerClassifier("", 2, 3, text_states_shape=(2, 8), **over).eval()
    draw = torch.Generator().manual_seed(0)
    inputs = {
        "text_states": torch.randn(6, 2, 8, generator=draw),
        "features": torch.randn(6, 2, generator=draw),
        "dialogue": torch.tensor([4, 4, 0, 0, 4, 7]),
        "turn": torch.tensor([0, 1, 0, 1, 2, 0]),
        "speaker": torch.tensor([1, 2, 3, 3, 1, 4]),
    }
    with torch.no_grad():
        once, thrice = model(**inputs), model(**repeat_batch(inputs, 3))
    torch.testing.assert_close(thrice, once.repeat(3, 1))
    assert inputs["dialogue"].max() == 7, "what is given stays as it is"
