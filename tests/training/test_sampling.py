"""Balanced sampling: labels equally often, unlabeled rows never, a function of seed and epoch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.training.batching import EqualLengthBatchSampler, LengthGroupedBatchSampler, SplitBatchSampler
from sentir.training.losses import UNLABELED
from sentir.training.sampling import balanced_weights


def single_units(n):
    return [[row] for row in range(n)]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_all_labels_are_drawn_equally_often(labels):
    targets = torch.tensor([*labels, UNLABELED])
    weights = balanced_weights(targets, single_units(len(targets)))
    shares = [weights[targets == label].sum() for label in set(labels)]
    assert shares == pytest.approx([1 / len(shares)] * len(shares))
    assert weights[-1] == 0


def test_weights_are_the_balanced_sample_weights_of_scikit_learn():
    from sklearn.utils.class_weight import compute_sample_weight

    labels = [0, 0, 0, 1, 2, 2]
    expected = compute_sample_weight("balanced", labels)
    np.testing.assert_allclose(balanced_weights(torch.tensor(labels), single_units(6)), expected / expected.sum())


def test_an_utterance_is_drawn_for_each_of_its_labels_and_none_is_one():
    targets = torch.tensor([[1.0, 0], [1, 1], [0, 0], [0, 0], [UNLABELED] * 2])
    weights = balanced_weights(targets, single_units(5))  # labels: 2 × the first, 1 × the second, 2 × none
    np.testing.assert_allclose(weights, [1 / 6, 1 / 6 + 1 / 3, 1 / 6, 1 / 6, 0])


def test_a_dialogue_has_the_mean_weight_of_its_utterances():
    targets = torch.tensor([0, 0, 1, UNLABELED])
    np.testing.assert_allclose(balanced_weights(targets, [[0, 1], [2, 3]]), [0.5, 0.5])
    np.testing.assert_allclose(balanced_weights(targets, [[0, 2], [1]]), [0.6, 0.4])


LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=60)


@settings(max_examples=50)
@given(LENGTHS, st.integers(1, 9), st.integers(0, 2))
def test_batches_by_length_have_each_unit_once_and_one_size(lengths, size, epoch):
    sampler = LengthGroupedBatchSampler(lengths, size, 0)
    sampler.set_epoch(epoch)
    found = list(sampler)
    assert sorted(n for batch in found for n in batch) == list(range(len(lengths)))
    assert len(found) == len(sampler) and list(sampler) == found
    assert all(len(batch) == size for batch in found[:-1]) and 1 <= len(found[-1]) <= size


@pytest.mark.parametrize("kind", [EqualLengthBatchSampler, LengthGroupedBatchSampler])
@given(lengths=LENGTHS, size=st.integers(1, 9), parts=st.integers(1, 9), epoch=st.integers(0, 2))
def test_the_micro_batches_of_a_batch_are_that_batch(kind, lengths, size, parts, epoch):
    whole, split = kind(lengths, size, 0), SplitBatchSampler(kind(lengths, size, 0), parts)
    for sampler in (whole, split):
        sampler.set_epoch(epoch)
    found = list(split)
    assert len(found) == len(split) == parts * len(whole)
    for n, batch in enumerate(whole):
        own = found[n * parts : (n + 1) * parts]
        assert [unit for part in own for unit in part] == batch
        assert max(map(len, own)) - min(map(len, own)) <= 1 and max(map(len, own)) <= split.batch_size


def test_batches_by_length_have_little_padding_and_change_between_epochs():
    lengths = np.random.default_rng(0).integers(3, 60, 2000)
    sampler = LengthGroupedBatchSampler(lengths.tolist(), 32, 0)
    padded = sum(len(batch) * max(lengths[batch]) for batch in sampler)
    assert lengths.sum() <= padded < 1.1 * lengths.sum()
    first = {frozenset(batch) for batch in sampler}
    sampler.set_epoch(1)
    assert first != {frozenset(batch) for batch in sampler}


@pytest.mark.parametrize("kind", [EqualLengthBatchSampler, LengthGroupedBatchSampler])
def test_weighted_draws_follow_the_weights_in_epochs_of_one_length(kind):
    lengths = [100] * 50 + [200] * 50
    weights = np.array(([0.001] * 49 + [0.451]) * 2)
    weights /= weights.sum()
    sampler, counts = kind(lengths, 8, 0, weights), np.zeros(100)
    for epoch in range(40):
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert len(batches) == len(sampler)
        np.add.at(counts, [n for batch in batches for n in batch], 1)
    assert counts.sum() == 40 * 100
    assert counts[[49, 99]] / counts.sum() == pytest.approx(weights[[49, 99]], abs=0.05)


def test_a_length_of_weight_zero_is_never_drawn():
    sampler = EqualLengthBatchSampler([100, 200, 200], 2, 0, np.array([0.0, 0.5, 0.5]))
    assert all(0 not in batch for batch in sampler) and len(list(sampler)) == len(sampler)
