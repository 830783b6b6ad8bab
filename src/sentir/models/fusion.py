"""Fusion: one vector per modality → one vector per utterance, whichever modalities are present.

A fusion is a module for M modalities of one width. By default it fuses the vectors of the modalities before
context and head. Its ``level`` may say otherwise: with ``positions`` it also gets the sequence of vectors of each
modality, with ``logits`` it fuses the logits of one context and head per modality.
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
    """Concatenation, with zeros for missing modalities: ``(N, M, d)`` → ``(N, M · d)``."""

    def __init__(self, num_modalities: int, width: int) -> None:
        super().__init__()
        self.width_out = num_modalities * width

    def forward(self, vectors: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(N, M, d)`` vectors, given the ``(N, M)`` mask of those present."""
        return (vectors * present.unsqueeze(-1)).flatten(1)


class GatedFusion(nn.Module):
    """A weighted mean with weights computed from the utterance's vectors: ``(N, M, d)`` → ``(N, d)``.

    The gated multimodal unit (Arevalo et al. 2017) for M modalities: ``h = Σ z_m tanh(W_m x_m)``, with the gates
    ``z`` a softmax over the modalities present.
    """

    def __init__(self, num_modalities: int, width: int) -> None:
        super().__init__()
        self.proj = nn.ModuleList(nn.Linear(width, width) for _m in range(num_modalities))
        self.gate = nn.Linear(num_modalities * width, num_modalities)
        self.width_out = width

    def forward(self, vectors: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(N, M, d)`` vectors, given the ``(N, M)`` mask of those present; zeros if none is."""
        masked = vectors * present.unsqueeze(-1)
        scores = self.gate(masked.flatten(1)).masked_fill(~present, torch.finfo(vectors.dtype).min)
        gates = scores.softmax(-1) * present
        content = torch.stack([layer(masked[:, m]) for m, layer in enumerate(self.proj)], dim=1).tanh()
        return (gates.unsqueeze(-1) * content).sum(1)


class CrossAttentionFusion(nn.Module):
    """Each modality's vector attends to the positions of the others: ``(N, M, d)`` → ``(N, M · d)``.

    The result is added to the vector (crossmodal attention, Tsai et al. 2019, with one query per modality, so
    that long clips and texts need little memory), and the vectors are concatenated. Missing modalities are masked
    out of the attention and zeros in the output; a modality that is alone is left unchanged.
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
        """Fuse vectors of modalities.

        Args:
            vectors: ``(N, M, d)``.
            present: ``(N, M)`` mask of the vectors present.
            positions: of each modality ``(N, S, d)``; by default its vector is its only position.
            position_masks: of each modality ``(N, S)``, false for padding.
        """
        vectors = vectors * present.unsqueeze(-1)
        if positions is None or position_masks is None:
            positions, position_masks = vectors.unsqueeze(2).unbind(1), present.unsqueeze(2).unbind(1)
        masks = [mask & present[:, m, None] for m, mask in enumerate(position_masks)]
        outputs = []
        for m, attention in enumerate(self.attention):
            others = [n for n in range(len(self.attention)) if n != m]
            keys, key_mask = (torch.cat([tensors[n] for n in others], dim=1) for tensors in (positions, masks))
            outputs.append((vectors[:, m] + attention(vectors[:, m], keys, key_mask)) * present[:, m, None])
        return torch.cat(outputs, dim=-1)


class Attention(nn.Module):
    """Attention of one query to positions, pre-norm, with up to four heads (Vaswani et al. 2017).

    Args:
        width: d of queries and positions.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_heads = math.gcd(width, 4)
        self.q = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
        self.kv = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width))
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Attend to the ``(N, S, d)`` positions in the mask: ``(N, d)`` → ``(N, d)``, 0 if all are masked."""
        some = mask.any(1, keepdim=True)
        query = self.q(x).unflatten(-1, (self.num_heads, 1, -1))
        keys, values = self.kv(positions).unflatten(-1, (2, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        visible = (mask | ~some)[:, None, None]  # a fully masked row would be NaN
        return self.out(scaled_dot_product_attention(query, keys, values, attn_mask=visible).flatten(1)) * some


class LateFusion(nn.Module):
    """A weighted mean of the logits of one head per modality: ``(N, M, K)`` → ``(N, K)``.

    For each label the learned weights of the modalities present sum to 1. A mean of logits is a geometric mean of
    probabilities (a logarithmic opinion pool), for single-label and multi-label tasks alike.
    """

    level = "logits"

    def __init__(self, num_modalities: int, width: int) -> None:
        super().__init__()
        self.modality_logits = nn.Parameter(torch.zeros(num_modalities, width))
        self.width_out = width

    def forward(self, vectors: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(N, M, K)`` logits, given the ``(N, M)`` mask of those present; zeros if none is."""
        mask = present.unsqueeze(-1)
        scores = self.modality_logits.expand_as(vectors).masked_fill(~mask, torch.finfo(vectors.dtype).min)
        return (scores.softmax(1) * mask * vectors).sum(1)


FUSIONS = Registry(
    gettext_noop("fusion"),
    {"concat": ConcatFusion, "gated": GatedFusion, "cross_attention": CrossAttentionFusion, "late": LateFusion},
)
