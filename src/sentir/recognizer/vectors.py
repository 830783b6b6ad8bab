"""The vectors of a network before its head. To be replaced by ``Backend.vectors`` when it is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentir.errors import RecognizerError
from sentir.i18n import _
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.recognizer.inference import eval_mode, make_batches

_BATCH_SIZE = 32


def compute_vectors(model: nn.Module, inputs: ModelInputs) -> NDArray[np.float32]:
    """Return the input of a network's head for N utterances, ``(N, d)``; several inputs are concatenated.

    Raises:
        RecognizerError: if the network has no module named ``head``.
    """
    device, names = next(model.parameters()).device, model.input_names
    vectors: dict[int, Tensor] = {}
    with eval_mode(model), torch.inference_mode(), _capture_head_input(model) as captured:
        for rows in make_batches(inputs.units, _BATCH_SIZE):
            model(**{name: t.to(device) for name, t in inputs.batch(rows).items() if name in names})  # type: ignore[operator]
            vectors |= zip(rows, captured.pop().float().cpu(), strict=True)
    return torch.stack([vectors[row] for row in range(len(inputs.ids))]).numpy()


@contextmanager
def _capture_head_input(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what the head gets in this thread inside a ``with`` block."""
    head = getattr(model, "head", None)
    if not isinstance(head, nn.Module):
        raise RecognizerError(_("The network of this model has no module 'head', so it has no embeddings."))
    captured: list[Tensor] = []
    thread = threading.get_ident()

    def capture(_module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if threading.get_ident() == thread:
            (given,) = arguments
            captured.append(given if isinstance(given, Tensor) else torch.cat(list(given), dim=-1))

    hook = head.register_forward_pre_hook(capture)
    try:
        yield captured
    finally:
        hook.remove()
