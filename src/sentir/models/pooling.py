"""Pooling: token or frame vectors → one vector per layer, and layers → one vector."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Average ``(N, T, d)`` over the positions where the ``(N, T)`` mask is 1 → ``(N, d)``."""
    weight = mask.unsqueeze(-1).to(states.dtype)
    return (states * weight).sum(1) / weight.sum(1).clamp(min=1)


def masked_max(states: Tensor, mask: Tensor) -> Tensor:
    """Take the maximum of ``(N, T, d)`` where the ``(N, T)`` mask is 1 → ``(N, d)``; 0 for an empty mask."""
    valid = mask.bool().unsqueeze(-1)
    return torch.where(valid.any(1), states.masked_fill(~valid, -torch.inf).amax(1), 0.0)


def masked_last(states: Tensor, mask: Tensor) -> Tensor:
    """Take of ``(N, T, d)`` the last position where the ``(N, T)`` mask is 1 → ``(N, d)``; 0 for an empty mask.

    In a causal transformer it is the only one that depends on all the others.
    """
    valid = mask.bool()
    last = (valid.long() * torch.arange(1, mask.shape[1] + 1, device=mask.device)).argmax(1)
    return torch.where(
        valid.any(1, keepdim=True), states[torch.arange(len(states), device=mask.device), last], 0.0
    )


POOLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": masked_mean,
    "max": masked_max,
    "last": masked_last,
}


class AttentionPooling(nn.Module):
    """A weighted mean over frames, whose weights are learned per layer: at first it is the mean.

    The weights are the softmax over the frames of a linear score of their normalized vectors (self-attentive
    pooling, Safari et al., Interspeech 2020).
    """

    def __init__(self, num_layers: int, width: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(num_layers, width))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)

    def forward(self, states: Tensor, mask: Tensor, layer: int) -> Tensor:
        """Pool the ``(N, T, d)`` frames of a layer where the ``(N, T)`` mask is 1 → ``(N, d)``."""
        scores = (self.norm(states) @ self.query[layer]).masked_fill(~mask.bool(), -torch.inf)
        return (states * scores.softmax(1).unsqueeze(-1)).sum(1)


class ScalarMix(nn.Module):
    """A learned weighted mean over layers: ``(N, L, d)`` → ``(N, d)`` (ELMo's, Peters et al. 2018)."""

    def __init__(self, num_layers: int, width: int) -> None:
        super().__init__()
        self.layer_logits = nn.Parameter(torch.zeros(num_layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.width_out = width

    def forward(self, states: Tensor) -> Tensor:
        """Mix the normalized layers."""
        return torch.einsum("l,nld->nd", self.layer_logits.softmax(0), self.norm(states))


class LayerConcat(nn.Module):
    """All layers concatenated: ``(N, L, d)`` → ``(N, L · d)``."""

    def __init__(self, num_layers: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.width_out = num_layers * width

    def forward(self, states: Tensor) -> Tensor:
        """Concatenate the normalized layers."""
        return self.norm(states).flatten(1)


LAYER_POOLINGS: dict[str, type[ScalarMix | LayerConcat]] = {"mix": ScalarMix, "concat": LayerConcat}


def build_layer_pooling(name: str, states_shape: tuple[int, int]) -> ScalarMix | LayerConcat:
    """Build the layer pooling called ``name`` for ``(N, L, d)`` states; a single layer needs no mix."""
    num_layers, width = states_shape
    return (LAYER_POOLINGS[name] if num_layers > 1 else LayerConcat)(num_layers, width)
