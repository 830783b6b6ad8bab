"""Which units share a batch, drawn anew in each epoch from (seed, epoch) alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from sentir.preprocessing.preprocessor import ModelInputs
from sentir.recipe import TrainSettings
from sentir.training.sampling import balanced_weights

SamplingWeights = NDArray[np.float64]
_MEGABATCH_MULT = 50  # batches; units are sorted by length among so many, and stay mixed beyond


class EqualLengthBatchSampler(Sampler[list[int]]):
    """Batches of units of equal length.

    Args:
        lengths: of N units.
        size: most units in a batch.
        seed: what the draws depend on, beside the epoch.
        weights: ``(N,)`` the probability of drawing each unit, with replacement; without, an epoch has every unit
            once. Each length gets its share of N draws, rounded up.
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, seed: int, weights: SamplingWeights | None = None
    ) -> None:
        self.batch_size, self.drop_last = batch_size, False  # read by accelerate
        self.seed, self.epoch, self._weights = seed, 0, weights
        groups = [np.flatnonzero(np.array(lengths) == length) for length in sorted(set(lengths))]
        shares = [len(g) if weights is None else len(lengths) * weights[g].sum() for g in groups]
        self._groups = [(group, int(np.ceil(share - 1e-9))) for group, share in zip(groups, shares, strict=True)]

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next batches are for; the training engine does."""
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(-(-count // self.batch_size) for _group, count in self._groups)

    def __iter__(self) -> Iterator[list[int]]:
        draw = np.random.default_rng([self.seed, self.epoch])
        batches = []
        for group, count in self._groups:
            order = _sample(draw, group, count, self._weights)
            batches += [order[n : n + self.batch_size] for n in range(0, len(order), self.batch_size)]
        for n in draw.permutation(len(batches)):
            yield batches[n].tolist()


class LengthGroupedBatchSampler(Sampler[list[int]]):
    """Batches of units of like length, so that little is padded; with equal lengths they are random.

    The batch that is not full comes last.

    Args:
        lengths, size, seed, weights: as `LengthBatches` takes them.
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, seed: int, weights: SamplingWeights | None = None
    ) -> None:
        self.batch_size, self.drop_last = batch_size, False  # read by accelerate
        self.seed, self.epoch, self._weights = seed, 0, weights
        self._lengths = np.array(lengths, dtype=np.int64)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next batches are for; the training engine does."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self._lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        draw = np.random.default_rng([self.seed, self.epoch])
        count, size, together = len(self._lengths), self.batch_size, self.batch_size * _MEGABATCH_MULT
        order = _sample(draw, np.arange(count), count, self._weights)
        full, rest = order[: count - count % size], order[count - count % size :]
        batches: list[NDArray[np.int64]] = []
        for start in range(0, len(full), together):
            chunk = self._sort(full[start : start + together])
            batches += [chunk[n : n + size] for n in range(0, len(chunk), size)]
        for n in draw.permutation(len(batches)):
            yield batches[n].tolist()
        if len(rest):
            yield self._sort(rest).tolist()

    def _sort(self, units: NDArray[np.int64]) -> NDArray[np.int64]:
        return units[np.argsort(self._lengths[units], kind="stable")]


class MicroBatchSampler(Sampler[list[int]]):
    """Every batch in as many parts, of sizes that differ by one at most, one after the other.

    A part is empty where a batch has fewer units than there are parts.

    Args:
        batch_sampler: the whole ones.
        parts: how many parts each has.
    """

    def __init__(self, batch_sampler: Any, num_micro_batches: int) -> None:
        self.batch_sampler, self._num_micro_batches = batch_sampler, num_micro_batches
        self.batch_size, self.drop_last = (
            -(-batch_sampler.batch_size // num_micro_batches),
            False,
        )  # read by accelerate

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next batches are for; the training engine does."""
        getattr(self.batch_sampler, "sampler", self.batch_sampler).set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.batch_sampler) * self._num_micro_batches

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batch_sampler:
            yield from (
                part.tolist() for part in np.array_split(np.array(batch, dtype=np.int64), self._num_micro_batches)
            )


LengthBatchSampler = EqualLengthBatchSampler | LengthGroupedBatchSampler


def repeat_batch(inputs: Mapping[str, Tensor], repeats: int) -> dict[str, Tensor]:
    """Repeat a batch of N rows, ``(times · N, …)``, as if every dialogue had been held so many times."""
    found = {name: tensor.repeat(repeats, *(1,) * (tensor.ndim - 1)) for name, tensor in inputs.items()}
    if "dialogue" in inputs:
        own = inputs["dialogue"]
        held = torch.arange(repeats, device=own.device).repeat_interleave(len(own))
        found["dialogue"] = found["dialogue"] + held * (own.max() + 1)
    return found


def make_batch_sampler(
    model_inputs: ModelInputs, targets: Tensor, settings: TrainSettings, batch_size: int
) -> LengthBatchSampler | None:
    """Return batches by length where clips stand alone or the recipe asks for it; none are the engine's own."""
    weights = balanced_weights(targets, model_inputs.units) if settings.sampling == "balanced" else None
    if model_inputs.mels is not None and len(model_inputs.units) == len(model_inputs.ids):
        return EqualLengthBatchSampler(model_inputs.lengths(), batch_size, settings.seed, weights)
    sorts = settings.group_by_length or model_inputs.waveforms is not None
    if not sorts and weights is None:
        return None
    lengths = model_inputs.lengths() if sorts else [0] * len(model_inputs.units)
    return LengthGroupedBatchSampler(lengths, batch_size, settings.seed, weights)


def _sample(
    rng: np.random.Generator, units: NDArray[np.int64], count: int, weights: SamplingWeights | None
) -> NDArray[np.int64]:
    """Put a group in random order, or draw from it by weight."""
    if weights is None:
        return rng.permutation(units)
    return rng.choice(units, size=count, p=weights[units] / weights[units].sum()) if count else units[:0]
