"""Which units share a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler


class LengthBatches(Sampler[list[int]]):
    """Batches of units of equal length, drawn anew in each epoch from (seed, epoch).

    Args:
        lengths: of N units.
        size: most units in a batch.
        seed: what the draws depend on, beside the epoch.
    """

    def __init__(self, lengths: Sequence[int], size: int, seed: int) -> None:
        self.batch_size, self.drop_last = size, False  # read by accelerate
        self.seed, self.epoch = seed, 0
        self._groups = [np.flatnonzero(np.array(lengths) == length) for length in sorted(set(lengths))]

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next batches are for; the training engine does."""
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(-(-len(group) // self.batch_size) for group in self._groups)

    def __iter__(self) -> Iterator[list[int]]:
        draw = np.random.default_rng([self.seed, self.epoch])
        batches = []
        for group in self._groups:
            order = draw.permutation(group)
            batches += [order[n : n + self.batch_size] for n in range(0, len(order), self.batch_size)]
        for n in draw.permutation(len(batches)):
            yield batches[n].tolist()
