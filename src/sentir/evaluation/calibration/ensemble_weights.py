"""Weights of the members of an ensemble, fitted on dev."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.labels import LabelSpace
from sentir.evaluation.calibration.group_folds import assign_group_folds

_MIN_TOTAL = 1e-9  # of the unnormalized weights

Array = NDArray[np.float64]


def fit_weights(space: LabelSpace, truth: NDArray[Any], logits: Array) -> tuple[float, ...]:
    """Return the weights of M members whose weighted logits predict N labels best.

    Nonnegative factors of the members' logits are fitted by maximum likelihood (a convex problem; least squares
    in regression), and divided by their sum: what their sum says about confidence is left to the calibration
    (Hinton, "Products of experts", ICANN 1999; Breiman, "Stacked regressions", Machine Learning 1996).

    Args:
        space: of the task.
        truth: encoded labels (`LabelSpace.encode_targets`), N rows.
        logits: ``(M, N, K)``, see `LabelSpace.logits`.

    Returns:
        M weights of sum 1; equal ones if no member predicts anything.
    """
    from scipy.optimize import minimize

    count = len(logits)
    if not len(truth):
        return (1 / count,) * count
    loss_of = _LOSSES[space.kind]

    def objective(factors: Array) -> tuple[float, Array]:
        loss, slope = loss_of(np.tensordot(factors, logits, axes=1), truth)
        return loss, np.einsum("mnk,nk->m", logits, slope)

    start, bounds = np.full(count, 1 / count), [(0.0, None)] * count
    factors = minimize(objective, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    total = float(factors.sum())
    return tuple((factors / total).tolist()) if total > _MIN_TOTAL else (1 / count,) * count


def cross_fit_weights(
    space: LabelSpace, truth: NDArray[Any], logits: Array, groups: Sequence[str]
) -> list[tuple[NDArray[np.bool_], tuple[float, ...]]]:
    """Fit weights without each of a few folds of whole groups; arguments as of `fit_weights`.

    Args:
        groups: N dialogues or speakers; a single one is divided by utterances.

    Returns:
        For each fold its ``(N,)`` mask and the weights that were fitted on all other folds.
    """
    folds = assign_group_folds(groups)[1]
    masks = [folds == fold for fold in np.unique(folds)]
    return [(mask, fit_weights(space, truth[~mask], logits[:, ~mask])) for mask in masks]


def _softmax_loss(z: Array, truth: NDArray[Any]) -> tuple[float, Array]:
    rows = np.arange(len(z))
    normalizer = np.logaddexp.reduce(z, axis=1)
    slope = np.exp(z - normalizer[:, None])
    slope[rows, truth] -= 1
    return float((normalizer - z[rows, truth]).mean()), slope / len(z)


def _sigmoid_loss(z: Array, truth: NDArray[Any]) -> tuple[float, Array]:
    loss = np.logaddexp(0, np.where(truth > 0, -z, z)).mean()
    return float(loss), (np.exp(-np.logaddexp(0, -z)) - truth) / z.size


def _squared_loss(z: Array, truth: NDArray[Any]) -> tuple[float, Array]:
    error = z - truth.reshape(-1, 1)
    return float((error**2).mean() / 2), error / error.size


_LOSSES: dict[str, Callable[[Array, NDArray[Any]], tuple[float, Array]]] = {
    "single": _softmax_loss,
    "multi": _sigmoid_loss,
    "regression": _squared_loss,
}
