"""Fusion: one vector of each modality → one vector of an utterance, whichever modalities are there.

A fusion is a module made for M modalities of a width. It joins the vectors of modalities before context and head,
unless its ``over`` says otherwise: over ``positions`` it is also given what the modalities are made of, over
``logits`` it joins what a context and a head of each modality say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from sentir.i18n import gettext_noop
from sentir.registry import Registry


class ConcatFusion(nn.Module):
    """All modalities side by side, zeros in place of one that is missing: ``(N, M, d)`` → ``(N, M · d)``."""

    def __init__(self, num_modalities: int, width: int) -> None:
        super().__init__()
        self.width_out = num_modalities * width

    def forward(self, vectors: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(N, M, d)`` vectors, of which the ``(N, M)`` booleans say whether they are there."""
        return (vectors * present.unsqueeze(-1)).flatten(1)


class GatedFusion(nn.Module):
    """A weighted mean whose weights each utterance's own vectors decide: ``(N, M, d)`` → ``(N, d)``.

    The gated multimodal unit (Arevalo et al. 2017) for M modalities: ``h = Σ z_m tanh(W_m x_m)``, with the gates
    ``z`` a softmax over the modalities that are there.
    """

    def __init__(self, num_modalities: int, width: int) -> None:
        super().__init__()
        self.proj = nn.ModuleList(nn.Linear(width, width) for _m in range(num_modalities))
        self.gate = nn.Linear(num_modalities * width, num_modalities)
        self.width_out = width

    def forward(self, vectors: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(N, M, d)`` vectors, of which the ``(N, M)`` booleans say whether they are there; else zeros."""
        known = vectors * present.unsqueeze(-1)
        scores = self.gate(known.flatten(1)).masked_fill(~present, torch.finfo(vectors.dtype).min)
        gates = scores.softmax(-1) * present
        content = torch.stack([layer(known[:, m]) for m, layer in enumerate(self.proj)], dim=1).tanh()
        return (gates.unsqueeze(-1) * content).sum(1)


class CrossAttentionFusion(nn.Module):
    """Each modality's vector asks the positions of the others: ``(N, M, d)`` → ``(N, M · d)``.

    What is asked and found is added to the vector (crossmodal attention, Tsai et al. 2019, with one query per
    modality, so that clips and texts of any length fit in little memory). All stand side by side then, zeros in
    place of one that is missing; one that is alone stays as it is.
    """

    level = "positions"

    def __init__(self, num_modalities: int, width: int) -> None:
        super().__init__()
        self.attention = nn.ModuleList(Attention(width) for _m in range(num_modalities))
        self.width_out = num_modalities * width

    def forward(
        self,
        vectors: Tensor,
        present: Tensor,
        positions: Sequence[Tensor] | None = None,
        position_masks: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Fuse ``(N, M, d)`` vectors, of which the ``(N, M)`` booleans say whether they are there.

        Args:
            positions: of each modality ``(N, S, d)``; by default its vector is its only position.
            position_masks: of each modality ``(N, S)`` booleans, false where a position is padding.
        """
        vectors = vectors * present.unsqueeze(-1)
        if positions is None or position_masks is None:
            positions, position_masks = vectors.unsqueeze(2).unbind(1), present.unsqueeze(2).unbind(1)
        there = [one & present[:, m, None] for m, one in enumerate(position_masks)]
        found = []
        for m, attention in enumerate(self.attention):
            others = [n for n in range(len(self.attention)) if n != m]
            asked, heard = (torch.cat([part[n] for n in others], dim=1) for part in (positions, there))
            found.append((vectors[:, m] + attention(vectors[:, m], asked, heard)) * present[:, m, None])
        return torch.cat(found, dim=-1)


class Attention(nn.Module):
    """A vector asks positions, in up to four heads (Vaswani et al. 2017), each normalized first.

    Args:
        width: d of both.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_heads = math.gcd(width, 4)
        self.q = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
        self.kv = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width))
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Ask the known ones of ``(N, S, d)`` positions: ``(N, d)`` → ``(N, d)``, 0 where none is known."""
        some = mask.any(1, keepdim=True)
        asked = self.q(x).unflatten(-1, (self.num_heads, 1, -1))
        keys, values = self.kv(positions).unflatten(-1, (2, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        seen = (mask | ~some)[:, None, None]  # where none is known all are seen, lest it be NaN
        return self.out(scaled_dot_product_attention(asked, keys, values, attn_mask=seen).flatten(1)) * some


class LateFusion(nn.Module):
    """A weighted mean of what a head of each modality says: ``(N, M, K)`` logits → ``(N, K)``.

    For each label the learned weights of the modalities that are there sum to 1. A mean of logits is a geometric
    mean of probabilities (a logarithmic opinion pool), whether labels exclude one another or not.
    """

    level = "logits"

    def __init__(self, num_modalities: int, width: int) -> None:
        super().__init__()
        self.modality_logits = nn.Parameter(torch.zeros(num_modalities, width))
        self.width_out = width

    def forward(self, vectors: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(N, M, K)`` logits, of which the ``(N, M)`` booleans say whether they are there; else zeros."""
        there = present.unsqueeze(-1)
        scores = self.modality_logits.expand_as(vectors).masked_fill(~there, torch.finfo(vectors.dtype).min)
        return (scores.softmax(1) * there * vectors).sum(1)


FUSIONS = Registry(
    gettext_noop("fusion"),
    {"concat": ConcatFusion, "gated": GatedFusion, "cross_attention": CrossAttentionFusion, "late": LateFusion},
)
