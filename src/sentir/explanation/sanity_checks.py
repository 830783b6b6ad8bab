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

from sentir.explanation.results import Randomized
from sentir.explanation.score_function import Probe, still

LEAST = 3  # values that a map must have: of two, ranks agree or they do not
ALIKE = 0.5  # correlation from which on a map shows the input rather than what was learned
DRAWS = 3
_ENCODERS = ("encoder.", "audio.backbone.", "audio.encoder.")  # what begins the names of weights that are no head
Maps = dict[str, NDArray]
Part = TypeVar("Part", bound=nn.Module)


def randomization_check(
    probe: Probe, explain: Callable[[Probe], Maps], *, draws: int = DRAWS, seed: int = 0
) -> tuple[Randomized, ...]:
    """Correlate the maps of a probe with those of the same networks with shuffled weights.

    Every tensor of weights keeps its values in another order, so that their scale stays; norms and biases are
    left. ``head`` shuffles all that is new, ``whole`` the encoders too.

    Args:
        probe: what is explained.
        explain: gives the maps of a probe, by name, any shape each.
        draws: how often the weights are shuffled.
        seed: of the shuffling.

    Returns:
        Spearman's rank correlation of each map and part, mean over the draws. A map that is the same everywhere
        correlates with nothing: 0. Maps of fewer than `LEAST` values are left out.
    """
    with still(probe.model, probe.encoder):
        own = {name: values for name, values in explain(probe).items() if np.size(values) >= LEAST}
    found = []
    for part in ("head", "whole"):
        generator = torch.Generator().manual_seed(seed)
        others = []
        for _draw in range(draws):
            other = _shuffled(probe, part, generator)
            with still(other.model, other.encoder):
                others.append(explain(other))
        for name, values in own.items():
            likeness = [_spearman(values, other[name]) for other in others]
            found.append(Randomized(name, part, float(np.mean(likeness)), draws))
    return tuple(found)


def _shuffled(probe: Probe, part: str, generator: torch.Generator) -> Probe:
    model = shuffle_weights(copy.deepcopy(probe.model), generator, spare=_ENCODERS if part == "head" else ())
    encoder = getattr(model, "encoder", None) or probe.encoder  # its own, copied with it, or the frozen one
    if part == "whole" and encoder is probe.encoder and encoder is not None:
        encoder = shuffle_weights(copy.deepcopy(encoder), generator)
    return replace(probe, model=model, encoder=encoder)


def shuffle_weights(module: Part, generator: torch.Generator, *, spare: tuple[str, ...] = ()) -> Part:
    """Put the values of every weight tensor of two or more dimensions in another order, in place.

    Args:
        spare: beginnings of names that are left as they are.
    """
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.ndim > 1 and not name.startswith(spare):
                order = torch.randperm(weight.numel(), generator=generator).to(weight.device)
                weight.copy_(weight.flatten()[order].view_as(weight))
    return module


def _spearman(a: NDArray, b: NDArray) -> float:
    from scipy.stats import spearmanr

    a, b = np.ravel(a), np.ravel(b)
    if min(np.ptp(a), np.ptp(b)) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)
