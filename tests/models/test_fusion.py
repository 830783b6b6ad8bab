"""Fusion: missing modalities have no influence, whatever their inputs."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sentir.errors import UnknownNameError
from sentir.models.fusion import FUSIONS, GatedFusion

WIDTH = 4
ROWS = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=6)


def built(name, modalities=3):
    torch.manual_seed(0)
    return FUSIONS.get(name)(modalities, WIDTH)


def vectors(present, seed=0):
    return torch.randn(*present.shape, WIDTH, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", list(FUSIONS))
@given(ROWS)
def test_outputs_are_finite_and_ignore_missing_modalities(name, rows):
    fusion, present = built(name), torch.tensor(rows)
    x = vectors(present)
    with torch.no_grad():
        fused = fusion(x, present)
        assert fused.shape == (len(rows), fusion.width_out) and fused.isfinite().all()
        other = torch.where(present.unsqueeze(-1), x, vectors(present, seed=1) * 100)
        assert torch.equal(fusion(other, present), fused)
        assert not fused[~present.any(1)].any(), "without any modality the output is 0"
        changed = (fusion(torch.where(present.unsqueeze(-1), x + 1, x), present) - fused).abs().amax(1) > 1e-6
        assert torch.equal(changed, present.any(1)), "modalities present matter"


@pytest.mark.parametrize("name", list(FUSIONS))
def test_gradients_reach_every_parameter(name):
    fusion = built(name)
    x = vectors(torch.ones(5, 3, dtype=torch.bool)).requires_grad_()
    fusion(
        x, torch.tensor([[True, True, True], [True, False, True], [False, True, False]] + [[True] * 3] * 2)
    ).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in fusion.parameters())
    assert x.grad[:, 0].any() and not x.grad[2, 0].any()


@given(ROWS)
def test_gates_sum_to_1_over_the_modalities_present(rows):
    fusion, present = built("gated"), torch.tensor(rows)
    with torch.no_grad():
        for layer in fusion.proj:  # tanh(1000) = 1: the output is then the sum of the gates
            layer.weight.zero_()
            layer.bias.fill_(1000.0)
        fused = fusion(vectors(present), present)
    torch.testing.assert_close(fused, present.any(1, keepdim=True).float().expand_as(fused))


def test_the_gates_depend_on_the_input():
    fusion = built("gated", 2)
    present = torch.ones(2, 2, dtype=torch.bool)
    with torch.no_grad():
        fusion.proj[0].weight.zero_()
        fusion.proj[0].bias.fill_(1000.0)
        fusion.proj[1].weight.zero_()
        fusion.proj[1].bias.fill_(-1000.0)
        shares = fusion(vectors(present), present)[:, 0]
    assert not torch.isclose(shares[0], shares[1])


def test_concat_keeps_every_vector_in_its_place():
    present = torch.tensor([[True, False]])
    x = vectors(present)
    torch.testing.assert_close(built("concat", 2)(x, present), torch.cat([x[:, 0], torch.zeros(1, WIDTH)], dim=1))


def test_half_precision_masks_without_infinities():
    fusion, present = GatedFusion(2, WIDTH).bfloat16(), torch.tensor([[True, False], [False, False]])
    assert fusion(vectors(present).bfloat16(), present).isfinite().all()


def test_an_unknown_fusion_suggests_the_most_similar():
    with pytest.raises(UnknownNameError, match=r"There is no fusion called 'gate'; did you mean gated"):
        FUSIONS.get("gate")
