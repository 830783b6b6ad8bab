"""`FastDropout` does what torch's dropout does."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sentir.models.dropout import FastDropout


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_expected_share_is_dropped_and_the_rest_rescaled(p, dtype):
    torch.manual_seed(0)
    x = torch.ones(300, 2304, dtype=dtype)
    found = FastDropout(p)(x)
    assert found.dtype == dtype
    share = (found == 0).double().mean(0)
    std = (p * (1 - p) / len(x)) ** 0.5
    assert abs(share.mean() - p) < 4 * std / 2304**0.5, "overall"
    assert (share - p).abs().max() < 6 * std, "in every column"
    torch.testing.assert_close(found[found != 0].unique(), torch.tensor([1 / (1 - p)], dtype=dtype))


SHAPES = st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([0, 5, 2049]))


@given(SHAPES, st.sampled_from([0.0, 0.5, 1.0]))
def test_any_shape_and_extreme_probabilities_are_as_in_torch(shape, p):
    x = torch.randn(shape)
    assert FastDropout(p)(x).shape == x.shape
    torch.testing.assert_close(FastDropout(p).eval()(x), x)
    if p in (0.0, 1.0):
        torch.testing.assert_close(FastDropout(p)(x), nn.Dropout(p)(x))


def test_narrow_rows_are_exactly_as_in_torch():
    x = torch.randn(50, 1152)
    torch.manual_seed(3)
    found = FastDropout(0.3)(x)
    torch.manual_seed(3)
    torch.testing.assert_close(found, nn.Dropout(0.3)(x), rtol=0, atol=0)


def test_neighbors_and_calls_are_independent():
    torch.manual_seed(1)
    mask = (FastDropout(0.5)(torch.ones(400_000)) != 0).double()
    for step in (1, 2, 3, 4, 8):
        assert abs((mask[:-step] * mask[step:]).mean() - 0.25) < 0.005
    other_mask = (FastDropout(0.5)(torch.ones(400_000)) != 0).double()
    assert abs((mask * other_mask).mean() - 0.25) < 0.005


def test_the_random_state_decides_and_gradients_match_the_mask():
    x = torch.randn(7, 2304, requires_grad=True)
    torch.manual_seed(2)
    found = FastDropout(0.4)(x)
    torch.manual_seed(2)
    torch.testing.assert_close(FastDropout(0.4)(x), found)
    found.sum().backward()
    torch.testing.assert_close(x.grad, torch.where(found == 0, 0.0, 1 / 0.6))
