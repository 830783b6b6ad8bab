"""Copies of networks, to be hooked and changed while other threads predict with the originals.

In them, encoders can be replaced by ones that run once.
"""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn


def detached_copies(*networks: nn.Module | None) -> list[Any]:
    """Copy networks, and parts that they have in common once; ``None`` stays.

    The copies are in eval mode, except for recurrent layers without dropout: cuDNN has no gradients of these in
    eval mode. They share the weights, without gradients for them.
    """
    memo: dict[int, Any] = {}
    for network in networks:
        if network is not None:
            weights = {id(one): nn.Parameter(one.detach(), False) for one in network.parameters()}
            memo |= weights | {id(buffer): buffer for buffer in network.buffers()}
    copies = [None if network is None else copy.deepcopy(network, memo).eval() for network in networks]
    for network in filter(None, copies):
        for module in network.modules():
            module.training = isinstance(module, nn.RNNBase) and not module.dropout
    return copies


class ReplayedEncoder(nn.Module):
    """Wraps an encoder: encodes each batch once and repeats its outputs afterwards.

    Attributes:
        batch: number of the current batch.
        replacement: output for every utterance instead of the encoder's, ``(d, …)``.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.wrapped = [encoder]  # in a list, so that it is not registered as a submodule
        self.input_names = encoder.input_names
        self.cached_outputs: dict[int, Any] = {}
        self.batch = 0
        self.replacement: Any = None

    def forward(self, **inputs: Tensor) -> Any:
        """Return the outputs of the current batch, or of several copies of it, one after the other."""
        if self.batch not in self.cached_outputs:
            self.cached_outputs[self.batch] = self.wrapped[0](**inputs)
        output = self.cached_outputs[self.batch]
        if self.replacement is not None:
            return _expand_to_batch(self.replacement, output)
        num_rows = len(next(iter(inputs.values())))
        return _repeat(output, num_rows // len(output[0] if isinstance(output, tuple) else output))


def _expand_to_batch(vector: Any, output: Any) -> Any:
    if isinstance(output, tuple):
        return tuple(_expand_to_batch(one, other) for one, other in zip(vector, output, strict=True))
    return vector.to(output).expand_as(output)


def _repeat(output: Any, copies: int) -> Any:
    if copies == 1:
        return output
    if isinstance(output, tuple):
        return tuple(_repeat(one, copies) for one in output)
    return output.repeat(copies, *(1,) * (output.ndim - 1))
