"""Does a map show what was learned? Then other weights give another one (Adebayo et al., NeurIPS 2018)."""

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
from sentir.explanation.score_function import ScoreFunction, frozen_eval_mode

MIN_MAP_SIZE = 3  # values that a map must have: of two, ranks agree or they do not
MAX_CORRELATION = 0.5  # correlation from which on a map shows the input rather than what was learned
N_SHUFFLES = 3
_ENCODER_PREFIXES = (
    "encoder.",
    "audio.backbone.",
    "audio.encoder.",
)  # what begins the names of weights that are no head
AttributionMaps = dict[str, NDArray]
ModuleT = TypeVar("ModuleT", bound=nn.Module)


def check_randomization(
    score_function: ScoreFunction,
    explain: Callable[[ScoreFunction], AttributionMaps],
    *,
    num_shuffles: int = N_SHUFFLES,
    seed: int = 0,
) -> tuple[RandomizationResult, ...]:
    """Correlate the maps of a probe with those of the same networks with shuffled weights.

    Every tensor of weights keeps its values in another order, so that their scale stays; norms and biases are
    left. ``head`` shuffles all that is new, ``whole`` the encoders too.

    Args:
        score_function: what is explained.
        explain: gives the maps of a probe, by name, any shape each.
        num_shuffles: how often the weights are shuffled.
        seed: of the shuffling.

    Returns:
        Spearman's rank correlation of each map and part, mean over the draws. A map that is the same everywhere
        correlates with nothing: 0. Maps of fewer than `LEAST` values are left out.
    """
    with frozen_eval_mode(score_function.model, score_function.encoder):
        own = {
            name: values for name, values in explain(score_function).items() if np.size(values) >= MIN_MAP_SIZE
        }
    found = []
    for part in ("head", "whole"):
        generator = torch.Generator().manual_seed(seed)
        others = []
        for _draw in range(num_shuffles):
            other = _shuffle_networks(score_function, part, generator)
            with frozen_eval_mode(other.model, other.encoder):
                others.append(explain(other))
        for name, values in own.items():
            likeness = [_spearman(values, other[name]) for other in others]
            found.append(RandomizationResult(name, part, float(np.mean(likeness)), num_shuffles))
    return tuple(found)


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
    )  # its own, copied with it, or the frozen one
    if randomized == "whole" and encoder is score_function.encoder and encoder is not None:
        encoder = shuffle_weights(copy.deepcopy(encoder), generator)
    return replace(score_function, model=model, encoder=encoder)


def shuffle_weights(
    module: ModuleT, generator: torch.Generator, *, skip_prefixes: tuple[str, ...] = ()
) -> ModuleT:
    """Put the values of every weight tensor of two or more dimensions in another order, in place.

    Args:
        skip_prefixes: beginnings of names that are left as they are.
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
