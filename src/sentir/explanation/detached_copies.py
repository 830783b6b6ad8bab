"""Copies of networks, to be hooked and changed while other threads predict with the originals."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn


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
