"""Sanity check: a map that reflects what was learned changes with the weights (Adebayo et al., NeurIPS 2018)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sentir.explanation.results import RandomizationResult
from sentir.explanation.score_function import ScoreFunction

MIN_MAP_SIZE = 3  # fewest values of a map: the rank correlation of two is always 1 or -1
MAX_CORRELATION = 0.5  # from this correlation on, a map reflects the input rather than what was learned
N_SHUFFLES = 3
_ENCODER_PREFIXES = ("encoder.", "audio.backbone.", "audio.encoder.")  # of names of weights outside the head
AttributionMaps = dict[str, NDArray]
ModuleT = TypeVar("ModuleT", bound=nn.Module)


def check_randomization(
    score_function: ScoreFunction,
    explain: Callable[[ScoreFunction], AttributionMaps],
    *,
    num_shuffles: int = N_SHUFFLES,
) -> tuple[RandomizationResult, ...]:
    """Correlate the maps of a score function with those of the same networks with shuffled weights.

    The values of every weight tensor are permuted, so that their scale stays; norms and biases are kept. ``head``
    shuffles all but the pretrained encoders, ``all`` the encoders too.

    Args:
        score_function: that is explained.
        explain: returns the maps of a score function, by name, of any shape.
        num_shuffles: how often weights are shuffled.

    Returns:
        Spearman's rank correlation of each map for ``head`` and ``all``, mean over the shuffles; 0 for a constant
        map. Maps of fewer than `MIN_MAP_SIZE` values are left out.
    """
    maps = {name: values for name, values in explain(score_function).items() if np.size(values) >= MIN_MAP_SIZE}
    results = []
    for randomized in ("head", "all"):
        generator = torch.Generator().manual_seed(0)
        shuffled_maps = [
            explain(_shuffle_networks(score_function, randomized, generator)) for _shuffle in range(num_shuffles)
        ]
        for name, values in maps.items():
            correlation = float(np.mean([_spearman(values, other[name]) for other in shuffled_maps]))
            results.append(RandomizationResult(name, randomized, correlation, num_shuffles))
    return tuple(results)


def _shuffle_networks(
    score_function: ScoreFunction, randomized: str, generator: torch.Generator
) -> ScoreFunction:
    model = shuffle_weights(
        copy.deepcopy(score_function.model),
        generator,
        skip_prefixes=_ENCODER_PREFIXES if randomized == "head" else (),
    )
    encoder = (
        getattr(model, "encoder", None) or score_function.encoder
    )  # the model's own, copied, or the frozen one
    if randomized == "all" and encoder is score_function.encoder and encoder is not None:
        encoder = shuffle_weights(copy.deepcopy(encoder), generator)
    return replace(score_function, model=model, encoder=encoder)


def shuffle_weights(
    module: ModuleT, generator: torch.Generator, *, skip_prefixes: tuple[str, ...] = ()
) -> ModuleT:
    """Permute the values of every weight tensor of two or more dimensions, in place.

    Args:
        module: whose weights are shuffled.
        generator: of the permutations.
        skip_prefixes: of names of weights that are kept.
    """
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.ndim > 1 and not name.startswith(skip_prefixes):
                order = torch.randperm(weight.numel(), generator=generator).to(weight.device)
                weight.copy_(weight.flatten()[order].view_as(weight))
    return module


def _spearman(a: NDArray, b: NDArray) -> float:
    from scipy.stats import spearmanr

    a, b = np.ravel(a), np.ravel(b)
    if min(np.ptp(a), np.ptp(b)) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)
