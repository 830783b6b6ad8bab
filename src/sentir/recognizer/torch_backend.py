"""`TorchBackend`: a torch network and its pretrained encoders as the backend of a recognizer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn

from sentir.models.device import get_best_device, to_tensors
from sentir.preprocessing.preprocessor import ModelInputs, Preprocessor
from sentir.recognizer.backend import Batch
from sentir.recognizer.encoders import Encoders
from sentir.recognizer.saved_facts import SavedModel
from sentir.recognizer.saved_files import report_damaged_recipe
from sentir.recognizer.tasks import output_names
from sentir.recognizer.torch_saving import (
    encoder_digests,
    load_encoders,
    load_network,
    save_encoders,
    save_network,
)


@dataclass(frozen=True)
class TorchBackend:
    """A network with its pretrained encoders.

    Attributes:
        network: one of `sentir.models`.
        encoders: pretrained ones; those that are frozen are no part of the network.
    """

    network: nn.Module
    encoders: Encoders = field(default_factory=Encoders)
    kind: ClassVar[str] = "torch"

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the arrays that the network takes."""
        return cast(tuple[str, ...], self.network.input_names)

    def embed(self, inputs: ModelInputs) -> ModelInputs:
        """Replace the encodings and waveforms of frozen encoders by embeddings."""
        return self.encoders.embed(inputs)

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """Return the ``(n, K)`` logits of n utterances."""
        return self._run(self.network, batch)

    def vectors(self, batch: Batch) -> NDArray[np.float32]:
        """Return the ``(n, d)`` vectors that the classification head takes."""
        return self._run(self.network.forward_features, batch)

    def _run(self, function: Any, batch: Batch) -> NDArray[np.float32]:
        with eval_mode(self.network), torch.inference_mode():
            output: Tensor = function(**self._to_tensors(batch))
            return output.float().cpu().numpy()

    def _to_tensors(self, batch: Batch) -> dict[str, Tensor]:
        device = next(self.network.parameters()).device
        return to_tensors({name: batch[name] for name in self.input_names if name in batch}, device)

    def save(self, folder: Path, *, skip_frozen_weights: bool) -> dict[str, Any]:
        """Write ``model.safetensors`` and the encoders; return the digests of frozen ones."""
        try:
            save_network(self.network, folder)
            save_encoders(self.encoders, folder, skip_frozen_weights=skip_frozen_weights)
        except SafetensorError as error:  # such as a full disk
            raise OSError(str(error)) from error
        return self.digests

    @property
    def digests(self) -> dict[str, str]:
        """The hashes of frozen encoders; ``""`` if they are trained or there is none."""
        return encoder_digests(self.encoders)


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Put a network into eval mode inside a ``with`` block."""
    if not network.training:  # then no part of it is; listing all parts takes .1 ms of each text
        yield
        return
    training = [module for module in network.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def load_torch_backend(folder: Path, saved: SavedModel) -> tuple[Preprocessor, TorchBackend]:
    """Load the network, the encoders and their preprocessor from the folder of a saved model.

    Raises:
        RecognizerError: if the folder is damaged.
        WeightsError: if a frozen encoder that was not saved is not available, or has other weights.
    """
    recipe, names = saved.recipe, output_names([task.space for task in saved.to_tasks()])
    with report_damaged_recipe(folder):
        encoders = load_encoders(folder, saved)
        preprocessor = Preprocessor(
            recipe.data, recipe.model, saved.scaler, saved.mel_statistics, **encoders.processors()
        )
        network = load_network(folder, preprocessor, encoders, names)
    return preprocessor, TorchBackend(network.to(get_best_device()).eval(), encoders)
