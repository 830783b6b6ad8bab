"""Closed-form training of the head `sentir.models.kernel_ridge.KernelRidge`, in one step."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from sentir.models.kernel_ridge import KernelRidge
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.recognizer.inference import make_batches
from sentir.recognizer.torch_backend import TorchBackend
from sentir.training.callbacks import EpochCallback, Throughput
from sentir.training.losses import UNLABELED
from sentir.training.speaker_enrollment import RandomEnrollment
from sentir.training.trainer import TrainingResult

_ALPHA = 0.3  # regularization strength: docs/decisions/kernel-ridge.md
_ENROLLMENT_DRAWS = 8  # passes over train with random enrollment
_SCALE = 10.0  # predicted probabilities → logits; calibration fits their temperature
_JITTER = 1e-6  # of the kernel between centers, which equal clips make singular
_BATCH_SIZE = 1024

GetVectors = Callable[[Sequence[int], int], Tensor]  # rows and number of a pass → (n, V) inputs of the head


def fit_kernel_ridge(
    model: nn.Module,
    train: ModelInputs,
    targets: Tensor,
    *,
    class_weights: Tensor,
    dev_score: Callable[[], float],
    on_epoch: EpochCallback | None = None,
    enrollment: RandomEnrollment | None = None,
) -> TrainingResult:
    """Fit the head of a model to the labels of train; nothing else of the model is trained.

    Its centers are random clips of train. With speaker normalization train is passed several times, each time
    with other clips enrolled.

    Args:
        model: with a `KernelRidge` as its ``head``.
        train: inputs of the train split.
        targets: ``(N,)`` labels of a single-label task, or ``(N, K)`` soft ones; see `encode_targets`.
        class_weights: ``(K,)``.
        dev_score: scores the current model on dev; higher is better.
        on_epoch: called once, with the result.
        enrollment: of the speakers of train.
    """
    throughput, start, head = Throughput(), time.perf_counter(), cast(KernelRidge, model.head)
    num_passes = 1 if enrollment is None else _ENROLLMENT_DRAWS
    rows = (targets.reshape(len(targets), -1) != UNLABELED).all(1).nonzero().squeeze(1)
    labels = targets[rows]
    soft = functional.one_hot(labels, len(class_weights)).double() if labels.ndim == 1 else labels.double()

    def vectors(batch: Sequence[int], number: int) -> Tensor:
        arrays = train.batch(batch)
        arrays = arrays if enrollment is None else enrollment(arrays, batch, number)
        return torch.from_numpy(TorchBackend(model).vectors(arrays)).to(head.centers.device)

    order = rows[torch.randperm(len(rows))[: len(head.centers)]].tolist()
    head.centers[: len(order)] = vectors(order, 0)
    loss = _solve(head, vectors, rows.tolist(), soft, (soft @ class_weights.double())[:, None], num_passes)
    result = {"epoch": float(num_passes), "loss": loss, "score": dev_score()}
    throughput.seconds, throughput.utterances = time.perf_counter() - start, num_passes * len(rows)
    if on_epoch is not None:
        on_epoch(result)
    return TrainingResult((result,), result["epoch"], result["score"], throughput.metrics())


def _solve(
    head: KernelRidge, vectors: GetVectors, rows: Sequence[int], soft: Tensor, weights: Tensor, num_passes: int
) -> float:
    """Solve the regularized weighted least squares of all passes, and return their loss without the penalty.

    Args:
        head: with its centers.
        vectors: of rows in a pass.
        rows: N rows of train.
        soft: ``(N, K)`` their labels.
        weights: ``(N, 1)`` of them.
        num_passes: over train.
    """
    mean = (weights * soft).sum(0) / weights.sum()
    centered = soft - mean
    gram = products = torch.zeros((), dtype=torch.float64)
    for number in range(num_passes):
        for part in make_batches([[n] for n in range(len(rows))], _BATCH_SIZE):
            kernel = head.kernel(vectors([rows[n] for n in part], number)).double().cpu()
            weighted = (weights[part] * kernel).T / num_passes
            gram, products = gram + weighted @ kernel, products + weighted @ centered[part]
    penalty = _ALPHA * head.kernel(head.centers).double().cpu() + _JITTER * torch.eye(len(head.centers))
    solution = torch.linalg.solve(gram + penalty, products)
    head.weights.copy_(_SCALE * solution)
    head.bias.copy_(_SCALE * mean)
    squares = (weights * centered.square()).sum() - (2 * products * solution).sum()
    return float((squares + (solution * (gram @ solution)).sum()) / weights.sum())
