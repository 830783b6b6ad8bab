"""Which units share a batch, drawn anew in each epoch from (seed, epoch) alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from sentir.preprocessing.preprocessor import Prepared
from sentir.recipe import Train
from sentir.training.sampling import balanced_weights

Weights = NDArray[np.float64]
_SORTED_TOGETHER = 50  # batches; units are sorted by length among so many, and stay mixed beyond


class LengthBatches(Sampler[list[int]]):
    """Batches of units of equal length.

    Args:
        lengths: of N units.
        size: most units in a batch.
        seed: what the draws depend on, beside the epoch.
        weights: ``(N,)`` the probability of drawing each unit, with replacement; without, an epoch has every unit
            once. Each length gets its share of N draws, rounded up.
    """

    def __init__(self, lengths: Sequence[int], size: int, seed: int, weights: Weights | None = None) -> None:
        self.batch_size, self.drop_last = size, False  # read by accelerate
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
            order = _draw(draw, group, count, self._weights)
            batches += [order[n : n + self.batch_size] for n in range(0, len(order), self.batch_size)]
        for n in draw.permutation(len(batches)):
            yield batches[n].tolist()


class SortedBatches(Sampler[list[int]]):
    """Batches of units of like length, so that little is padded; with equal lengths they are random.

    The batch that is not full comes last.

    Args:
        lengths, size, seed, weights: as `LengthBatches` takes them.
    """

    def __init__(self, lengths: Sequence[int], size: int, seed: int, weights: Weights | None = None) -> None:
        self.batch_size, self.drop_last = size, False  # read by accelerate
        self.seed, self.epoch, self._weights = seed, 0, weights
        self._lengths = np.array(lengths, dtype=np.int64)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next batches are for; the training engine does."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self._lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        draw = np.random.default_rng([self.seed, self.epoch])
        count, size, together = len(self._lengths), self.batch_size, self.batch_size * _SORTED_TOGETHER
        order = _draw(draw, np.arange(count), count, self._weights)
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


class Parts(Sampler[list[int]]):
    """Every batch in as many parts, of sizes that differ by one at most, one after the other.

    A part is empty where a batch has fewer units than there are parts.

    Args:
        batches: the whole ones.
        parts: how many parts each has.
    """

    def __init__(self, batches: Any, parts: int) -> None:
        self.batches, self._parts = batches, parts
        self.batch_size, self.drop_last = -(-batches.batch_size // parts), False  # read by accelerate

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next batches are for; the training engine does."""
        getattr(self.batches, "sampler", self.batches).set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.batches) * self._parts

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches:
            yield from (part.tolist() for part in np.array_split(np.array(batch, dtype=np.int64), self._parts))


Batches = LengthBatches | SortedBatches


def repeated(inputs: Mapping[str, Tensor], times: int) -> dict[str, Tensor]:
    """Repeat a batch of N rows, ``(times · N, …)``, as if every dialogue had been held so many times."""
    found = {name: tensor.repeat(times, *(1,) * (tensor.ndim - 1)) for name, tensor in inputs.items()}
    if "dialogue" in inputs:
        own = inputs["dialogue"]
        held = torch.arange(times, device=own.device).repeat_interleave(len(own))
        found["dialogue"] = found["dialogue"] + held * (own.max() + 1)
    return found


def draw_batches(prepared: Prepared, targets: Tensor, settings: Train, size: int) -> Batches | None:
    """Return batches by length where clips stand alone or the recipe asks for it; none are the engine's own."""
    weights = balanced_weights(targets, prepared.units) if settings.sampling == "balanced" else None
    if prepared.mels is not None and len(prepared.units) == len(prepared.ids):
        return LengthBatches(prepared.lengths(), size, settings.seed, weights)
    sorts = settings.by_length or prepared.waves is not None
    if not sorts and weights is None:
        return None
    lengths = prepared.lengths() if sorts else [0] * len(prepared.units)
    return SortedBatches(lengths, size, settings.seed, weights)


def _draw(
    draw: np.random.Generator, group: NDArray[np.int64], count: int, weights: Weights | None
) -> NDArray[np.int64]:
    """Put a group in random order, or draw from it by weight."""
    if weights is None:
        return draw.permutation(group)
    return draw.choice(group, size=count, p=weights[group] / weights[group].sum()) if count else group[:0]
