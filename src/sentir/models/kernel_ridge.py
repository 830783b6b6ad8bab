"""`KernelRidge`: kernel ridge regression with a Gaussian kernel, as the head of a network on fixed inputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_GAMMA = 0.2  # of the mean squared difference of columns: docs/decisions/kernel-ridge.md


class KernelRidge(nn.Module):
    """Gaussian kernels around clips of train, and a linear map of them to logits.

    `sentir.training.kernel_ridge` fits it in closed form; no gradient trains it. With as many centers as train
    clips it is exact; with fewer it is the Nyström approximation (Williams & Seeger 2001), of a fixed size.

    Args:
        widths: the number of columns of each block of its inputs, V in all, which are standardized. Blocks weigh
            the same in the kernel, however many columns they have.
        num_centers: M; those beyond the number of train clips stay 0, with weights 0.
        num_classes: K.
    """

    def __init__(self, widths: Sequence[int], num_centers: int, num_classes: int) -> None:
        super().__init__()
        scale = [(_GAMMA / (len(widths) * width)) ** 0.5 for width in widths for _column in range(width)]
        self.register_buffer("scale", torch.tensor(scale), persistent=False)
        self.scale: Tensor
        self.centers, self.weights, self.bias = (
            nn.Parameter(torch.zeros(shape), requires_grad=False)
            for shape in ((num_centers, len(scale)), (num_centers, num_classes), (num_classes,))
        )

    def kernel(self, x: Tensor) -> Tensor:
        """Return the ``(N, M)`` kernels of ``(N, V)`` inputs and the centers."""
        x, centers = x * self.scale, self.centers * self.scale
        squares = x.square().sum(-1, keepdim=True) + centers.square().sum(-1)
        return torch.exp(-(squares - 2 * x @ centers.T).clamp(min=0))

    def forward(self, x: Tensor) -> Tensor:
        """Return the ``(N, K)`` logits of ``(N, V)`` inputs."""
        return self.kernel(x) @ self.weights + self.bias
