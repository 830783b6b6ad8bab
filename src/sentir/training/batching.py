"""Batch samplers, whose batches are a function of seed and epoch alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from accelerate.data_loader import SeedableRandomSampler
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import BatchSampler, Sampler

from sentir.preprocessing.preprocessor import ModelInputs
from sentir.process_group import rank, world_size
from sentir.recipe import TrainSettings
from sentir.training.sampling import balanced_weights

SamplingWeights = NDArray[np.float64]
Units = NDArray[np.int64]
_MEGABATCH_MULT = 50  # batches among which units are sorted by length


class LengthBatchSampler(Sampler[list[int]]):
    """Samples batches by the lengths of units.

    Args:
        lengths: of N units.
        batch_size: maximum units per batch.
        seed: of the random numbers, together with the epoch.
        weights: ``(N,)`` probabilities of drawing each unit, with replacement. Without, an epoch has each unit
            once.
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, seed: int, weights: SamplingWeights | None = None
    ) -> None:
        self.batch_size, self.drop_last = batch_size, False  # read by accelerate
        self._seed, self._epoch, self._weights = seed, 0, weights
        self._lengths = np.array(lengths, dtype=np.int64)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next batches; called by accelerate."""
        self._epoch = epoch

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of batches of an epoch."""

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng([self._seed, self._epoch])
        batches, rest = self._make_batches(rng)
        for n in rng.permutation(len(batches)):
            yield batches[n].tolist()
        if len(rest):
            yield rest.tolist()

    @abstractmethod
    def _make_batches(self, rng: np.random.Generator) -> tuple[list[Units], Units]:
        """Return the batches, which are shuffled afterwards, and the rest, which is the last one."""

    def _sample(self, rng: np.random.Generator, units: Units, count: int) -> Units:
        """Shuffle units, or draw ``count`` of them by weight."""
        if self._weights is None:
            return rng.permutation(units)
        weights = self._weights[units]
        return rng.choice(units, size=count, p=weights / weights.sum()) if count else units[:0]

    def _split(self, units: Units) -> list[Units]:
        return [units[n : n + self.batch_size] for n in range(0, len(units), self.batch_size)]


class EqualLengthBatchSampler(LengthBatchSampler):
    """Samples batches of units of equal length; with weights, each length gets its share of draws, rounded up."""

    def __init__(
        self, lengths: Sequence[int], batch_size: int, seed: int, weights: SamplingWeights | None = None
    ) -> None:
        super().__init__(lengths, batch_size, seed, weights)
        groups = [np.flatnonzero(self._lengths == length) for length in np.unique(self._lengths)]
        shares = [len(g) if weights is None else len(lengths) * weights[g].sum() for g in groups]
        self._groups = [(group, int(np.ceil(share - 1e-9))) for group, share in zip(groups, shares, strict=True)]

    def __len__(self) -> int:
        return sum(-(-count // self.batch_size) for _group, count in self._groups)

    def _make_batches(self, rng: np.random.Generator) -> tuple[list[Units], Units]:
        batches = [b for group, count in self._groups for b in self._split(self._sample(rng, group, count))]
        return batches, np.zeros(0, dtype=np.int64)


class LengthGroupedBatchSampler(LengthBatchSampler):
    """Samples batches of units of similar length to reduce padding; units of equal length are shuffled.

    The last batch may be smaller.
    """

    def __len__(self) -> int:
        return -(-len(self._lengths) // self.batch_size)

    def _make_batches(self, rng: np.random.Generator) -> tuple[list[Units], Units]:
        count, megabatch = len(self._lengths), self.batch_size * _MEGABATCH_MULT
        order = self._sample(rng, np.arange(count), count)
        full, rest = order[: count - count % self.batch_size], order[count - count % self.batch_size :]
        chunks = [self._sort(full[start : start + megabatch]) for start in range(0, len(full), megabatch)]
        return [batch for chunk in chunks for batch in self._split(chunk)], self._sort(rest)

    def _sort(self, units: Units) -> Units:
        return units[np.argsort(self._lengths[units], kind="stable")]


class SplitBatchSampler(Sampler[list[int]]):
    """Splits each batch into micro-batches of about equal size, of which this process takes its share.

    A part is empty if a batch has fewer units than parts.

    Args:
        batch_sampler: of the whole batches.
        num_micro_batches: per batch.
    """

    def __init__(self, batch_sampler: Any, num_micro_batches: int = 1) -> None:
        self.batch_sampler, self._num_micro_batches = batch_sampler, num_micro_batches
        self.batch_size = -(-batch_sampler.batch_size // num_micro_batches)  # read by accelerate
        self.drop_last = False  # read by accelerate

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next batches; called by accelerate."""
        getattr(self.batch_sampler, "sampler", self.batch_sampler).set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.batch_sampler) * self._num_micro_batches

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batch_sampler:
            for part in np.array_split(np.array(batch, dtype=np.int64), self._num_micro_batches):
                yield part[rank() :: world_size()].tolist()


def repeat_batch(inputs: Mapping[str, Tensor], repeats: int) -> dict[str, Tensor]:
    """Repeat a batch of N rows, ``(repeats · N, …)``; each copy of a dialogue is a dialogue of its own."""
    repeated = {name: tensor.repeat(repeats, *(1,) * (tensor.ndim - 1)) for name, tensor in inputs.items()}
    if "dialogue" in inputs:
        dialogue = inputs["dialogue"]
        copies = torch.arange(repeats, device=dialogue.device).repeat_interleave(len(dialogue))
        repeated["dialogue"] = repeated["dialogue"] + copies * (dialogue.max() + 1)
    return repeated


def make_random_batch_sampler(num_units: int, batch_size: int) -> BatchSampler:
    """Return the batch sampler that Trainer uses by default."""
    return BatchSampler(SeedableRandomSampler(range(num_units)), batch_size, drop_last=False)


def make_batch_sampler(
    model_inputs: ModelInputs, targets: Tensor, settings: TrainSettings, batch_size: int
) -> LengthBatchSampler | None:
    """Return a sampler by length or label weights if inputs or recipe need one; ``None`` for Trainer's own."""
    weights = balanced_weights(targets, model_inputs.units) if settings.sampling == "balanced" else None
    if model_inputs.mels is not None and len(model_inputs.units) == len(model_inputs.ids):
        return EqualLengthBatchSampler(model_inputs.lengths(), batch_size, settings.seed, weights)
    groups_by_length = settings.group_by_length or model_inputs.waveforms is not None
    if not groups_by_length and weights is None:
        return None
    lengths = model_inputs.lengths() if groups_by_length else [0] * len(model_inputs.units)
    return LengthGroupedBatchSampler(lengths, batch_size, settings.seed, weights)
