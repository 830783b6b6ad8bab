"""Hashes of everything that a training depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

from numpy.typing import NDArray
from torch import Tensor, nn

from sentir.preprocessing.preprocessor import ModelInputs

_CHECKPOINT_FORMAT = "2"
_PACKAGES = ("sentir", "torch", "transformers", "accelerate", "numpy")


def training_digest(
    model: nn.Module, model_inputs: ModelInputs, targets: Tensor, digest_parts: Iterable[str]
) -> str:
    """Return a hash of initial weights, inputs, targets, package versions and ``digest_parts``."""
    hasher = hashlib.blake2b(digest_size=8)
    versions = (f"{name} {metadata.version(name)}" for name in _PACKAGES)
    for text in (_CHECKPOINT_FORMAT, *versions, inputs_digest(model_inputs), *digest_parts):
        hasher.update(text.encode() + b"\0")
    tensors = {**model.state_dict(), "": targets}
    _hash_arrays(hasher, {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()})
    return hasher.hexdigest()


def inputs_digest(model_inputs: ModelInputs) -> str:
    """Return a hash of the model inputs of a split."""
    hasher = hashlib.blake2b(digest_size=8)
    hasher.update(json.dumps([model_inputs.ids, model_inputs.units, model_inputs.encodings]).encode())
    _hash_arrays(hasher, model_inputs.arrays)
    if model_inputs.mels is not None:  # the statistics depend on every frame
        hasher.update(repr(model_inputs.mels.statistics).encode() + model_inputs.mels.lengths.tobytes())
    if model_inputs.waveforms is not None:
        hasher.update(repr((model_inputs.waveforms.content_hashes, model_inputs.waveforms.max_samples)).encode())
    return hasher.hexdigest()


def _hash_arrays(hasher: hashlib.blake2b, arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, array in arrays.items():
        hasher.update(name.encode() + str(array.dtype).encode())
        hasher.update(array.tobytes())
