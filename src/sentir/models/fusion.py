"""Fusion: one vector of each modality → one vector of an utterance, whichever modalities are there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sentir.i18n import mark
from sentir.registry import Registry


class Concat(nn.Module):
    """All modalities side by side, zeros in place of one that is missing: ``(N, M, d)`` → ``(N, M · d)``."""

    def __init__(self, modalities: int, width: int) -> None:
        super().__init__()
        self.width_out = modalities * width

    def forward(self, vectors: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(N, M, d)`` vectors, of which the ``(N, M)`` booleans say whether they are there."""
        return (vectors * present.unsqueeze(-1)).flatten(1)


class Gated(nn.Module):
    """A weighted mean whose weights each utterance's own vectors decide: ``(N, M, d)`` → ``(N, d)``.

    The gated multimodal unit (Arevalo et al. 2017) for M modalities: ``h = Σ z_m tanh(W_m x_m)``, with the gates
    ``z`` a softmax over the modalities that are there.
    """

    def __init__(self, modalities: int, width: int) -> None:
        super().__init__()
        self.content = nn.ModuleList(nn.Linear(width, width) for _m in range(modalities))
        self.gate = nn.Linear(modalities * width, modalities)
        self.width_out = width

    def forward(self, vectors: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(N, M, d)`` vectors, of which the ``(N, M)`` booleans say whether they are there; else zeros."""
        known = vectors * present.unsqueeze(-1)
        scores = self.gate(known.flatten(1)).masked_fill(~present, torch.finfo(vectors.dtype).min)
        gates = scores.softmax(-1) * present
        content = torch.stack([layer(known[:, m]) for m, layer in enumerate(self.content)], dim=1).tanh()
        return (gates.unsqueeze(-1) * content).sum(1)


FUSIONS = Registry(mark("fusion"), {"concat": Concat, "gated": Gated})
