"""One training shared by several processes: who learns from which utterances, and what all of them know after.

Every process draws the same batches as a process alone would and takes its share of each, so that a step learns
from the same utterances; the engine adds the gradients up.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar, cast

import torch
from accelerate.data_loader import SeedableRandomSampler, prepare_data_loader
from torch import distributed
from torch.utils.data import BatchSampler, DataLoader, Sampler

from sentir.process_group import rank, world_size

T = TypeVar("T")


class DistributedSampler(Sampler[list[int]]):
    """This process' share of every batch, empty where a batch has fewer units than there are processes.

    Args:
        batch_sampler: as a process alone would draw them.
    """

    def __init__(self, batch_sampler: Any) -> None:
        self.batch_sampler = batch_sampler
        self.batch_size, self.drop_last = batch_sampler.batch_size, False  # read by accelerate

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next batches are for; the training engine does."""
        getattr(self.batch_sampler, "sampler", self.batch_sampler).set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[list[int]]:
        return (batch[rank() :: world_size()] for batch in self.batch_sampler)


def make_random_batch_sampler(num_units: int, batch_size: int) -> BatchSampler:
    """Draw batches of ``batch_size`` as the training engine does by itself."""
    return BatchSampler(SeedableRandomSampler(range(num_units)), batch_size, drop_last=False)


def prepare_loader(loader: DataLoader, device: torch.device) -> DataLoader:
    """Prepare a loader for the training engine, which is not to share its batches out once more."""
    return cast(
        DataLoader, prepare_data_loader(loader, device, num_processes=1, process_index=0, put_on_device=True)
    )


@cache
def destroy_process_group_at_exit() -> None:
    """Take this process out of the group when it ends, without which its threads sometimes abort it there."""
    atexit.register(distributed.destroy_process_group)
