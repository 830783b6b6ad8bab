"""Distributed training: each process computes its share of every batch, and Trainer sums the gradients.

All processes draw the batches that a single process would draw, so that a step is computed from the same
utterances.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from accelerate.data_loader import SeedableRandomSampler, prepare_data_loader
from torch.utils.data import BatchSampler, DataLoader, Sampler

from sentir.process_group import rank, world_size

T = TypeVar("T")


class DistributedSampler(Sampler[list[int]]):
    """The share of this process of each batch, empty if a batch has fewer units than there are processes.

    Args:
        batch_sampler: of the whole batches.
    """

    def __init__(self, batch_sampler: Any) -> None:
        self.batch_sampler = batch_sampler
        self.batch_size, self.drop_last = batch_sampler.batch_size, False  # read by accelerate

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next batches; called by accelerate."""
        getattr(self.batch_sampler, "sampler", self.batch_sampler).set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[list[int]]:
        return (batch[rank() :: world_size()] for batch in self.batch_sampler)


def make_random_batch_sampler(num_units: int, batch_size: int) -> BatchSampler:
    """Return the batch sampler that Trainer uses by default."""
    return BatchSampler(SeedableRandomSampler(range(num_units)), batch_size, drop_last=False)


def prepare_loader(loader: DataLoader, device: torch.device) -> DataLoader:
    """Prepare a loader for Trainer whose batches are already split between processes."""
    return cast(
        DataLoader, prepare_data_loader(loader, device, num_processes=1, process_index=0, put_on_device=True)
    )


@cache
def destroy_process_group_at_exit() -> None:
    """Leave the process group before the process exits; otherwise its threads sometimes abort it then."""
    atexit.register(dist.destroy_process_group)
