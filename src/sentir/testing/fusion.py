"""The contract test of fusions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sentir.models.fusion import FUSIONS

_TOLERANCE = 1e-5
_NUM_MODALITIES, _WIDTH = 2, 8
# Both, the first, the second, none.
_PRESENT = torch.tensor([[True, True], [True, False], [False, True], [False, False], [True, True]])


def check_fusion(name: str) -> None:
    """Check the guarantees of every fusion.

    It returns one finite vector of ``width_out`` per utterance, also if modalities are missing; neither their
    vectors nor the batch change it, but every modality that is present does; gradients reach every parameter;
    after saving and loading, it returns the same vectors.

    Args:
        name: a registered fusion.

    Raises:
        AssertionError: naming the guarantee that does not hold.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fusion = FUSIONS.get(name)(_NUM_MODALITIES, _WIDTH).eval()
        vectors = torch.randn(len(_PRESENT), _NUM_MODALITIES, _WIDTH)
        _check_level(fusion)
        _check_vectors(fusion, vectors)
        _check_modalities(fusion, vectors)
        _check_gradients(fusion, vectors)
        _check_saving(name, fusion, vectors)


def _fuse(fusion: nn.Module, vectors: Tensor, present: Tensor = _PRESENT) -> Tensor:
    fused: Tensor = fusion(vectors, present)
    return fused


def _check_level(fusion: nn.Module) -> None:
    level = getattr(fusion, "level", "vectors")
    known = ("vectors", "positions", "logits")
    assert level in known, f"its level is {level!r}, not one of {', '.join(known)}"
    width: object = getattr(fusion, "width_out", None)
    assert isinstance(width, int), "it has no width_out, the width of its output"
    assert level != "logits" or width == _WIDTH, "it fuses logits, so width_out must be the number of labels"


@torch.no_grad()
def _check_vectors(fusion: nn.Module, vectors: Tensor) -> None:
    fused, shape = _fuse(fusion, vectors), (len(vectors), fusion.width_out)
    assert fused.shape == shape, f"the vectors have shape {tuple(fused.shape)}, not {shape}"
    assert fused.isfinite().all(), "a vector is not finite"
    alone = torch.cat([_fuse(fusion, vectors[[n]], _PRESENT[[n]]) for n in range(len(vectors))])
    difference = (alone - fused).abs().max().item()
    assert difference <= _TOLERANCE, f"the batch changes a vector by {difference:.1e}"


@torch.no_grad()
def _check_modalities(fusion: nn.Module, vectors: Tensor) -> None:
    fused = _fuse(fusion, vectors)
    other = torch.where(_PRESENT.unsqueeze(-1), vectors, 7.0)
    assert torch.equal(_fuse(fusion, other), fused), "the vector of a missing modality changes the result"
    changed = (_fuse(fusion, vectors + 1) - fused).abs().amax(1) > 0
    assert changed[_PRESENT.any(1)].all(), "a modality that is present changes nothing"


def _check_gradients(fusion: nn.Module, vectors: Tensor) -> None:
    fusion.zero_grad()
    inputs = vectors.clone().requires_grad_()
    _fuse(fusion, inputs).square().sum().backward()
    assert inputs.grad is not None and inputs.grad.isfinite().all(), "no finite gradient reaches the vectors"
    for name, parameter in fusion.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches {name}"
        assert parameter.grad.isfinite().all(), f"the gradient of {name} is not finite"
    fusion.zero_grad()


@torch.no_grad()
def _check_saving(name: str, fusion: nn.Module, vectors: Tensor) -> None:
    loaded = FUSIONS.get(name)(_NUM_MODALITIES, _WIDTH).eval()
    loaded.load_state_dict(fusion.state_dict())
    assert torch.equal(_fuse(loaded, vectors), _fuse(fusion, vectors)), "saving changes the vectors"
